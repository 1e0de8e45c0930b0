"""The partners of a municipality: those that its policy names now, and those that joined the open house."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select

from chassis import sight
from chassis.problems import Conflict, Problem
from chassis.work import Work
from partners.rules import OPEN, TIMED_STEPS, GroupSize, Limit, Terms, of_policy
from partners.tables import OpenHousePartner, Referral
from policy import NoPolicyInForce, Term, UnknownMunicipality


@dataclass(frozen=True)
class NewPartner:
    """A provider that joins the open house of a municipality."""

    municipality: str
    id: str
    name: str
    kind: str
    contact: str | None
    capacity: int | None
    contract_from: date
    contract_to: date | None
    protocol: dict[str, Any] | None
    limits: dict[str, str]
    purposes: dict[str, Any]


class PartnerExists(Conflict):
    """A partner has this id already in this municipality."""

    slug = "partner-exists"
    title = "The municipality has a partner with this id already"


class NoSuchPartner(Problem):
    """The municipality has no such partner."""

    status = 404
    slug = "no-such-partner"
    title = "The municipality has no such partner"


async def partners_of(work: Work, municipality: str) -> dict[str, Terms]:
    """All partners of a municipality today, by id; what policy says of one goes before what was registered."""
    rows = await work.session.scalars(select(OpenHousePartner).where(OpenHousePartner.municipality == municipality))
    return {row.id: _of_row(row) for row in rows} | _of_pack(work, municipality)


async def partner_of(work: Work, municipality: str, id: str) -> Terms:
    """One partner; NoSuchPartner when there is none."""
    terms = (await partners_of(work, municipality)).get(id)
    if terms is None:
        raise NoSuchPartner(f"{municipality} has no partner {id}.")
    return terms


async def register(work: Work, new: NewPartner) -> Terms:
    """Let a provider join the open house."""
    if new.id in await partners_of(work, new.municipality):
        raise PartnerExists(f"{new.municipality} has a partner {new.id} already; choose another id.")
    row = OpenHousePartner(**vars(new), registered_on=work.today, registered_by=work.actor)
    work.session.add(row)
    return _of_row(row)


async def open_referrals(work: Work, municipality: str) -> Mapping[str, int]:
    """How many referrals are open, by partner."""
    open_now = (
        select(Referral.partner, func.count())
        .where(Referral.municipality == municipality, Referral.state.in_(OPEN), Referral.partner.is_not(None))
        .group_by(Referral.partner)
    )
    async with sight.whole(work.session):  # a place is taken, whoever's client has it
        counted = await work.session.execute(open_now)
    return {partner: number for partner, number in counted if partner is not None}


def _of_pack(work: Work, municipality: str) -> dict[str, Terms]:
    try:
        pack = work.policies.in_force(municipality, work.today)
    except (NoPolicyInForce, UnknownMunicipality):
        return {}
    return {partner.id: of_policy(partner) for partner in pack.partners.values()}


def _of_row(row: OpenHousePartner) -> Terms:
    return Terms(
        id=row.id,
        name=row.name,
        kind=row.kind,
        group=_group(row.protocol),
        limits={
            step: Limit(Term.parse(row.limits[step]), f"{row.id}-{step}")
            for step in TIMED_STEPS
            if row.limits.get(step)
        },
        purposes={id: tuple(purpose["fields"]) for id, purpose in row.purposes.items()},
        labels={id: purpose["label"] for id, purpose in row.purposes.items()},
        origin="open_house",
        capacity=row.capacity,
        contract_from=row.contract_from,
        contract_to=row.contract_to,
    )


def _group(protocol: Mapping[str, Any] | None) -> GroupSize | None:
    if protocol is None:
        return None
    return GroupSize(protocol["min"], protocol["max"], Term.parse(protocol["patience"]))
