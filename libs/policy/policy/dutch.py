"""How days and numbers are written in Dutch."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

MONTHS = (
    "januari", "februari", "maart", "april", "mei", "juni",
    "juli", "augustus", "september", "oktober", "november", "december",
)  # fmt: skip


def day(on: date) -> str:
    """A day as it is read: 1 januari 2024."""
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def number(value: Decimal | float) -> str:
    """A number in Dutch: a point for thousands, a comma for parts."""
    return f"{value:,}".replace(",", "\0").replace(".", ",").replace("\0", ".")


def euros(value: Decimal | float) -> str:
    """An amount in whole euros."""
    return f"€ {number(round(value))}"


def in_words(parts: Sequence[str]) -> str:
    """A list as it is read: de naam, het adres en de taal."""
    *before, last = parts
    return f"{', '.join(before)} en {last}" if before else last
