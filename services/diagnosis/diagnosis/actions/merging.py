"""A client registered twice: everything goes over to who stays; and back, when that was a mistake (INT-13)."""

from collections.abc import Collection, Mapping
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.consumer import Handlers
from chassis.deadlines import Deadline
from chassis.images import OfClients
from chassis.mergers import Merger, Mergers, Undone
from chassis.work import Work
from contracts.diagnosis import ExemptionEnded, ExemptionGranted
from diagnosis.actions.clients import begin_anew, go_on, stop
from diagnosis.actions.exemptions import end, watch
from diagnosis.tables import (
    OF_CLIENT,
    Assessment,
    Categorisation,
    Client,
    Exemption,
    IndicationRequest,
    Invitation,
    MergedClient,
    Proposal,
    Receipt,
    Travel,
    open_proposals,
    present_categories,
    resolve,
    running_exemptions,
)

R = TypeVar("R", Proposal, Categorisation, Invitation)

_ENDED = ("registration_ended", "registration_ended_on", "exited_on", "ended", "ended_on")
_TABLES = (
    OfClients(Client, by=("id",), together=(_ENDED,)),
    OfClients(MergedClient, by=("id", "into")),
    OfClients(Invitation, also=("closed_on",)),
    OfClients(Travel),
    OfClients(Proposal, also=("state",), told=True),
    OfClients(Categorisation, also=("until",), told=True),
    OfClients(Exemption, also=("ended_on",), told=True),
    *(OfClients(each, told=True) for each in (Assessment, Receipt, IndicationRequest)),
    OfClients(Deadline, by=("subject",)),
)


def mergers(heard: Handlers) -> Mergers:
    """How diagnosis merges, given what else it hears."""
    return Mergers(heard, *_TABLES, now=_now, hold=_hold, merge=_merge, follow=_follow)


async def _now(work: Work, clients: Collection[UUID]) -> dict[UUID, UUID]:
    return await resolve(work.session, clients)


async def _hold(work: Work, clients: Mapping[UUID, str]) -> None:
    rows = [{"id": id, "municipality": clients[id], "registered": False} for id in sorted(clients)]
    await work.session.execute(insert(Client).on_conflict_do_nothing(), rows)
    await work.session.execute(select(Client.id).where(Client.id.in_(clients)).order_by(Client.id).with_for_update())


async def _merge(work: Work, merger: Merger) -> None:
    """Everything of the client that goes becomes the other's; where both have one, the newest holds."""
    old, new = merger.clients
    gone, stays = [await work.session.get_one(Client, each, populate_existing=True) for each in merger.clients]
    await _one_of_each(work, merger)
    await _leave_ends_behind(work, gone, stays)
    await work.session.flush()
    for table in OF_CLIENT:
        await work.session.execute(update(table).where(table.client_id == old).values(client_id=new))
    await work.session.execute(update(Deadline).where(Deadline.subject == old).values(subject=new))
    await work.session.execute(update(MergedClient).where(MergedClient.into == old).values(into=new))
    work.session.add(MergedClient(id=old, municipality=merger.municipality, into=new))
    _complete(stays, gone)
    await work.session.delete(gone)
    if stays.ended:
        await stop(work, [stays], stays.ended, merger.on)


async def _follow(work: Work, undone: Undone) -> None:
    """What a decision about the survivor had closed of who had gone is open: that decision was not about them."""
    await _proposals_open(work, undone)
    await _category_stands(work, undone)
    await _exemptions_run(work, undone)
    await _invitations_open(work, undone)
    clients = await work.session.scalars(select(Client).where(Client.id.in_(undone.merger.clients)))
    for client in clients.all():
        if client.ended and client.ended_on:
            await stop(work, [client], client.ended, client.ended_on)
        else:  # an end that was not theirs may have closed what came meanwhile
            await go_on(work, [client])


async def _proposals_open(work: Work, undone: Undone) -> None:
    theirs = [each.id for each in undone.changed(Proposal) if each.before.get("state") == "open"]
    for proposal in await work.session.scalars(_of_gone(undone, Proposal, theirs).where(Proposal.state != "open")):
        proposal.reopen()


async def _category_stands(work: Work, undone: Undone) -> None:
    """The one that was present stands again, unless another was decided."""
    if await present_categories(work.session, [undone.merger.gone]):
        return
    theirs = [each.id for each in undone.changed(Categorisation) if each.before.get("until", ...) is None]
    for category in await work.session.scalars(_of_gone(undone, Categorisation, theirs)):
        category.until = None


async def _exemptions_run(work: Work, undone: Undone) -> None:
    """Others hear of those that run again; and of one that was ended by hand meanwhile, that it was theirs."""
    ran = {each.id: each for each in undone.changed(Exemption) if each.before.get("ended_on", ...) is None}
    found = await work.session.scalars(select(Exemption).where(Exemption.id.in_(ran)).order_by(Exemption.id))
    for exemption in found.all():
        if exemption.ended_on is None:
            if ran[exemption.id].touched("ended_on"):
                _say_that_it_runs(work, exemption, undone.by)
        elif exemption.client_id == undone.merger.gone:
            if await _ended_by_a_decision(work, undone, exemption):
                exemption.ended_on = None
                await work.session.flush()
                await watch(work, [exemption])
                _say_that_it_runs(work, exemption, undone.by)
            else:
                event = ExemptionEnded(occurred_on=exemption.ended_on, by=undone.by, exemption_id=exemption.id)
                with work.because_of(None, ()):  # it is a fact, and was told of the survivor only
                    work.publish(exemption.client_id, exemption.municipality, event)


def _say_that_it_runs(work: Work, exemption: Exemption, by: str) -> None:
    told = {"exemption_id": exemption.id, "until": exemption.until, "effect": exemption.effect}
    event = ExemptionGranted.model_validate({"occurred_on": exemption.granted_on, "by": by, **told})
    work.publish(exemption.client_id, exemption.municipality, event)


async def _ended_by_a_decision(work: Work, undone: Undone, exemption: Exemption) -> bool:
    """Whether it gave way to a category that the survivor was given on that day."""
    decided = select(Categorisation.id).where(
        Categorisation.client_id == undone.merger.survivor, Categorisation.since == exemption.ended_on
    )
    return await work.session.scalar(decided.limit(1)) is not None


async def _invitations_open(work: Work, undone: Undone) -> None:
    theirs = [each.id for each in undone.changed(Invitation) if each.before.get("closed_on", ...) is None]
    there = set(
        await work.session.scalars(
            select(Invitation.reason).where(Invitation.client_id == undone.merger.gone, Invitation.closed_on.is_(None))
        )
    )
    for invitation in await work.session.scalars(_of_gone(undone, Invitation, theirs)):
        if invitation.closed_on is not None and invitation.reason not in there:
            invitation.closed_on = invitation.closed_because = None


def _of_gone(undone: Undone, table: type[R], ids: Collection[UUID]) -> Select[R]:
    return select(table).where(table.client_id == undone.merger.gone, table.id.in_(ids)).order_by(table.id)


def _goes_on(stays: Client, gone: Client) -> bool:
    """Whether who stays is, or is again, on a journey."""
    return stays.ended is None or (gone.ended is None and stays.registration_ended in {None, "moved_away"})


async def _leave_ends_behind(work: Work, gone: Client, stays: Client) -> None:
    """What an end closed of the one stays closed when it turns out that the other goes on."""
    if _goes_on(stays, gone):
        await begin_anew(work, [each for each in (gone, stays) if each.ended])


def _complete(stays: Client, gone: Client) -> None:
    """Traits that only the one registration told; who left and came back under another id is back."""
    if _goes_on(stays, gone):
        stays.end_registration(None)
        stays.exit(None)
    for trait in ("age_band", "permit_holder", "without_benefit", "starting_qualification"):
        if getattr(stays, trait) is None:
            setattr(stays, trait, getattr(gone, trait))


async def _one_of_each(work: Work, merger: Merger) -> None:
    """One open proposal, one present category, one running exemption, one open invitation and request of a kind."""
    for proposal in sorted(await open_proposals(work.session, merger.clients), key=lambda each: each.id)[:-1]:
        proposal.close("superseded", "merged", merger.on)
    present = sorted((await present_categories(work.session, merger.clients)).values(), key=lambda each: each.position)
    for category in present[:-1]:
        category.until = max(category.since, merger.on)
    exemptions = sorted((await running_exemptions(work.session, merger.clients)).values(), key=lambda each: each.id)
    for exemption in exemptions[:-1]:
        await end(work, exemption, merger.on, merger.by)
    await _settle_doubles(work, merger)


async def _settle_doubles(work: Work, merger: Merger) -> None:
    theirs = select(Invitation.reason).where(Invitation.client_id == merger.survivor, Invitation.closed_on.is_(None))
    await work.session.execute(
        update(Invitation)
        .where(Invitation.client_id == merger.gone, Invitation.closed_on.is_(None), Invitation.reason.in_(theirs))
        .values(closed_on=merger.on, closed_because="merged"),
        execution_options={"synchronize_session": False},
    )
