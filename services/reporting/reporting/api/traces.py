"""Back from a figure to what it was counted from (REP-9)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select

from chassis.models import AnswerModel, Code, Day, Items, Moment
from chassis.pagination import Page
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import allow
from reporting.actions.reading import of_an_undone_merger, read_book
from reporting.api.asked import Amount, AskedOn, AskedOver
from reporting.api.figures import STEERING
from reporting.rules.figures import category_of, track_of
from reporting.rules.history import History
from reporting.tables import Happening

router = APIRouter(route_class=ServiceRoute, tags=["traces"])

Word = Annotated[Code | None, Query()]


class HappeningAnswer(AnswerModel):
    """An event that was counted."""

    event_id: UUID
    client_id: UUID
    kind: str
    occurred_on: Day
    recorded_at: Moment
    known_on: Day
    category: str | None
    track: str | None
    what: str | None
    partner: str | None
    instrument: str | None
    goal: str | None
    amount: Amount | None
    ref: UUID | None


class StandingAnswer(AnswerModel):
    """Where a client stood on a day, and the events that say so."""

    client_id: UUID
    category: str
    track: str | None
    on_benefit: bool
    exempted: bool
    events: list[UUID]


@router.get("/happenings", dependencies=[allow(*STEERING)], summary="The events that figures were counted from")
async def list_happenings(
    work: WorkInHand,
    page: Page,
    asked: AskedOver,
    kind: Annotated[
        list[Code] | None, Query(description="Class of the event, such as ClientExited", max_length=50)
    ] = None,
    what: Word = None,
    partner: Word = None,
    instrument: Word = None,
    client_id: Annotated[UUID | None, Query(alias="clientId")] = None,
) -> Items[HappeningAnswer]:
    """Events of a period, oldest first, by kind and by the words that tell them apart."""
    chosen = select(Happening).where(
        Happening.municipality == asked.municipality,
        Happening.occurred_on.between(asked.span.since, asked.span.until),
        ~of_an_undone_merger(Happening, asked.known_on),
    )
    if kind:
        chosen = chosen.where(Happening.kind.in_(kind))
    if asked.known_on is not None:
        chosen = chosen.where(Happening.known_on <= asked.known_on)
    for column, value in (
        (Happening.what, what), (Happening.partner, partner), (Happening.instrument, instrument),
        (Happening.client_id, client_id),
    ):  # fmt: skip
        if value is not None:
            chosen = chosen.where(column == value)
    rows = await page.scalars(work.session, chosen, Happening.occurred_on, Happening.event_id)
    return Items(items=[HappeningAnswer.model_validate(row) for row in rows])


@router.get("/clients", dependencies=[allow(*STEERING)], summary="The clients that figures on a day were counted from")
async def list_clients(
    work: WorkInHand,
    page: Page,
    asked: AskedOn,
    category: Word = None,
    track: Word = None,
    on_benefit: Annotated[bool | None, Query(alias="onBenefit")] = None,
) -> Items[StandingAnswer]:
    """Clients with an open journey on a day, with the events that put them where they stood."""
    known = await read_book(work.session, asked.municipality, asked.known_on)
    standings = (_standing(each, asked) for each in known.histories.values() if each.is_client(asked.span.until))
    chosen = [
        each for each in standings
        if category in (None, each.category) and track in (None, each.track) and on_benefit in (None, each.on_benefit)
    ]  # fmt: skip
    after = page.after[0] if page.after else None
    left = sorted((each for each in chosen if after is None or each.client_id > after), key=lambda each: each.client_id)
    return Items(items=list(page.cut(left, lambda each: (each.client_id,))))


def _standing(history: History, asked: AskedOn) -> StandingAnswer:
    on = asked.span.until
    placed, exemption = history.placement(on), history.exemption(on)
    events = [spell.began_by for spell in history.spells if spell.holds(on)]
    events += [each.event_id for each in (placed, exemption) if each is not None]
    return StandingAnswer(
        client_id=history.client_id, category=category_of(history, on), track=track_of(history, on),
        on_benefit=history.on_benefit(on), exempted=exemption is not None, events=list(dict.fromkeys(events)),
    )  # fmt: skip
