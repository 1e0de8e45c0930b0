"""The file for the municipality where somebody lives now: what it needs to go on where this one stopped (INT-14)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from chassis.problems import Forbidden
from chassis.work import Work
from contracts.intake import ImportedSuspension
from intake.actions import audit
from intake.actions.policies import intake_policy
from intake.caseload import Case
from intake.identity import Identity
from intake.others import Others
from intake.people import NewClient
from intake.problems import NotMovedAway, NoTransferFile, OthersSilent, TransferFileOver
from intake.tables import Client, client_by_id
from intake.vault import Vault
from policy import NoPolicyInForce, Pack, UnknownMunicipality

ONE_DAY = timedelta(days=1)
ASK_AGAIN_AFTER = 30
"""Seconds after which to ask again when another service has not heard of the departure yet."""

Told = Mapping[str, Any]


@dataclass(frozen=True)
class TransferFile:
    """Who moved, and where they stood on the day of departure."""

    client: Client
    person: NewClient
    moved_on: date
    readable_until: date
    routing: Told
    diagnosis: Told


async def transfer_file(work: Work, vault: Vault, others: Others, client_id: UUID, purpose: str) -> TransferFile:
    """The file of who moved away, for a named member of staff, within the time that policy gives; the look is recorded.

    The old address is never in it, for the receiver has the new one from the population register; where the address is
    secret the ways to reach somebody are left out as well, and the file says so.
    """
    if not work.actor.startswith("staff:"):
        raise Forbidden("A transfer file is for a named member of staff; the access token names none.")
    client = await client_by_id(work.session, client_id)
    if client.state != "moved_away" or client.ended_on is None:
        raise NotMovedAway(f"The client is {client.state.replace('_', ' ')}.")
    until = _readable_until(work, client, client.ended_on)
    routing = await others.extract("routing", client.id)
    if routing is not None and routing["leftOn"] is None:
        raise OthersSilent("Routing has not heard of the departure yet.", retry_after=ASK_AGAIN_AFTER)
    diagnosis = await others.extract("diagnosis", client.id)
    audit.record(work, "client.transfer-file", client.municipality, client.id, purpose)
    person = _person(Identity(vault, client), client)
    return TransferFile(client, person, client.ended_on, until, routing or {}, diagnosis or {})


def case_of(work: Work, file: TransferFile) -> Case:
    """Where the client stands, as a line of a caseload file: codes that the receiver's policy does not know left out.

    The longest stay goes on where it stopped: it began when it began, and the days between the two municipalities
    count for nothing.
    """
    routing, diagnosis = file.routing, file.diagnosis
    pack = _pack_of(work, file.client.moved_to)
    exemption = diagnosis.get("exemption") or {}
    stay = routing.get("stay")
    known: dict[str, Any] = {
        "benefit_from": file.moved_on,
        "route_started_on": stay["beganOn"] if stay else None,
        "suspensions": _still(work, file) if stay else (),
        "exempted_until": exemption.get("until"),
        "exempted_permanently": exemption.get("permanent", False),
        "indications": tuple(diagnosis.get("indications", ())),
        "prospect_of_work": routing.get("prospectOfWork"),
        "last_conversation_on": routing.get("lastConversationOn"),
    }
    category, route = routing.get("category"), routing.get("route")
    if category is not None and (pack is None or category in pack.categories):
        known |= {"category": category, "categorised_on": routing.get("categorySince")}
        track = routing.get("track")
        if pack is None or pack.track_of(category) == track:
            known["track"] = track
    if stay and route is not None and (pack is None or route in pack.routing.routes):
        known["route"] = route
    return Case.model_validate(known)


def _readable_until(work: Work, client: Client, moved_on: date) -> date:
    rule = intake_policy(work, client.municipality).transfer_file
    if rule is None:
        raise NoTransferFile
    until = rule.term.after(moved_on)
    if work.today > until:
        raise TransferFileOver(f"It could be read until {until}.")
    return until


def _pack_of(work: Work, municipality: str | None) -> Pack | None:
    """The policy of the receiving municipality, when it is one of ours."""
    try:
        return work.policies.in_force(municipality, work.today) if municipality else None
    except (NoPolicyInForce, UnknownMunicipality):
        return None


def _person(identity: Identity, client: Client) -> NewClient:
    return NewClient(
        bsn=identity.bsn,
        name=identity.name,
        birth_date=identity.birth_date,
        secret_address=client.secret_address,
        contact=None if client.secret_address else identity.contact,
        language=identity.language,
        household_kind=client.household_kind,
        permit_holder=client.permit_holder,
        housed_on=client.housed_on,
        without_benefit=client.without_benefit,
        starting_qualification=client.starting_qualification,
    )


def _still(work: Work, file: TransferFile) -> tuple[ImportedSuspension, ...]:
    """The suspensions of the stay, and the time between two municipalities; one by an exemption goes on."""
    exempted = file.diagnosis.get("exemption") is not None
    periods = [ImportedSuspension.model_validate(each) for each in file.routing["suspensions"]]
    running = any(each.end is None for each in periods)
    closed = [each for each in periods if each.end is not None]
    if running and exempted:
        return (*closed, *(each for each in periods if each.end is None))
    open_since = min((each.start for each in periods if each.end is None), default=file.moved_on)
    between = ImportedSuspension(start=min(open_since, file.moved_on), end=work.today)
    return (*closed, between) if between.start < work.today else tuple(closed)
