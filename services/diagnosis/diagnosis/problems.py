"""Why a step cannot be taken now; each title says which step comes first."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from chassis.problems import Conflict, Forbidden, Invalid, Problem, pointer
from diagnosis.rules import FaultyFacts
from policy import Library, PolicyErrors


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
    """Who confirms has not looked at each."""

    slug = "proposal-not-opened"
    title = "Each proposal must be opened first by who confirms it"


class NotConfirmable(Conflict):
    """Some of the proposals that were to be confirmed together cannot be."""

    slug = "proposals-not-confirmable"
    title = "Not all of these proposals can be confirmed, so that none was"

    @classmethod
    def of(cls, refused: Mapping[UUID, tuple[str, Problem]]) -> "NotConfirmable":
        """Each proposal that cannot be confirmed, with its place in the request and why not."""
        errors = [{"detail": _why(reason), "pointer": place} for place, reason in refused.values()]
        return cls(errors=errors, proposals=[str(each) for each in refused])


def _why(reason: Problem) -> str:
    [first, *_] = reason.members.get("errors") or [{"detail": reason.detail}]
    return str(first["detail"])


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


class WrongDraft(Invalid):
    """A draft of the policy that is not in order."""

    slug = "wrong-draft"
    title = "The draft is not in order; all its faults must be mended first"

    @classmethod
    def of(cls, errors: PolicyErrors) -> "WrongDraft":
        """All faults, each with file, line, what was found and what is allowed."""
        found = [
            {
                "detail": str(fault),
                "pointer": pointer(["files", fault.file]),
                "file": fault.file,
                "line": str(fault.line),
                "path": fault.path,
                "found": fault.found,
                "remedy": fault.remedy,
            }
            for fault in errors.faults
        ]
        return cls(f"{len(found)} fault{'s' if len(found) > 1 else ''} in the draft.", errors=found)


class DraftOfAnother(Invalid):
    """A draft without a pack of the municipality that it is to be tried on."""

    slug = "draft-of-another-municipality"
    title = "The draft must hold a pack of the municipality"

    @classmethod
    def of(cls, municipality: str, draft: Library) -> "DraftOfAnother":
        """Which municipalities it is of."""
        there = f"has packs of {', '.join(draft.municipalities)}, and none of {municipality}"
        return cls(f"The draft {there}.", errors=[{"detail": there, "pointer": "#/files"}])


class DraftNotInForce(Invalid):
    """A draft that does not hold on the day of the trial."""

    slug = "draft-not-in-force"
    title = "The draft must be in force on the day of the trial"

    @classmethod
    def of(cls, municipality: str, on: date, draft: Library) -> "DraftNotInForce":
        """When it is."""
        periods = "; ".join(
            f"{each.id} from {each.valid_from}" + (f" up to and including {each.valid_to}" if each.valid_to else "")
            for each in draft.packs[municipality]
        )
        there = f"is not a day on which the draft holds: {periods}"
        return cls(f"{on} {there}.", errors=[{"detail": there, "pointer": "#/on"}])


def faulty(fault: FaultyFacts) -> Invalid:
    """Facts that contradict each other, as a problem."""
    return Invalid.at(fault.pointer, str(fault))
