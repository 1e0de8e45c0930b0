"""Steps out of order: each says which step comes first."""

from chassis.problems import Conflict


class NotOnJourney(Conflict):
    """The client exited, or the registration was undone."""

    slug = "not-on-journey"
    title = "The client is not on a journey; record a return first"


class RegistrationEnded(Conflict):
    """Intake told that the client died or moved away: routing takes nothing of that back."""

    slug = "registration-ended"
    title = "The registration of the client has ended; it is opened again at intake"


class NotCategorised(Conflict):
    """There was no diagnosis yet."""

    slug = "not-categorised"
    title = "A diagnosis must give a category first"


class RouteNotOpen(Conflict):
    """Policy does not have this route for this client."""

    slug = "route-not-open"
    title = "Policy does not open this route to this client"


class InstrumentRefused(Conflict):
    """A condition of the instrument does not hold; the members name the rule."""

    slug = "instrument-refused"
    title = "Policy refuses this instrument to this client"


class AlreadyThere(Conflict):
    """The same runs already."""

    slug = "already-there"
    title = "The same is under way already"


class AlreadyEnded(Conflict):
    """What has ended cannot end again."""

    slug = "already-ended"
    title = "It has ended already"


class HandoverNotDue(Conflict):
    """Only what is due, or came back, is prepared."""

    slug = "handover-not-due"
    title = "A handover is prepared when it is due or was returned"


class HandoverNotPrepared(Conflict):
    """Nobody accepts or returns a file that is not there."""

    slug = "handover-not-prepared"
    title = "The handover must be prepared first"


class NotInParticipation(Conflict):
    """The options of a conversation belong to participation."""

    slug = "not-in-participation"
    title = "A conversation ends in an option only in participation"


class NotAnswered(Conflict):
    """Nothing was recorded that could be taken back."""

    slug = "not-answered"
    title = "The agreement is open: nothing was recorded of whether it was kept"


class LadderSkipped(Conflict):
    """Another rung of the ladder comes first; the members name it."""

    slug = "ladder-skipped"
    title = "This step does not follow now"


class MeasureFollowed(Conflict):
    """A measure rests on an agreement that was not kept."""

    slug = "measure-followed"
    title = "A measure rests on it, so that it cannot be taken back"


class LadderNotClimbed(Conflict):
    """A measure comes last."""

    slug = "ladder-not-climbed"
    title = "The earlier steps of the ladder come before a measure"


class NotTheStandingExit(Conflict):
    """The exit was reverted, or the client returned since."""

    slug = "not-the-standing-exit"
    title = "The client does not stand exited by this exit"


class NotExited(Conflict):
    """Only who exited can return."""

    slug = "not-exited"
    title = "The client must have exited first"


class NoCheckAwaited(Conflict):
    """No allowances check belongs to this exit, or it was done."""

    slug = "no-check-awaited"
    title = "No allowances check is awaited after this exit"


class AlreadyReviewed(Conflict):
    """Somebody looked at it before."""

    slug = "already-reviewed"
    title = "Somebody looked at this access before"


class DeadlineNotRunning(Conflict):
    """Only a date in the future of a running deadline can be moved."""

    slug = "deadline-not-running"
    title = "The deadline does not run"


class PersonNeeded(Conflict):
    """A measure is a person's decision."""

    slug = "person-needed"
    title = "A named professional decides this, not an application"


class GuidesClients(Conflict):
    """Who leaves, or loses a role, hands the clients over with a note; `clients` says how many there still are."""

    slug = "guides-clients"
    title = "Clients are handed over with a note first"


class AbsenceOver(Conflict):
    """What is over is history."""

    slug = "absence-over"
    title = "The absence is over"
