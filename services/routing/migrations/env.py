from chassis.migrations import run
from routing.tables import Base

run(Base.metadata)
