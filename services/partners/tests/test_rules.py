from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partners.rules import (
    OPEN,
    GroupSize,
    IllegalStep,
    Limit,
    Outcome,
    ReasonMissing,
    State,
    Step,
    Terms,
    check_reason,
    choose,
    full_groups,
    steps_from,
    take,
    timed_step,
    visible,
)
from policy import Term

SIZE = GroupSize(10, 12, Term(weeks=2))
STATES: tuple[State, ...] = get_args(State)
STEPS: tuple[Step, ...] = get_args(Step)
CLOSED = set(STATES) - OPEN


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_taken_exactly_where_it_is_allowed(state: State, step: Step) -> None:
    repeated = take_again(state, step)
    if step in steps_from(state):
        assert take(state, step) is not None
    elif repeated:
        assert take(state, step) is None
    else:
        with pytest.raises(IllegalStep) as refused:
            take(state, step)
        assert refused.value.allowed == steps_from(state)


def take_again(state: State, step: Step) -> bool:
    """Whether the step led to this state and is given once more."""
    done = {
        "acknowledge": "acknowledged",
        "accept": "accepted",
        "decline": "declined",
        "start": "started",
        "hold": "held",
        "end": "ended",
    }
    return done.get(step) == state


@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_no_sequence_of_answers_reopens_a_closed_loop(steps: list[Step]) -> None:
    state: State = "sent"
    for step in steps:
        before = state
        try:
            state = take(state, step) or state
        except IllegalStep:
            continue
        if before in CLOSED:
            assert state == before


def test_the_straight_way() -> None:
    way: list[Step] = ["acknowledge", "accept", "start", "progress", "hold", "start", "end"]
    state: State = "sent"
    passed = []
    for step in way:
        state = take(state, step, outcome="placed") or state
        passed.append(state)
    assert passed == ["acknowledged", "accepted", "started", "started", "held", "started", "ended"]


def test_an_end_is_repeated_only_with_the_same_outcome() -> None:
    assert take("ended", "end", outcome="placed", ended_as="placed") is None
    with pytest.raises(IllegalStep):
        take("ended", "end", outcome="stopped", ended_as="placed")


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_a_reason_is_due_where_it_stops_or_fails(outcome: Outcome) -> None:
    if outcome in {"stopped", "failed"}:
        with pytest.raises(ReasonMissing):
            check_reason("end", outcome, " ")
        check_reason("end", outcome, "Verhuisd")
    else:
        check_reason("end", outcome, None)


def test_the_partner_owes_a_step_until_the_end() -> None:
    owed = {state: timed_step(state) for state in STATES}
    assert {state: step for state, step in owed.items() if step} == {
        "sent": "acknowledge",
        "acknowledged": "accept",
        "accepted": "start",
        "started": "end",
    }


@given(number=st.integers(0, 60), patience_over=st.booleans())
def test_groups_are_filled_in_order_and_never_too_small_or_large(number: int, *, patience_over: bool) -> None:
    waiting = list(range(number))
    groups = full_groups(waiting, SIZE, patience_over=patience_over)
    placed = [each for group in groups for each in group]
    assert placed == waiting[: len(placed)]
    assert all(SIZE.min <= len(group) <= SIZE.max for group in groups)
    left = number - len(placed)
    assert left < (SIZE.min if patience_over else SIZE.max)


def _terms(id: str, **more: object) -> Terms:
    limits = {step: Limit(Term(weeks=1), "r") for step in ("acknowledge", "accept", "start")}
    told: dict[str, object] = {
        "name": id, "kind": "school", "group": None, "limits": limits, "purposes": {"language": ()},
        "labels": {"language": "Taallessen"}, "origin": "open_house", **more,
    }  # fmt: skip
    return Terms(id, **told)  # type: ignore[arg-type] # the test's own values


def test_the_partner_with_room_and_the_fewest_open_referrals_is_chosen() -> None:
    on = date(2024, 2, 1)
    candidates = [
        _terms("full", capacity=1),
        _terms("over", contract_to=date(2024, 1, 31)),
        _terms("not-yet", contract_from=date(2024, 2, 2)),
        _terms("other", purposes={"debts": ()}),
        _terms("busy"),
        _terms("calm"),
    ]
    counts = {"full": 1, "busy": 5, "calm": 4}
    chosen = choose(candidates, "language", on, counts)
    assert chosen is not None
    assert chosen.id == "calm"
    assert choose(candidates[:4], "language", on, counts) is None


def test_a_partner_sees_the_fields_of_its_purpose_and_nothing_else() -> None:
    person = {"name": "Jansen", "bsn": "123456782", "address": "Dorpsstraat 1"}
    traits = {"category": "3A", "conversation_option": 1, "track": None}
    assert visible(("name", "conversation_option", "track", "availability"), person, traits) == {
        "name": "Jansen",
        "conversation_option": 1,
    }
