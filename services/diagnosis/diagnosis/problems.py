"""Why a step cannot be taken now; each title says which step comes first."""

from chassis.problems import Conflict, Forbidden, Invalid
from diagnosis.rules import FaultyFacts


class NoPolicy(Conflict):
    """The municipality has no policy for the day of the assessment."""

    slug = "no-policy-in-force"
    title = "A policy must be in force on the day of the assessment"


class JourneyEnded(Conflict):
    """The client left, moved away, died, or was registered by mistake."""

    slug = "journey-ended"
    title = "The client's journey has ended; it must be resumed first"


class AlreadyDecided(Conflict):
    """Somebody decided on the proposal, or it gave way to a later one."""

    slug = "proposal-not-open"
    title = "The proposal is no longer open; a new assessment comes first"


class NothingToConfirm(Conflict):
    """The facts give no category."""

    slug = "nothing-to-confirm"
    title = "The proposal has no category to confirm; it must be overridden, or a new assessment comes first"


class InDoubt(Conflict):
    """The outcome is in doubt."""

    slug = "outcome-in-doubt"
    title = "The outcome is in doubt; a new assessment comes first"


class NotOpened(Conflict):
    """Who confirms together has not looked at each."""

    slug = "proposal-not-opened"
    title = "Each proposal must be opened first by who confirms them together"


class AlreadyCorrected(Conflict):
    """A correction took the place of this assessment."""

    slug = "assessment-already-corrected"
    title = "The assessment was corrected already; the correction is what can be corrected"


class NotTheLatest(Conflict):
    """A later assessment decides where the client stands."""

    slug = "assessment-not-the-latest"
    title = "A later assessment has taken its place; that one must be corrected"


class AlreadyRequested(Conflict):
    """UWV was asked already."""

    slug = "indication-already-requested"
    title = "This indication was requested already; UWV must decide on that first"


class IndicationAlreadyDecided(Conflict):
    """UWV's decision is in."""

    slug = "indication-already-decided"
    title = "UWV's decision was recorded already; a new request comes first"


class ExemptionOver(Conflict):
    """The exemption has ended."""

    slug = "exemption-already-ended"
    title = "The exemption has ended already"


class APersonDecides(Forbidden):
    """An application by itself decides nothing about a client (DIA-12)."""

    slug = "a-person-decides"
    title = "A named professional decides; use the token of a member of staff"


def faulty(fault: FaultyFacts) -> Invalid:
    """Facts that contradict each other, as a problem."""
    return Invalid.at(fault.pointer, str(fault))
