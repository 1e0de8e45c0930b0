"""How figures are written in Dutch."""

from collections.abc import Mapping
from decimal import Decimal

from policy.dutch import number

LIGHTS: Mapping[str, str] = {"green": "gehaald", "amber": "bijna gehaald", "red": "niet gehaald", "none": "niet bekend"}


def percent(value: Decimal | int) -> str:
    """A percentage."""
    return f"{number(value)} %"
