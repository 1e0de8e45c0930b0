"""From the first contact to the decision on benefit (INT)."""

from policy.conditions import When
from policy.references import SituationWhen
from policy.section import Deadline, Section
from policy.situation import Situation


class SearchPeriod(Section):
    """Young people of whom an application waits while they look for work themselves (INT-6)."""

    when: SituationWhen = When()
    waits: Deadline


class Intake(Section):
    """The terms of the gate, the information session, the intake and the language requirement."""

    information_session: Deadline | None = None
    intake_after_diagnosis: Deadline | None = None
    decision_on_application: Deadline | None = None
    rest_period: Deadline | None = None
    integration_plan: Deadline | None = None
    social_guidance: Deadline | None = None
    benefit_at_once_for_permit_holders: bool = False
    short_application_on_return: bool = False
    language_test: Deadline | None = None
    pension_notice: Deadline | None = None
    """How long before pension age the caseworker is told."""
    transfer_file: Deadline | None = None
    """How long after a departure the file for the receiving municipality can be read."""
    merger_reversal: Deadline | None = None
    """How long a merger of two registrations can be undone; without it, not at all (INT-13)."""
    search_periods: tuple[SearchPeriod, ...] = ()

    def search_period(self, age_band: str | None, starting_qualification: bool | None) -> Deadline | None:
        """How long an application waits, or None when the client starts at once."""
        values = Situation(age_band=age_band, starting_qualification=starting_qualification).values()
        return next((period.waits for period in self.search_periods if period.when.holds(values)), None)
