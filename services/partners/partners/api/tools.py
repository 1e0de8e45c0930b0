"""What the routes share: who may see which referral, and the tools that an endpoint needs besides its transaction."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import ColumnElement, Select, select

from chassis.problems import Forbidden, Invalid, NotFound
from chassis.security import Role, Token
from chassis.work import Work
from partners.identities import Identities
from partners.rules import KNOWN_TO_PARTNER
from partners.tables import Endpoint, PartnerGroup, Referral
from partners.vault import Vault
from partners.webhooks.addresses import Guard

T = TypeVar("T")

READERS = (Role.PARTNER, Role.CASEWORKER, Role.TEAM_MANAGER, Role.OPERATOR)
"""Who reads referrals and groups: a partner its own, staff and operators those of their municipalities."""


@dataclass(frozen=True)
class Tools:
    """What stands in `app.state.tools`."""

    vault: Vault
    guard: Guard
    identities: Identities
    overlap: timedelta


async def _tools(request: Request) -> Tools:
    tools: Tools = request.app.state.tools
    return tools


ToolsInHand = Annotated[Tools, Depends(_tools)]
"""The tools, as a parameter of an endpoint."""


def visible_referrals(caller: Token) -> list[ColumnElement[bool]]:
    """A partner sees what it was told of, and nobody else's; the municipalities are the database's affair."""
    if caller.partner is None:
        return []
    return [Referral.partner == caller.partner, Referral.state.in_(KNOWN_TO_PARTNER), Referral.sent_on.is_not(None)]


async def referral_of(work: Work, caller: Token, id: UUID, *, lock: bool = False) -> Referral:
    """A referral that the caller may see; NotFound otherwise."""
    query = select(Referral).where(Referral.id == id, *visible_referrals(caller))
    return await found(work, query, lock=lock)


async def group_of(work: Work, caller: Token, id: UUID, *, lock: bool = False) -> PartnerGroup:
    """A group that the caller may see; NotFound otherwise."""
    query = select(PartnerGroup).where(PartnerGroup.id == id)
    if caller.partner is not None:
        query = query.where(PartnerGroup.partner == caller.partner)
    return await found(work, query, lock=lock)


async def endpoint_of(work: Work, caller: Token, id: UUID, *, lock: bool = False) -> Endpoint:
    """An endpoint that the caller may see; NotFound otherwise."""
    query = select(Endpoint).where(Endpoint.id == id)
    if caller.partner is not None:
        query = query.where(Endpoint.partner == caller.partner)
    return await found(work, query, lock=lock)


def own_partner(caller: Token, partner: str) -> None:
    """Forbidden when a partner acts for another."""
    if caller.partner not in {None, partner}:
        raise Forbidden("A partner acts for itself.")


def day_of(work: Work, given: date | None, field: str = "on") -> date:
    """The day on which it happened: today unless entered late, and never a day to come."""
    if given is not None and given > work.today:
        raise Invalid.at(f"#/{field}", f"lies after today, {work.today}")
    return given or work.today


async def found(work: Work, query: Select[T], *, lock: bool = False) -> T:
    """The one row of a query; NotFound when there is none that the caller may see."""
    row = await work.session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound
    return row
