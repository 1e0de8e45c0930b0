"""After each kind of correction a figure is right, and what it was before can be asked; reports stay as published."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chassis.ids import new_id
from contracts.diagnosis import AssessmentCompleted
from contracts.intake import ClientRegistrationUndone, ClientsMerged
from contracts.routing import (
    AgreementMissed,
    AgreementReopened,
    ConversationCancelled,
    ConversationHeld,
    ExitReverted,
    HandoverCancelled,
    HandoverDue,
    PartTimeWorkRecorded,
)
from tests.support.heard import STAFF, categorised, corrected, exited, granted, registered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from tests.conftest import Reporting

    from contracts import Event

TODAY = date(2024, 2, 1)
FEB, JUL, END = date(2023, 2, 1), date(2023, 7, 1), date(2023, 12, 31)


@dataclass(frozen=True)
class Mistake:
    """What was said by mistake, what says that it was, and where a figure tells the difference."""

    said: Sequence[Event]
    taken_back: Sequence[Event]
    figure: Callable[[dict[str, Any]], Any]
    believed: Any
    true: Any
    double: UUID = field(default_factory=new_id)
    """Of whom it was said, where that is somebody else than the client."""
    of_double: bool = False


ONE, OTHER = new_id(), new_id()
HEAD: dict[str, Any] = {"occurred_on": JUL, "by": STAFF}
WRONG = categorised(JUL, "3A", "participation")
LEFT = exited(JUL, "education")
MISTAKES: dict[str, Mistake] = {
    "assessment": Mistake(
        [AssessmentCompleted(**HEAD, assessment_id=WRONG.assessment_id), WRONG],
        [AssessmentCompleted(**HEAD, assessment_id=ONE, corrects=WRONG.assessment_id),
         corrected(WRONG, JUL, "1A", "reintegration")],
        lambda figures: (figures["byCategory"], figures["assessments"]["completed"]), ({"3A": 1}, 1), ({"1A": 1}, 1),
    ),
    "conversation": Mistake(
        [ConversationHeld(**HEAD, conversation_id=ONE, kind="telephone", option=4)],
        [ConversationCancelled(**HEAD, conversation_id=ONE, option=4)],
        lambda figures: figures["conversations"]["conversations"], 1, 0,
    ),
    "exit": Mistake(
        [LEFT], [ExitReverted(**HEAD, exit_id=LEFT.exit_id)],
        lambda figures: (figures["exits"], figures["onBenefit"]), ({"education": 1}, 0), ({}, 1),
    ),
    "part-time work": Mistake(
        [PartTimeWorkRecorded(**HEAD, hours_band="0-8", income_band="0-250", work_id=ONE)],
        [PartTimeWorkRecorded(**HEAD, hours_band="17-24", income_band="0-250", work_id=OTHER, corrects=ONE)],
        lambda figures: figures["partTimeHours"], {"0-8": 1}, {"17-24": 1},
    ),
    "agreement": Mistake(
        [AgreementMissed(**HEAD, agreement_id=ONE, step="talk")], [AgreementReopened(**HEAD, agreement_id=ONE)],
        lambda figures: figures["agreementsMissed"], {"talk": 1}, {},
    ),
    "handover": Mistake(
        [HandoverDue(**HEAD, handover_id=ONE, to_track="participation", reason="longest_stay", due_on=JUL)],
        [HandoverCancelled(**HEAD, handover_id=ONE, corrects=ONE)],
        lambda figures: (figures["handovers"]["due"], figures["handovers"]["cancelled"]), (1, 0), (0, 0),
    ),
    "undone registration": Mistake(
        [registered(on=FEB)], [ClientRegistrationUndone(**HEAD)],
        lambda figures: figures["clients"], 2, 1, of_double=True,
    ),
    "merger": Mistake(
        [registered(on=FEB), granted(FEB)], [ClientsMerged(**HEAD, into=OTHER)],
        lambda figures: (figures["clients"], figures["onBenefit"]), (2, 2), (1, 1), of_double=True,
    ),
}  # fmt: skip


@pytest.mark.requirement("REP-9", "INT-13", "DIA-13", "ROU-19")
@pytest.mark.parametrize("kind", MISTAKES)
async def test_what_was_believed_stays_to_be_asked_and_what_is_true_is_counted(reporting: Reporting, kind: str) -> None:
    mistake = MISTAKES[kind]
    whose = mistake.double if mistake.of_double else OTHER
    entered: tuple[Event, ...] = (registered(on=FEB), granted(FEB))
    for event in entered:
        await reporting.hear_of_old(OTHER, event, days_ago=3)
    for event in mistake.said:
        await reporting.hear_of_old(whose, event, days_ago=2)
    assert mistake.figure(await reporting.figures(END)) == mistake.believed
    published = await reporting.report()
    await reporting.hear(whose, *mistake.taken_back)
    eve = TODAY - timedelta(days=1)
    assert mistake.figure(await reporting.figures(END)) == mistake.true
    assert mistake.figure(await reporting.figures(END, knownOn=eve.isoformat())) == mistake.believed
    assert await reporting.answer(f"/reports/{published['id']}") == published
