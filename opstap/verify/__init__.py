"""Does everything balance? Recomputed from the databases by SQL and pure folds; none of the services' handlers runs.

`verify` tells what differs; `examine` also what is open but known. Each check is a function from `Evidence` to
differences, and names the invariants of `docs/invariants.md` (I1 to I12) that it holds against the databases.

Meant for a system at rest. While one is at work, events are on their way: examine again after a moment.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from opstap.databases import DatabaseUrls
from opstap.verify import (
    deadlines,
    endings,
    entities,
    exchange,
    figures,
    loops,
    sight,
    standing,
    travels,
    webhooks,
    worklists,
)
from opstap.verify.evidence import Evidence, Hearers, gathered
from opstap.verify.findings import Difference, Findings
from opstap.verify.webhooks import Ledgers

__all__ = ["CHECKS", "Difference", "Findings", "Ledgers", "examine", "hearers_of_the_system", "verify"]

Check = Callable[[Evidence], Awaitable[list[Difference]]]

CHECKS: tuple[Check, ...] = (
    exchange.readable,
    exchange.handled_once,
    exchange.no_ghosts,
    exchange.at_the_head,
    entities.rows_and_events,
    standing.aliases,
    standing.registrations,
    standing.letters_tell,
    standing.categories,
    standing.left_in_diagnosis,
    travels.kept,
    standing.journeys,
    standing.partners_know,
    loops.exemptions,
    loops.routes,
    loops.handovers,
    loops.exits,
    loops.referrals_at_routing,
    loops.referrals_at_partners,
    loops.groups,
    endings.nothing_open,
    endings.pensioned,
    deadlines.on_their_day,
    deadlines.fired_once,
    worklists.work_lists,
    worklists.waited_for_at_intake,
    sight.kept_alike,
    webhooks.each_has_its_deliveries,
    webhooks.deliveries_stand,
    figures.counted,
    figures.projected,
    figures.by_category,
    figures.stock,
)


async def verify(
    urls: Mapping[str, DatabaseUrls], *, ledgers: Ledgers | None = None, hearers: Hearers | None = None
) -> list[Difference]:
    """What does not balance; empty when everything does."""
    return (await examine(urls, ledgers=ledgers, hearers=hearers)).differences


async def examine(
    urls: Mapping[str, DatabaseUrls],
    *,
    ledgers: Ledgers | None = None,
    hearers: Hearers | None = None,
    on_check: Callable[[str], None] = lambda _: None,
) -> Findings:
    """What does not balance, what is open but known, and how much there is.

    `hearers` defaults to the handlers of the five services; `on_check` is told each check before it runs.
    """
    async with gathered(urls, hearers if hearers is not None else hearers_of_the_system()) as evidence:
        differences = []
        for check in CHECKS:
            on_check(check.__name__)
            differences += await check(evidence)
        if ledgers is not None:
            on_check(webhooks.by_their_own_account.__name__)
            differences += await webhooks.by_their_own_account(evidence, ledgers)
        listed = exchange.parked(evidence) + await webhooks.under_way(evidence)
        return Findings(differences, listed, await _counts(evidence))


def hearers_of_the_system() -> Hearers:
    """Which events each of the five services has a handler for."""
    from opstap.services import DEFINITIONS  # noqa: PLC0415 - the services need a second to load

    return {name: frozenset(definition.handlers) for name, definition in DEFINITIONS.items()}


async def _counts(evidence: Evidence) -> Mapping[str, Mapping[str, int]]:
    deliveries = await evidence.rows("partners", "SELECT state, count(*) AS number FROM deliveries GROUP BY state")
    return {
        "published": {service: len(said) for service, said in evidence.said.items()},
        "handled": {service: len(inbox) for service, inbox in evidence.heard.items()},
        "parked": Counter({service: len(rows) for service, rows in evidence.parked.items()}),
        "deliveries": {row["state"]: row["number"] for row in deliveries},
    }
