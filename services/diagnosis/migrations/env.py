from chassis.migrations import run
from diagnosis.tables import Base

run(Base.metadata)
