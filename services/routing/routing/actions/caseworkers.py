"""Who guides whom: assignment by role and least caseload, for one client or for many at once (ROU-1, ROU-16)."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from chassis import sight
from chassis.work import Work
from contracts.routing import CaseworkerAssigned, CaseworkerMissing, StaffChanged
from routing.actions import deputies, following, journeys, roster
from routing.actions.journeys import Act, pack_of
from routing.actions.roster import Place
from routing.actions.saying import say
from routing.problems import GuidesClients
from routing.rules import Candidate, least_loaded
from routing.tables import Journey, Staff

Occasion = Literal["categorised", "handover", "transfer", "import"]


StaffAsTold = tuple[str, Mapping[str, object]]
"""A municipality, and what others hear of somebody who works there."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A client needs a caseworker, on an occasion; `named` is preferred where that person works here."""

    journey: Journey
    occasion: Occasion
    act: Act
    named: str | None = None
    among: Collection[str] = ()
    """Of whom the least loaded is to have the client, whatever their roles; nobody means all of the role."""


@dataclass(frozen=True, slots=True)
class Guiding:
    """Somebody who still guides clients whom they would guide no longer."""

    place: Place
    clients: int
    roles: tuple[str, ...]
    """In which they guide them and which they are to lose; without any they are to be inactive."""

    @property
    def detail(self) -> str:
        """What is said of it, with the call that comes first."""
        municipality, staff_id = self.place
        clients = "1 client" if self.clients == 1 else f"{self.clients} clients"
        call = f"hand over with a note first, by POST /v1/staff/{staff_id}/transfers"
        if not self.roles:
            return f"still guides {clients} in {municipality}: {call}, which makes inactive as well"
        lost = " and ".join(self.roles)
        return f"still guides {clients} in {municipality} as {lost}: {call} with these roles, which takes them away"


@dataclass(frozen=True, slots=True)
class NewStaff:
    """Somebody who guides clients, as entered."""

    id: str
    municipalities: Sequence[str]
    roles: Sequence[str]
    team: str | None
    hours_per_week: Decimal
    active: bool
    manages: Sequence[str] = ()


def role_for(work: Work, journey: Journey, track: str | None = None) -> str:
    """The role that the pack in force names for the client, on the track where they are or on another."""
    situation = journey.situation(work.today)
    return pack_of(work, journey).caseworker_role(replace(situation, track=track or situation.track))


def besides_of(work: Work, journey: Journey) -> tuple[str, ...]:
    """The roles that guide the client besides the caseworker."""
    return tuple(pack_of(work, journey).extra_caseworker_roles(journey.situation(work.today)))


async def assign(work: Work, assignments: Sequence[Assignment]) -> None:
    """Give each client the least loaded caseworker of the role that policy names, or put them on the list.

    Who is away today gets nobody new; somebody named keeps or gets the client all the same.
    """
    if not assignments:
        return
    staff = await _at_work(work, {each.journey.municipality for each in assignments})
    away = (await roster.today(work, {each.journey.municipality for each in assignments})).away
    async with sight.whole(work.session):  # a colleague's caseload counts, whoever asks
        caseload = await _caseload(work, {each.id for each in staff})
    for each in assignments:
        role = role_for(work, each.journey)
        here = [one for one in staff if one.municipality == each.journey.municipality]
        named = next((one.id for one in here if one.id == each.named), None)
        free = (
            one
            for one in here
            if (one.id in each.among if each.among else role in one.roles) and (one.municipality, one.id) not in away
        )
        chosen = least_loaded((Candidate(one.id, one.hours_per_week) for one in free), caseload)
        caseworker = named or (chosen.id if chosen else None)
        if caseworker is None:
            _miss(work, each, role)
        else:
            caseload.update([caseworker])
            caseload.subtract(filter(None, [each.journey.caseworker_id]))
            _take_on(work, each, role, caseworker)


class Guidance(NamedTuple):
    """Who guides a client, in which role, and which roles do besides."""

    caseworker: str | None
    role: str | None
    besides: tuple[str, ...]


def guidance_of(work: Work, journey: Journey) -> Guidance:
    """How the client is guided now."""
    return Guidance(journey.caseworker_id, journey.caseworker_role, besides_of(work, journey))


async def follow_role(work: Work, changed: Collection[tuple[Journey, Act]], before: Mapping[UUID, Guidance]) -> None:
    """Whoever is guided in a role that policy does not name for them after all goes over to one of the right role.

    Of who keeps the caseworker others hear in which role that is now, and who guides besides.
    """
    guided = [
        (journey, act)
        for journey, act in changed
        if journey.active and journey.category is not None and journey.caseworker_role is not None
    ]
    otherwise = [each for each in guided if role_for(work, each[0]) != each[0].caseworker_role]
    await assign(work, [Assignment(journey, "transfer", act) for journey, act in otherwise])
    for journey, act in guided:
        was, now = before[journey.client_id], guidance_of(work, journey)
        if now.caseworker is not None and now.caseworker == was.caseworker and now != was:
            _tell(work, Assignment(journey, "transfer", act), previous=now.caseworker)


def faults_in_roles(work: Work, municipality: str, roles: Collection[str]) -> dict[str, str]:
    """What is wrong with each of these roles that no policy of a municipality names, be it past or yet to begin.

    `UnknownMunicipality` where there is no policy at all.
    """
    known = work.policies.roles(municipality)
    detail = f"is none of {', '.join(known)}: the roles in {municipality}"
    return {role: detail for role in roles if role not in known}


async def enter_staff(work: Work, entered: Sequence[NewStaff]) -> None:
    """Keep members of staff; who waits may be assigned now.

    GuidesClients of who is to be inactive and still has clients, or to lose a role in which they guide some: nobody is
    handed over without a note.
    """
    ids = {each.id for each in entered}
    municipalities = {municipality for each in entered for municipality in each.municipalities}
    before = await as_told(work, ids, municipalities)
    rows = [_row(each, municipality) for each in entered for municipality in each.municipalities]
    await work.session.execute(insert(Staff).on_conflict_do_nothing(), rows)
    there = {(each.municipality, each.id): each for each in await _locked(work, ids, municipalities)}
    await _refuse_to_lose_clients(work, entered, there)
    for row in rows:
        for name, value in row.items():
            setattr(there[row["municipality"], row["id"]], name, value)
    await work.session.flush()
    await tell_changes(work, before, await as_told(work, ids, municipalities))
    async with sight.whole(work.session):  # who enters staff need not see the clients whom it concerns
        await assign_waiting(work, municipalities)


async def _refuse_to_lose_clients(work: Work, entered: Sequence[NewStaff], there: Mapping[Place, Staff]) -> None:
    found = await guiding(work, entered, there)
    if found:
        told = "; ".join(f"{each.place[1]} {each.detail}" for each in found)
        raise GuidesClients(f"{told}.", clients=sum(each.clients for each in found))


async def guiding(work: Work, told: Iterable[NewStaff], there: Mapping[Place, Staff]) -> list[Guiding]:
    """Who would lose clients by what is told: all of who leaves, and of others those in a role that they lose."""
    people = {(municipality, each.id): each for each in told for municipality in each.municipalities}
    lost = {
        place: None if not each.active else frozenset(there[place].roles).difference(each.roles)
        for place, each in people.items()
        if place in there
    }
    losing = sorted(place for place, roles in lost.items() if roles is None or roles)
    found = defaultdict[Place, Counter[str]](Counter)
    for place, role, clients in await _guided_by(work, losing):
        roles = lost[place]
        if roles is None or role in roles:
            found[place][role or ""] = clients
    return [
        Guiding(place, by_role.total(), () if lost[place] is None else tuple(sorted(by_role)))
        for place, by_role in sorted(found.items())
    ]


async def _guided_by(work: Work, places: Collection[Place]) -> Sequence[tuple[Place, str | None, int]]:
    """How many clients each of these people guides, by role; whoever asks."""
    if not places:
        return []
    by = (Journey.municipality, Journey.caseworker_id, Journey.caseworker_role)
    theirs = tuple_(Journey.municipality, Journey.caseworker_id).in_(places)
    async with sight.whole(work.session):
        rows = await work.session.execute(
            select(*by, func.count()).where(Journey.state == "active", theirs).group_by(*by)
        )
        return [((where, str(who)), role, clients) for where, who, role, clients in rows]


async def _locked(work: Work, ids: Collection[str], municipalities: Collection[str]) -> Sequence[Staff]:
    """Members of staff to be changed, each by one at a time."""
    found = await work.session.scalars(
        select(Staff)
        .where(Staff.id.in_(ids), Staff.municipality.in_(municipalities))
        .order_by(Staff.id, Staff.municipality)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()


async def release(work: Work, staff_id: str, municipality: str, roles: Collection[str]) -> None:
    """Somebody works here no more, or in these roles no more; what becomes of their clients is the caller's."""
    before = await as_told(work, [staff_id], [municipality])
    for each in await _locked(work, [staff_id], [municipality]):
        if roles:
            each.roles = [role for role in each.roles if role not in roles]
        else:
            each.active = False
    await work.session.flush()
    await tell_changes(work, before, await as_told(work, [staff_id], [municipality]))


def _row(entered: NewStaff, municipality: str) -> dict[str, Any]:
    return {
        "id": entered.id,
        "municipality": municipality,
        "roles": list(entered.roles),
        "team": entered.team,
        "hours_per_week": entered.hours_per_week,
        "active": entered.active,
        "manages": list(entered.manages),
    }


async def tell_changes(work: Work, before: Collection[StaffAsTold], now: Collection[StaffAsTold]) -> None:
    """Say of each member of staff what is otherwise than it was; who left stands in for nobody."""
    for municipality, told in now:
        if (municipality, told) not in before:
            subject = uuid5(NAMESPACE_URL, f"opstap:staff:{municipality}/{told['staff_id']}")
            work.publish(
                subject,
                municipality,
                StaffChanged.model_validate({"occurred_on": work.today, "by": work.actor, **told}),
            )
            following.staff_changed(work, municipality, str(told["staff_id"]))
            if not told["active"]:
                await deputies.leave(work, municipality, str(told["staff_id"]))


async def as_told(work: Work, ids: Collection[str], municipalities: Collection[str]) -> list[StaffAsTold]:
    """Members of staff as others hear of them, in each of these municipalities."""
    kept = await work.session.scalars(
        select(Staff)
        .where(Staff.id.in_(ids), Staff.municipality.in_(municipalities))
        .order_by(Staff.id, Staff.municipality)
        .execution_options(populate_existing=True)
    )
    return [
        (
            each.municipality,
            {
                "staff_id": each.id, "roles": tuple(each.roles), "team": each.team, "manages": tuple(each.manages),
                "active": each.active,
            },
        )
        for each in kept
    ]  # fmt: skip


async def assign_waiting(work: Work, municipalities: Collection[str]) -> None:
    """Try again for those who wait for a caseworker in these municipalities."""
    waiting = await work.session.scalars(
        select(Journey.client_id).where(
            Journey.state == "active", Journey.waiting_since.is_not(None), Journey.municipality.in_(municipalities)
        )
    )
    found = await journeys.load(work.session, waiting.all())
    act = Act(work.today, work.actor)
    await assign(work, [Assignment(journey, _occasion(journey), act) for journey in found.values()])


async def see_to(work: Work, found: Iterable[Journey], act: Act) -> None:
    """Whose caseworker left while it went unseen gets another; who waits is tried again."""
    active = [journey for journey in found if journey.active]
    here = {(one.municipality, one.id) for one in await _at_work(work, {each.municipality for each in active})}
    assignments: list[Assignment] = []
    for journey in active:
        if journey.caseworker_id is None and journey.waiting_since is not None:
            assignments.append(Assignment(journey, _occasion(journey), act))
        elif journey.caseworker_id is not None and (journey.municipality, journey.caseworker_id) not in here:
            assignments.append(Assignment(journey, "transfer", act))
    await assign(work, assignments)


async def caseload_of(work: Work, staff: Iterable[Staff]) -> Counter[str]:
    """How many clients each of these people guides, of those in sight."""
    return await _caseload(work, {each.id for each in staff})


def _occasion(journey: Journey) -> Occasion:
    occasions: tuple[Occasion, ...] = ("categorised", "handover", "transfer", "import")
    return next((each for each in occasions if each == journey.waiting_occasion), "transfer")


async def _at_work(work: Work, municipalities: Collection[str]) -> Sequence[Staff]:
    found = await work.session.scalars(
        select(Staff)
        .where(Staff.municipality.in_(municipalities), Staff.active)
        .order_by(Staff.id)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def _caseload(work: Work, staff_ids: Collection[str]) -> Counter[str]:
    await work.session.flush()
    rows = await work.session.execute(
        select(Journey.caseworker_id, func.count())
        .where(Journey.state == "active", Journey.caseworker_id.in_(staff_ids))
        .group_by(Journey.caseworker_id)
    )
    return Counter({caseworker: count for caseworker, count in rows if caseworker is not None})


def _take_on(work: Work, each: Assignment, role: str, caseworker: str) -> None:
    journey, previous = each.journey, each.journey.caseworker_id
    journey.caseworker_id, journey.caseworker_role = caseworker, role
    journey.waiting_since = journey.waiting_occasion = None
    if caseworker != previous and each.occasion in {"handover", "transfer"}:
        journey.handed_over_on = each.act.on
    if caseworker != previous or each.occasion != "transfer":
        _tell(work, each, previous)


def _tell(work: Work, each: Assignment, previous: str | None) -> None:
    journey = each.journey
    assert journey.caseworker_id is not None, "somebody guides the client"
    assert journey.caseworker_role is not None, "in a role"
    say(
        work, journey,
        CaseworkerAssigned(
            occurred_on=each.act.on, by=each.act.by, caseworker_id=journey.caseworker_id, role=journey.caseworker_role,
            previous_id=previous, occasion=each.occasion, besides=besides_of(work, journey),
        ),
    )  # fmt: skip


def _miss(work: Work, each: Assignment, role: str) -> None:
    journey = each.journey
    known = journey.waiting_since is not None and journey.caseworker_role == role
    journey.caseworker_id, journey.caseworker_role = None, role
    journey.waiting_occasion = each.occasion
    if not known:
        journey.waiting_since = journey.waiting_since or each.act.on
        say(work, journey, CaseworkerMissing(occurred_on=each.act.on, by=each.act.by, role=role))
