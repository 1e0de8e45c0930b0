"""Clients who live through the demonstration's stories, on services that run as processes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from opstap.demo.api import Api
from opstap.demo.caseload import Group
from opstap.demo.cast import Part
from opstap.demo.drive import drive
from opstap.demo.partners import PartnerDesk
from opstap.demo.world import World
from opstap.verify import verify
from tests.support.fleet import Fleet

WEBHOOKS = {"OPSTAP_WEBHOOK_TIMEOUT": "0.5"}
"""Some partners of the demonstration never answer: nobody waits long for them here."""


@dataclass
class Lived:
    """What came of it."""

    world: World
    ledgers: Mapping[str, Mapping[str, int]]
    """What each partner received, by its own account: how often each message."""
    refused: int
    """Webhooks that a partner did not trust."""


async def live(
    fleet: Fleet,
    first: date,
    last: date,
    cast: Sequence[Part],
    *,
    seed: int,
    baseline: Mapping[str, Sequence[Group]] | None = None,
    desk: PartnerDesk | None = None,
) -> Lived:
    """Let the stories happen, day by day; each day settles before the next."""
    api, desk = Api(fleet.address, repeatable=True), desk or PartnerDesk()
    await desk.start()
    try:
        world = await drive(api, desk, first, last, fleet.next_day, seed=seed, cast=cast, baseline=baseline or {})
        await fleet.settle()
    finally:
        await desk.stop()
        await api.close()
    ledgers = {name: dict(ledger.received) for name, ledger in desk.ledgers.items()}
    return Lived(world, ledgers, sum(ledger.refused for ledger in desk.ledgers.values()))


async def assert_all_is_well(fleet: Fleet, lived: Lived, cast: Sequence[Part]) -> None:
    """Everybody went all the way, nothing was lost or doubled, and the partners say the same."""
    expected = Counter[str]()
    for part in cast:
        expected[part.story.__name__] += part.number
    assert lived.world.walked == expected
    differences = await verify(fleet.urls, ledgers=lived.ledgers)
    assert not differences, "\n".join(map(str, differences))
    assert lived.refused == 0
