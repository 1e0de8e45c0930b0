from chassis.migrations import run
from reporting.tables import Base

run(Base.metadata)
