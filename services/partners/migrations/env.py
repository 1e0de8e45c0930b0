from chassis.migrations import run
from partners.tables import Base

run(Base.metadata)
