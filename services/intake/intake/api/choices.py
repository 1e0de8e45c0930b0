"""What can be chosen at intake."""

from typing import get_args

from fastapi import APIRouter, Response

from chassis.choices import KNOWN, AskedFor, Choice, PolicyChoices, worded
from chassis.routes import ServiceRoute
from chassis.security import allow
from intake.api.common import ENTERED_BY
from intake.rules import DecidedAs, DivertedTo

router = APIRouter(route_class=ServiceRoute, tags=["choices"])


class IntakeChoices(PolicyChoices):
    """What forms at the gate offer."""

    diversions: list[Choice]
    """Where somebody is helped who does not apply."""
    decisions: list[Choice]
    """What is decided on an application."""
    short_application_on_return: bool
    """Whether who comes back may apply in short."""


@router.get("/choices", response_model=IntakeChoices, responses=KNOWN, dependencies=[allow(*ENTERED_BY)])
async def list_choices(asked: AskedFor) -> Response:
    """What can be chosen at intake by the policy of a day."""
    return asked.answer(
        IntakeChoices(
            **asked.of_policy,
            diversions=worded(get_args(DivertedTo)),
            decisions=worded(get_args(DecidedAs)),
            short_application_on_return=asked.pack.intake.short_application_on_return,
        )
    )
