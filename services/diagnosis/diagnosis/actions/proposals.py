"""A named professional decides on a proposal: confirms it, alone or together with others, or overrides it (DIA-12)."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.problems import Conflict, Invalid, NotFound, Problem
from chassis.work import Work
from contracts import ReceiptReference
from contracts.diagnosis import ClientCategorised
from diagnosis.actions import exemptions
from diagnosis.actions.clients import active_client, day_of, decider, known_of, policy_of
from diagnosis.problems import AlreadyDecided, InDoubt, NotConfirmable, NothingToConfirm, NotOpened
from diagnosis.rules import Basis, Standing, exemption_change, traits
from diagnosis.tables import (
    Categorisation,
    Client,
    Exemption,
    Opened,
    Proposal,
    present_categories,
    running_exemptions,
)
from policy import Explanation, Facts, Pack, explain


async def look_at(work: Work, proposal_id: UUID) -> Proposal:
    """A proposal, and that this person looked at it."""
    proposal = await _read(work, proposal_id)
    await show(work, proposal)
    return proposal


async def show(work: Work, proposal: Proposal) -> None:
    """Keep that this person saw the whole proposal: opened, or in the answer to the assessment that they entered."""
    seen = {
        "proposal_id": proposal.id,
        "by": work.actor,
        "municipality": proposal.municipality,
        "at": work.clock.wall(),
    }
    await work.session.execute(insert(Opened).values(seen).on_conflict_do_nothing())


async def opened(work: Work, proposal_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Which of these proposals this person opened, and when first."""
    query = select(Opened.proposal_id, Opened.at).where(Opened.proposal_id.in_(proposal_ids), Opened.by == work.actor)
    return {row.proposal_id: row.at for row in await work.session.execute(query)}


async def explained(work: Work, proposal_id: UUID) -> tuple[Proposal, Explanation]:
    """A proposal, and what would lead to another category, on the facts and the day of its receipt."""
    proposal = await _read(work, proposal_id)
    receipt = proposal.receipt.body
    facts, on = Facts.model_validate(receipt["facts"]), date.fromisoformat(receipt["on"])
    return proposal, explain(policy_of(work, proposal.municipality, on), facts, on)


async def confirm(work: Work, proposal_id: UUID, on: date | None) -> Proposal:
    """The client gets the category that policy proposes; who confirms it opened it first."""
    by = decider(work)
    proposal, client = await _in_hand(work, proposal_id)
    if not await opened(work, [proposal_id]):
        raise NotOpened(proposals=[str(proposal_id)])
    day = _decided_on(work, proposal, on)
    if proposal.status == "undecided":
        raise NothingToConfirm
    assert proposal.category is not None
    assert proposal.track is not None
    _decide(work, proposal, "confirmed", proposal.category, by, day)
    basis: Basis = "correction" if proposal.assessment.corrects else "assessment"
    await _settle(work, proposal, client, Standing(proposal.category, proposal.track), basis)
    return proposal


async def confirm_together(work: Work, proposal_ids: Sequence[UUID], on: date | None) -> list[Proposal]:
    """Confirm several proposals, all or none; each that cannot be is named, with why."""
    decider(work)
    day_of(work, on, "#/on")
    places = {each: f"#/proposalIds/{proposal_ids.index(each)}" for each in proposal_ids}
    found = set(await work.session.scalars(select(Proposal.id).where(Proposal.id.in_(places))))
    unknown = [place for each, place in places.items() if each not in found]
    if unknown:
        raise Invalid(errors=[{"detail": "is not a proposal that there is", "pointer": place} for place in unknown])
    confirmed: list[Proposal] = []
    refused: dict[UUID, Problem] = {}
    for each in sorted(found):
        try:
            confirmed.append(await confirm(work, each, on))
        except (Conflict, Invalid) as reason:
            refused[each] = reason
    if refused:
        raise NotConfirmable.of({each: (place, refused[each]) for each, place in places.items() if each in refused})
    return confirmed


async def override(work: Work, proposal_id: UUID, category: str, reason: str, on: date | None) -> Proposal:
    """The client gets another category than policy proposes, with a reason (DIA-11)."""
    by = decider(work)
    proposal, client = await _in_hand(work, proposal_id)
    day = _decided_on(work, proposal, on)
    pack = _policy_of(work, proposal)
    if category not in pack.categories:
        raise Invalid.at("#/category", f"is one of {', '.join(pack.categories)}")
    if category == proposal.category:
        raise Invalid.at("#/category", "is what policy proposes; confirm the proposal")
    _decide(work, proposal, "overridden", category, by, day)
    proposal.override_reason = reason
    await _settle(work, proposal, client, Standing(category, pack.track_of(category)), "override")
    return proposal


async def _read(work: Work, proposal_id: UUID) -> Proposal:
    proposal = await work.session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound("There is no such proposal.")
    return proposal


async def _in_hand(work: Work, proposal_id: UUID) -> tuple[Proposal, Client]:
    """An open proposal and its client, both locked, the client first as everywhere."""
    client_id = (await _read(work, proposal_id)).client_id
    client = await active_client(work, client_id)
    proposal = await work.session.scalar(
        select(Proposal)
        .where(Proposal.id == proposal_id)
        .with_for_update(of=Proposal)
        .execution_options(populate_existing=True)
    )
    assert proposal is not None
    if proposal.state != "open":
        raise AlreadyDecided(f"It was {proposal.state}.")
    if proposal.status == "in_doubt":
        raise InDoubt
    return proposal, client


def _decided_on(work: Work, proposal: Proposal, on: date | None) -> date:
    day = day_of(work, on, "#/on")
    if day < proposal.assessment.occurred_on:
        raise Invalid.at("#/on", f"lies before the assessment of {proposal.assessment.occurred_on}")
    return day


def _decide(
    work: Work, proposal: Proposal, state: Literal["confirmed", "overridden"], category: str, by: str, on: date
) -> None:
    proposal.state, proposal.decided_category = state, category
    proposal.decided_by, proposal.decided_on, proposal.decided_at = by, on, work.clock.wall()


def _policy_of(work: Work, proposal: Proposal) -> Pack:
    return policy_of(work, proposal.municipality, proposal.assessment.occurred_on)


async def _settle(work: Work, proposal: Proposal, client: Client, new: Standing, basis: Basis) -> None:
    """What a decision leads to: the exemption first, then the category, and what it corrects is marked."""
    corrects = proposal.assessment.corrects
    if corrects is not None:
        assert proposal.decided_by is not None
        await exemptions.take_back(work, client.id, corrects, proposal.decided_by)
    await _settle_exemption(work, proposal, client)
    old = (await present_categories(work.session, [client.id])).get(client.id)
    await _stand(work, proposal, new, basis, old)
    await _mark_corrected(work, corrects)
    before = await _before(work, client, old)
    work.publish(client.id, client.municipality, _categorised(proposal, client, new, basis, old, before))


async def _before(work: Work, client: Client, old: Categorisation | None) -> Standing | None:
    """Where the client stood before this decision, and before those that turned out wrong."""
    if old is not None and old.corrected:
        old = await work.session.scalar(
            select(Categorisation)
            .where(Categorisation.client_id == client.id, ~Categorisation.corrected, Categorisation.until.is_not(None))
            .order_by(Categorisation.position.desc())
            .limit(1)
        )
    return Standing(old.category, old.track) if old else None


async def _settle_exemption(work: Work, proposal: Proposal, client: Client) -> None:
    assert proposal.decided_on is not None
    assert proposal.decided_by is not None
    running = (await running_exemptions(work.session, [client.id])).get(client.id)
    change = exemption_change(
        None if running is None else running.until or "permanent",
        Facts.model_validate(proposal.assessment.facts),
        proposal.assessment.occurred_on,
    )
    on, by = proposal.decided_on, proposal.decided_by
    if running is not None and change.ends:
        await exemptions.end(work, running, on, by, proposal.assessment_id)
        await work.session.flush()
    if change.grants is not None:
        granted = Exemption(
            id=work.ids(),
            municipality=client.municipality,
            client_id=client.id,
            granted_on=min(on, change.grants.until or on),
            until=change.grants.until,
            effect=_policy_of(work, proposal).exemption_effect(change.grants.permanent),
            assessment_id=proposal.assessment_id,
        )
        await exemptions.grant(work, [granted], by)


async def _stand(work: Work, proposal: Proposal, new: Standing, basis: Basis, old: Categorisation | None) -> None:
    assert proposal.decided_on is not None
    if old is not None:
        old.until = max(old.since, proposal.decided_on)
        await work.session.flush()
    work.session.add(
        Categorisation(
            id=work.ids(),
            municipality=proposal.municipality,
            client_id=proposal.client_id,
            scheme=proposal.scheme,
            category=new.category,
            track=new.track,
            basis=basis,
            since=proposal.decided_on,
            assessment_id=proposal.assessment_id,
            receipt_id=proposal.receipt_id,
            decided_by=proposal.decided_by,
        )
    )


async def _mark_corrected(work: Work, assessment_id: UUID | None) -> None:
    if assessment_id is None:
        return
    await work.session.execute(
        update(Proposal).where(Proposal.assessment_id == assessment_id).values(state="corrected")
    )
    await work.session.execute(
        update(Categorisation).where(Categorisation.assessment_id == assessment_id).values(corrected=True),
        execution_options={"synchronize_session": "fetch"},
    )


def _categorised(
    proposal: Proposal, client: Client, new: Standing, basis: Basis, old: Categorisation | None,
    before: Standing | None,
) -> ClientCategorised:  # fmt: skip
    """What is said: the category that was left, and whether the new one is another than before what was wrong."""
    assert proposal.decided_on is not None
    assert proposal.decided_by is not None
    return ClientCategorised(
        occurred_on=proposal.decided_on,
        by=proposal.decided_by,
        assessment_id=proposal.assessment_id,
        old_category=old.category if old else None,
        old_track=old.track if old else None,
        traits=traits(
            Facts.model_validate(proposal.assessment.facts),
            known_of(client),
            proposal.assessment.occurred_on,
            scheme=proposal.scheme,
            new=new,
            old=before,
            basis=basis,
        ),
        receipt=reference(proposal),
        corrects=proposal.assessment.corrects,
    )


def reference(proposal: Proposal) -> ReceiptReference:
    """How others name the receipt; without a rule where a professional decided against it."""
    body = proposal.receipt.body
    return ReceiptReference(
        receipt_id=proposal.receipt_id,
        pack_id=body["pack_id"],
        version=body["version"],
        digest=body["digest"],
        rule=proposal.rule,
    )
