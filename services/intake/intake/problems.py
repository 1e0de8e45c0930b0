"""What intake refuses, by name."""

from chassis.problems import Conflict, Problem, Unavailable


class AlreadyRegistered(Conflict):
    """The same person twice in a municipality."""

    slug = "already-registered"
    title = "This person is registered in the municipality already"


class AnotherPerson(Conflict):
    """A registration that letters were sent about, made into that of somebody else."""

    slug = "another-person"
    title = "BSN, name and birth date together are another person"


class RegistrationClosed(Conflict):
    """A step for somebody who died, moved away or was never a client."""

    slug = "registration-closed"
    title = "The registration of this client is closed"


class NothingToRestore(Conflict):
    """Only a death or a departure is taken back."""

    slug = "nothing-to-restore"
    title = "No death or departure of this client is on record"


class NotificationFirst(Conflict):
    """An application without a first contact."""

    slug = "notification-first"
    title = "A notification comes first"


class SearchPeriodRuns(Conflict):
    """An application before the end of the search period."""

    slug = "search-period-runs"
    title = "The search period comes first"


class PensionAgeReached(Conflict):
    """An application of who has no right to assistance by the municipality any more."""

    slug = "pension-age-reached"
    title = "From pension age on the SVB gives assistance, not the municipality"


class ShortFormUnknown(Conflict):
    """A short application where nothing can be reused, or policy has none."""

    slug = "short-form-unknown"
    title = "A short application is for who comes back, where policy knows it"


class ApplicationOpen(Conflict):
    """A second application beside an open one."""

    slug = "application-open"
    title = "An application is open already"


class Ended(Conflict):
    """A step in what has come to its end."""

    slug = "ended"
    title = "This has come to its end already"


class DiagnosisFirst(Conflict):
    """An intake before the diagnosis."""

    slug = "diagnosis-first"
    title = "The diagnosis comes first"


class IntakeFirst(Conflict):
    """Benefit granted before the intake."""

    slug = "intake-first"
    title = "The intake comes first"


class NoIntake(Conflict):
    """An intake for a person without benefit."""

    slug = "no-intake"
    title = "There is no intake for people without benefit"


class NoIntegrationPlan(Conflict):
    """An integration plan for somebody who is no permit holder."""

    slug = "no-integration-plan"
    title = "An integration plan is for permit holders"


class SessionFirst(Conflict):
    """Attendance at a session that is yet to come."""

    slug = "session-first"
    title = "The session comes first"


class SessionFull(Conflict):
    """More people than the session holds."""

    slug = "session-full"
    title = "The session holds no more people"


class CannotMerge(Conflict):
    """Two registrations that cannot be of one person."""

    slug = "cannot-merge"
    title = "These registrations cannot be merged"


class CannotUndoMerger(Conflict):
    """A merger that stands for good."""

    slug = "cannot-undo-merger"
    title = "This merger cannot be undone"


class MergerTermOver(Conflict):
    """A merger of too long ago."""

    slug = "merger-term-over"
    title = "The term within which this merger could be undone is over"


class MergedSince(Conflict):
    """A merger whose survivor went on as another."""

    slug = "merged-since"
    title = "The client who stayed was merged since"


class NoPolicy(Conflict):
    """A municipality for which no policy pack is in force."""

    slug = "no-policy"
    title = "No policy is in force for the municipality"


class NotMovedAway(Conflict):
    """A transfer file of somebody who lives here, or nowhere."""

    slug = "not-moved-away"
    title = "A transfer file is of who moved away"


class NoTransferFile(Conflict):
    """A policy that has none."""

    slug = "no-transfer-file"
    title = "The municipality's policy knows no transfer file"


class TransferFileOver(Problem):
    """A transfer file that was read too late."""

    status = 410
    slug = "transfer-file-over"
    title = "The time in which the transfer file can be read is over"


class OthersSilent(Unavailable):
    """A transfer file is whole or it is not given."""

    slug = "others-silent"
    title = "Another service does not answer, so that the file is not whole; ask again"


class BeingTakenIn(Conflict):
    """Two send the same caseload file at the same moment, or the first has not noticed yet that it was cut off."""

    slug = "file-being-taken-in"
    title = "The same file is being taken in at this moment"


class FileChanged(Conflict):
    """What came is not the file that its digest announced, or not the one of which a part was taken in before."""

    slug = "file-changed"
    title = "The file changed while it was sent"
