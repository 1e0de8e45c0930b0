"""What can be chosen on a journey."""

from collections.abc import Iterator
from typing import Literal, get_args

from fastapi import APIRouter, Response

from chassis.choices import KNOWN, AskedFor, Choice, PolicyChoices, labelled, named, worded
from chassis.models import AnswerModel
from chassis.routes import ServiceRoute
from chassis.security import Role, allow
from contracts.routing import ExitReason
from policy import Pack
from policy.routing import ParticipationForm
from routing.actions.exits import BY_ITSELF, ON_A_GROUND
from routing.actions.travelling import Goal
from routing.api.answers import ENTERS
from routing.api.suspensions import SuspensionReason
from routing.api.travelling import Outcome
from routing.rules import HoursBand, IncomeBand

router = APIRouter(route_class=ServiceRoute, tags=["choices"])


class OptionChoice(AnswerModel):
    """A way in which a conversation in participation can end, by number: how the client takes part, or what follows."""

    option: int
    label: str
    form: ParticipationForm | None
    leads_to: Literal["referral", "diagnosis", "none"]
    partner_kind: str | None


class RouteChoice(Choice):
    """A route; which of them are open to a client, the journey tells."""

    track: str
    kind: str
    instruments: list[str]
    duration: str | None


class InstrumentFactChoice(Choice):
    """Something that is to be known for an instrument and that no assessment records."""

    kind: Literal["yes_no", "number"]


class InstrumentChoice(Choice):
    """An instrument: what is said to whom it is not for, what is to be known for it, and how long it may last."""

    conditions: list[str]
    facts: list[str]
    duration: str | None
    max_duration: str | None


class ExitReasonChoice(Choice):
    """Why somebody leaves."""

    needs_ground: bool


class RoutingChoices(PolicyChoices):
    """What forms about a journey offer. Bands are how figures tell of hours a week and income a month."""

    conversation_kinds: list[Choice]
    conversation_options: list[OptionChoice]
    participation_forms: list[Choice]
    areas_of_life: list[Choice]
    ladder: list[Choice]
    routes: list[RouteChoice]
    instruments: list[InstrumentChoice]
    instrument_facts: list[InstrumentFactChoice]
    goals: list[Choice]
    outcomes: list[Choice]
    """How a route or the use of an instrument ended."""
    suspension_reasons: list[Choice]
    exit_reasons: list[ExitReasonChoice]
    hours_bands: list[Choice]
    income_bands: list[Choice]
    roles: list[Choice]


@router.get("/choices", response_model=RoutingChoices, responses=KNOWN, dependencies=[allow(*ENTERS, Role.OPERATOR)])
async def list_choices(asked: AskedFor) -> Response:
    """What can be chosen on a journey by the policy of a day, with the words of the municipality."""
    pack = asked.pack
    routing = pack.routing
    options = routing.participation.options if routing.participation else {}
    return asked.answer(
        RoutingChoices(
            **asked.of_policy,
            conversation_kinds=list(_conversation_kinds(pack)),
            conversation_options=[
                OptionChoice(
                    option=number, label=each.label, form=each.form, leads_to=each.leads_to,
                    partner_kind=each.partner_kind,
                )
                for number, each in options.items()
            ],
            participation_forms=worded(get_args(ParticipationForm)),
            areas_of_life=named(routing.fip.areas_of_life if routing.fip else {}),
            ladder=[Choice(id=each.id, label=each.label) for each in routing.measures.ladder],
            routes=[
                RouteChoice(
                    id=each.id, label=each.label, track=each.track, kind=each.kind, instruments=list(each.instruments),
                    duration=each.duration and str(each.duration),
                )
                for each in routing.routes.values()
            ],
            instruments=list(_instruments(pack)),
            instrument_facts=[
                InstrumentFactChoice(id=each.id, label=each.label, kind=each.kind)
                for each in pack.instrument_facts.values()
            ],
            goals=worded(get_args(Goal)),
            outcomes=worded(get_args(Outcome)),
            suspension_reasons=worded(get_args(SuspensionReason)),
            exit_reasons=[
                ExitReasonChoice(id=each.id, label=each.label, needs_ground=each.id == ON_A_GROUND)
                for each in worded(get_args(ExitReason))
                if each.id != BY_ITSELF
            ],
            hours_bands=worded(get_args(HoursBand)),
            income_bands=worded(get_args(IncomeBand)),
            roles=labelled(pack.roles),
        )
    )  # fmt: skip


def _conversation_kinds(pack: Pack) -> Iterator[Choice]:
    """In the words of policy, and of those that it has no words for in ours."""
    participation = pack.routing.participation
    words = participation.kinds if participation else {}
    for kind in pack.routing.kinds_of_conversation():
        yield from named({kind: words[kind]}) if kind in words else worded([kind])


def _instruments(pack: Pack) -> Iterator[InstrumentChoice]:
    for each in pack.instruments.values():
        looked_at = frozenset[str]().union(*(condition.requires.facts for condition in each.conditions))
        yield InstrumentChoice(
            id=each.id, label=each.label, conditions=[condition.refusal for condition in each.conditions],
            facts=[fact for fact in pack.instrument_facts if fact in looked_at],
            duration=each.duration and str(each.duration), max_duration=each.max_duration and str(each.max_duration),
        )  # fmt: skip
