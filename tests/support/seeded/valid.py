"""How a module says which request succeeds at an operation."""

from collections.abc import Callable
from typing import Any

from chassis.clock import morning_of
from opstap.services import DEFINITIONS
from tests.support.seeded.house import VALID, Builder, House, Ready


def valid(service: str, *operations: str) -> Callable[[Builder], Builder]:
    """The builder of these operations."""

    def keep(builder: Builder) -> Builder:
        VALID.update({(service, operation): builder for operation in operations})
        return builder

    return keep


def plain(service: str, *operations: str, **ready: Any) -> None:
    """Operations that need nothing to be there."""

    async def build(_: House) -> Ready:
        return Ready(**ready)

    valid(service, *operations)(build)


def of_client(service: str, operation: str, body: Any = None, *, categorised: bool = False) -> None:
    """An operation on any client, or on any who has a category."""

    async def build(house: House) -> Ready:
        client = await (house.categorised() if categorised else house.client())
        return Ready({"client_id": client}, body)

    valid(service, operation)(build)


for _name in DEFINITIONS:
    plain(_name, "readEvents", "readOpenapi", "readCivilClock")

    @valid(_name, "moveCivilClock")
    async def _move_civil_clock(house: House) -> Ready:
        return Ready(body={"moment": morning_of(house.services["intake"].clock.today()).isoformat()})
