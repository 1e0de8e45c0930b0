from chassis.migrations import run
from intake.tables import Base

run(Base.metadata)
