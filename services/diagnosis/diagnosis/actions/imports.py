"""Clients who came in mid-journey: their category and exemption are taken over, and nobody is invited (INT-15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from chassis.work import Work
from contracts import Envelope
from contracts.diagnosis import ClientCategorised
from contracts.intake import CaseImported
from diagnosis.actions import exemptions
from diagnosis.actions.clients import known_of, pack_of_then
from diagnosis.rules import Known, Standing, imported_exemption, imported_traits
from diagnosis.tables import Categorisation, Client, Exemption, present_categories, running_exemptions
from policy import Pack


@dataclass(frozen=True)
class Import:
    """A client with the case that came along, and the policy of the day on which it came."""

    client: Client
    case: CaseImported
    pack: Pack


async def take_over(work: Work, imports: Sequence[Import]) -> None:
    """Keep what came along, but of a spell that ended. Whose present category was decided here keeps that one."""
    imports = [each for each in imports if each.case.exited_on is None]
    ids = [each.client.id for each in imports]
    granted = _exemptions(work, imports, await running_exemptions(work.session, ids))
    await exemptions.grant(work, granted, "import")
    standing = await present_categories(work.session, ids)
    for each in imports:
        if each.case.category is not None and each.client.id not in standing:
            _categorise(work, each, each.case.category)
    await work.session.flush()


def _exemptions(work: Work, imports: Sequence[Import], running: dict[UUID, Any]) -> list[Exemption]:
    wanted = {each.client.id: imported_exemption(each.case) for each in imports}
    return [
        Exemption(
            id=work.ids(),
            municipality=each.client.municipality,
            client_id=each.client.id,
            granted_on=each.case.occurred_on,
            until=each.case.exempted_until,
            effect=each.pack.exemption_effect(each.case.exempted_permanently),
        )
        for each in imports
        if wanted[each.client.id] and each.client.id not in running
    ]


def _categorise(work: Work, each: Import, category: str) -> None:
    since: date = each.case.categorised_on or each.case.occurred_on
    track = each.case.track or each.pack.track_of(category)
    known: Known = known_of(each.client)
    work.session.add(
        Categorisation(
            id=work.ids(),
            municipality=each.client.municipality,
            client_id=each.client.id,
            scheme=each.pack.scheme.id,
            category=category,
            track=track,
            basis="import",
            since=since,
            decided_by="import",
        )
    )
    event = ClientCategorised(
        occurred_on=since,
        by="import",
        assessment_id=None,
        old_category=None,
        old_track=None,
        traits=imported_traits(each.case, known, scheme=each.pack.scheme.id, standing=Standing(category, track)),
        receipt=None,
    )
    work.publish(each.client.id, each.client.municipality, event)


def import_of(work: Work, client: Client, envelope: Envelope[CaseImported]) -> Import:
    """The client and the case, under the policy in force on the day of the import."""
    return Import(client, envelope.data, pack_of_then(work, envelope))
