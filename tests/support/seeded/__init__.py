"""All services together in one process on databases of their own, and for each operation a request that must succeed.

`VALID` names every operation of the five OpenAPI documents; each service's builders stand in the module of its name. A
builder makes what its operation needs through the real APIs and events, each time anew, and says with which request it
then succeeds.
"""

from tests.support.seeded import diagnosis, intake, partners, reporting, routing
from tests.support.seeded.house import ELSEWHERE, LEIDSCHENDAM, VALID, VOORSCHOTEN, House, Ready, house_of
from tests.support.seeded.operations import DOCUMENTS, OPERATIONS, Operation

BUILDERS = (intake, diagnosis, routing, partners, reporting)
"""The modules that fill `VALID` as they are imported."""

__all__ = [
    "BUILDERS", "DOCUMENTS", "ELSEWHERE", "LEIDSCHENDAM", "OPERATIONS", "VALID", "VOORSCHOTEN", "House", "Operation",
    "Ready", "house_of",
]  # fmt: skip
