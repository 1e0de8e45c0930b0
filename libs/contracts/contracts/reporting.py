"""What reporting says."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from contracts.model import Event


class ReportPublished(Event):
    """A report for the council was published."""

    producer: ClassVar[str] = "reporting"
    about: ClassVar[Literal["client", "group", "endpoint", "report", "staff"]] = "report"
    report_id: UUID
    level: Literal["council", "management", "policy"]
    period_from: date
    period_to: date
