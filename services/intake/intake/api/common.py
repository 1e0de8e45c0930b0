"""What the routes of intake share."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from fastapi import Depends, Request
from pydantic import Field

from chassis.models import OptionalDay
from chassis.problems import Invalid, pointer
from chassis.security import STAFF, Role, Token
from chassis.work import Work
from intake.rules import Fault
from intake.vault import Vault

ENTERED_BY = (Role.FRONT_END, *STAFF)
"""Who enters and reads what is about a client."""

OnDay = Annotated[OptionalDay, Field(description="The day on which it happened; today when left out, never later")]


async def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


VaultInHand = Annotated[Vault, Depends(_vault)]
"""The vault, as a parameter of an endpoint."""


def day(work: Work, given: date | None, field: str = "on") -> date:
    """The day on which something happened: as given, or today; Invalid when it is yet to come."""
    if given is not None and given > work.today:
        raise Invalid.at(f"#/{field}", f"lies after today, {work.today}")
    return given or work.today


def refuse(faults: Iterable[Fault]) -> None:
    """Invalid with every fault, when there is one."""
    errors = [{"detail": fault.detail, "pointer": pointer(fault.field.split("/"))} for fault in faults]
    if errors:
        raise Invalid(f"{len(errors)} fault{'s' if len(errors) > 1 else ''} in the request.", errors=errors)


def municipality_of(token: Token, named: str | None) -> str:
    """The municipality that a request is about: the token's only one, or the one of the token's that it names."""
    if named is None and len(token.municipalities) == 1:
        return min(token.municipalities)
    if named is None:
        raise Invalid.at("#/municipality", "is needed: the access token is for several municipalities, or for none")
    if named not in token.municipalities:
        raise Invalid.at("#/municipality", "is none of the access token's")
    return named
