"""CAL-1 to CAL-3, and the Algemene termijnenwet."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Suspension, Term, reckon, start_of
from policy.calendar import is_working_day

days = st.dates(date(2015, 1, 1), date(2045, 12, 31))
terms = st.builds(
    Term, months=st.integers(0, 60), weeks=st.integers(0, 30), days=st.integers(0, 120), ground=st.just("service_norm")
)
short_terms = st.one_of(
    st.builds(Term, days=st.integers(1, 90)),
    st.builds(Term, weeks=st.integers(1, 12)),
    st.builds(Term, months=st.integers(1, 3)),
)
suspensions = st.lists(
    st.builds(lambda start, length: Suspension(start, start + timedelta(days=length)), days, st.integers(0, 400)),
    max_size=5,
)


def due(start: date, term: Term, suspended: list[Suspension], *, statutory: bool = False) -> date:
    reckoned = reckon(start, term, suspended, statutory=statutory)
    assert reckoned.due_on is not None
    return reckoned.due_on


def by_hand(start: date, term: Term, suspended: list[Suspension]) -> date:
    """The same rule, told otherwise: walk on day by day, and let a suspended day push the end one day on."""
    end = term.after(start)
    day = start
    while day <= end:
        end += timedelta(days=any(suspension.covers(day) for suspension in suspended))
        day += timedelta(days=1)
    return end


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("24 months", Term(months=24)),
        ("1 year", Term(years=1)),
        ("1 year 6 months", Term(years=1, months=6)),
        ("10 days", Term(days=10)),
    ],
)
def test_a_term_is_read_as_a_policy_officer_writes_it(text: str, term: Term) -> None:
    assert Term.parse(text) == term


@pytest.mark.parametrize(
    "text", ["", "soon", "24", "24 maanden", "-1 month", "1 month 2 months", "6 weeks or so", "1.5 years"]
)
def test_a_term_that_cannot_be_read_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match='write for instance "24 months"'):
        Term.parse(text)


def test_a_suspension_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="2024-01-01"):
        Suspension(date(2024, 1, 2), date(2024, 1, 1))


@given(days, terms)
def test_without_suspensions_a_service_norm_ends_where_the_calendar_says(start: date, term: Term) -> None:
    assert due(start, term, []) == reckon(start, term).original_due_on == term.after(start)


@pytest.mark.requirement("CAL-1")
@given(days, st.integers(0, 60))
def test_months_keep_the_day_or_take_the_last_of_the_month(start: date, months: int) -> None:
    end = Term(months=months).after(start)

    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)


@pytest.mark.requirement("CAL-3")
@given(days, terms, suspensions)
def test_every_suspended_day_within_the_term_pushes_its_end_one_day_on(
    start: date, term: Term, suspended: list[Suspension]
) -> None:
    assert due(start, term, suspended) == by_hand(start, term, suspended)


@pytest.mark.requirement("CAL-3")
@given(days, terms, suspensions)
def test_the_order_of_suspensions_and_their_repetition_make_no_difference(
    start: date, term: Term, suspended: list[Suspension]
) -> None:
    assert due(start, term, [*reversed(suspended), *suspended]) == due(start, term, suspended)


@pytest.mark.requirement("CAL-3")
@given(days, terms, st.integers(1, 500), st.integers(0, 100))
def test_a_suspension_after_the_end_changes_nothing(start: date, term: Term, later: int, length: int) -> None:
    begins = term.after(start) + timedelta(days=later)

    assert due(start, term, [Suspension(begins, begins + timedelta(days=length))]) == term.after(start)


@pytest.mark.requirement("CAL-3")
@given(days, terms)
def test_a_term_stands_still_while_a_suspension_runs(start: date, term: Term) -> None:
    reckoned = reckon(start, term, [Suspension(start)])

    assert reckoned.stands_still
    assert reckoned.due_on is None
    assert reckoned.original_due_on == term.after(start)


def test_a_running_suspension_that_begins_after_the_end_does_not_stop_the_term() -> None:
    assert due(date(2024, 1, 1), Term(months=1), [Suspension(date(2024, 2, 2))]) == date(2024, 2, 1)


@pytest.mark.requirement("CAL-2")
@given(days, short_terms, suspensions)
def test_a_short_statutory_term_ends_on_a_working_day_and_not_a_day_later_than_needed(
    start: date, term: Term, suspended: list[Suspension]
) -> None:
    plain = due(start, term, suspended)
    moved = due(start, term, suspended, statutory=True)

    assert moved >= plain
    assert is_working_day(moved)
    assert moved - plain <= timedelta(days=7)


@pytest.mark.requirement("CAL-2")
@given(days, st.builds(Term, days=st.integers(3, 90)))
def test_a_statutory_term_of_three_days_or_more_holds_two_working_days(start: date, term: Term) -> None:
    end = due(start, term, [], statutory=True)

    held = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert sum(map(is_working_day, held)) >= 2


@pytest.mark.requirement("CAL-2")
@given(
    days,
    st.one_of(
        st.builds(Term, days=st.integers(91, 400)),
        st.builds(Term, weeks=st.integers(13, 60)),
        st.builds(Term, months=st.integers(4, 60)),
        st.builds(Term, years=st.integers(1, 5)),
        st.just(Term(months=3, days=1)),
    ),
)
def test_a_long_statutory_term_never_moves(start: date, term: Term) -> None:
    assert due(start, term, [], statutory=True) == term.after(start)


@pytest.mark.requirement("CAL-2")
@pytest.mark.parametrize(
    ("start", "term", "end"),
    [
        (date(2026, 5, 4), Term(days=1), date(2026, 5, 6)),
        (date(2026, 4, 2), Term(days=1), date(2026, 4, 7)),
        (date(2026, 5, 14), Term(days=1), date(2026, 5, 18)),
        (date(2026, 1, 1), Term(days=1), date(2026, 1, 5)),
        (date(2026, 10, 9), Term(days=3), date(2026, 10, 13)),
        (date(2026, 10, 9), Term(days=2), date(2026, 10, 12)),
        (date(2026, 1, 4), Term(weeks=12), date(2026, 3, 30)),
    ],
)
def test_the_dates_of_the_standards_checklist(start: date, term: Term, end: date) -> None:
    assert due(start, term, [], statutory=True) == end


def test_the_ground_of_the_term_decides_when_nobody_says_otherwise() -> None:
    start = date(2026, 4, 28)

    assert reckon(start, Term(weeks=1, ground="statutory")).due_on == date(2026, 5, 6)
    assert reckon(start, Term(weeks=1)).due_on == date(2026, 5, 5)
    assert reckon(start, Term(weeks=1, ground="statutory"), statutory=False).due_on == date(2026, 5, 5)


@pytest.mark.requirement("CAL-3")
def test_the_reckoning_can_be_followed_with_a_calendar_in_hand() -> None:
    reckoned = reckon(
        date(2026, 4, 1), Term(weeks=4), [Suspension(date(2026, 4, 10), date(2026, 4, 16))], statutory=True
    )

    assert reckoned.because == (
        "4 weken vanaf 01-04-2026 is 29-04-2026.",
        "Opgeschort van 10-04-2026 tot 16-04-2026 (6 dagen): wordt 05-05-2026.",
        "05-05-2026 is een vrije dag (Bevrijdingsdag): schuift een dag op (art. 1).",
        "De termijn eindigt op 06-05-2026.",
    )


A_DATE = re.compile(r"\d{2}-\d{2}-\d{4}")
SUSPENDED = re.compile(r"Opgeschort van (\S+) tot (\S+) \((\d+) dag(?:en)?\): wordt (\S+)\.")
A_DAY_OFF = re.compile(r"(\S+) is een vrije dag \(.+\): schuift een dag op \(art\. 1\)\.")


def read(written: str) -> date:
    return datetime.strptime(written, "%d-%m-%Y").replace(tzinfo=UTC).date()


@pytest.mark.requirement("CAL-3")
@given(days, st.one_of(terms, short_terms), suspensions, st.booleans())
def test_whoever_follows_the_words_line_by_line_comes_to_the_same_day(
    start: date, term: Term, suspended: list[Suspension], statutory: bool
) -> None:
    reckoned = reckon(start, term, suspended, statutory=statutory)

    first, *lines = reckoned.because
    assert first == f"{term} vanaf {start:%d-%m-%Y} is {reckoned.original_due_on:%d-%m-%Y}."
    day = reckoned.original_due_on
    for line in lines:
        if said := SUSPENDED.fullmatch(line):
            since, until, length, becomes = said.groups()
            assert (read(until) - read(since)).days == int(length)
            day += timedelta(days=int(length))
            assert read(becomes) == day
        elif off := A_DAY_OFF.fullmatch(line):
            assert read(off[1]) == day
            assert not is_working_day(day)
            day += timedelta(days=1)
        elif named := A_DATE.search(line):
            day = read(named[0])
    assert day == reckoned.due_on


@pytest.mark.requirement("CAL-2", "CAL-3")
@given(days, short_terms, suspensions)
def test_suspensions_shift_first_and_the_rule_on_days_off_comes_last(
    start: date, term: Term, suspended: list[Suspension]
) -> None:
    plain, moved = due(start, term, suspended), due(start, term, suspended, statutory=True)

    skipped = [plain + timedelta(days=n) for n in range((moved - plain).days)]
    holds_enough = sum(map(is_working_day, counted(start, plain, suspended))) >= 2 or not term.holds_working_days
    assert not (holds_enough and any(map(is_working_day, skipped)))
    assert reckon(start, term, suspended, statutory=True).original_due_on == term.after(start)


def counted(start: date, end: date, suspended: list[Suspension]) -> list[date]:
    """The days of a term that no suspension covers."""
    inside = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    return [day for day in inside if not any(suspension.covers(day) for suspension in suspended)]


@given(terms, days, suspensions)
def test_since_when_so_much_was_used_is_the_last_day_from_which_it_had_ended(
    used: Term, until: date, suspended: list[Suspension]
) -> None:
    start = start_of(used, until, suspended)

    assert due(start, used, suspended) <= until
    assert start == until or due(start + timedelta(days=1), used, suspended) > until


def test_who_has_used_fourteen_of_twenty_four_months_has_ten_left() -> None:
    stood_still = [Suspension(date(2023, 3, 1), date(2023, 4, 1))]
    start = start_of(Term(months=14), date(2024, 2, 1), stood_still)

    assert start == date(2022, 11, 1)
    assert due(start, Term(months=24), stood_still) == date(2024, 12, 2)
