"""Targets, budgets and what may be published (REP-1, REP-3, REP-6)."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from policy.references import CategoryId, PartnerId, PurposeId, TrackId
from policy.section import Id, Section, Source, Text

Amount = Annotated[Decimal, Field(ge=0), WithJsonSchema({"type": "number", "minimum": 0})]


class Target(Section):
    """A figure, the norm it should reach, and of whom it is reckoned."""

    id: Id
    label: Text
    figure: Id
    of: Id | None = None
    category: CategoryId | None = None
    track: TrackId | None = None
    partner: PartnerId | None = None
    partner_kinds: tuple[Id, ...] = ()
    """Of referrals to partners of these kinds only."""
    purpose: PurposeId | None = None
    """Of referrals for this purpose only."""
    norm: Amount
    unit: Literal["percent", "percent_more", "number"]
    direction: Literal["at_least", "at_most"] = "at_least"
    per: Literal["year", "period"] = "year"
    years: tuple[int, ...] = ()
    source: Source


class Budget(Section):
    """What may be spent, by year, on a goal or a track; with the share of it that each municipality bears."""

    id: Id
    label: Text
    goal: Id
    track: TrackId | None = None
    category: CategoryId | None = None
    kind: Literal["structural", "incidental", "total"] = "total"
    amounts: dict[int, Amount]
    shares_pct: dict[str, Amount] = Field(default_factory=dict)
    source: Source


class Reporting(Section):
    """What the council may see: no group smaller than this."""

    smallest_group: Annotated[int, Field(ge=1)] = 5
    levels: tuple[Id, ...]
    council_report_every: Id
    source: Source
