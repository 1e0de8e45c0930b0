from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Library, Pack, Suspension, reckon
from policy.running import FIP, FIRST_CONVERSATION, LONGEST_STAY, REVIEW, Spoken, Standing, longest_stay, running_terms
from routing.rules import (
    Candidate,
    HoursBand,
    IncomeBand,
    exit_reason,
    hours_band,
    income_band,
    least_loaded,
    rung,
)

POLICIES = Path(__file__).parents[3] / "policies"
ENTERED = date(2021, 9, 1)


@cache
def library() -> Library:
    return Library.load(POLICIES)


def pack(municipality: str = "GM1916", on: date = ENTERED) -> Pack:
    return library().in_force(municipality, on)


def standing(
    *,
    track: str = "reintegration",
    category: str = "1B",
    routes: tuple[tuple[str, date], ...] = (("reintegration", ENTERED),),
    suspensions: tuple[Suspension, ...] = (),
    conversations: tuple[Spoken, ...] = (),
) -> Standing:
    return Standing(
        active=True, track=track, track_since=ENTERED, category=category, routes=routes, suspensions=suspensions,
        conversations=conversations,
    )  # fmt: skip


def kinds(stands: Standing, of: Pack) -> dict[str, date]:
    return {term.kind: term.start for term in running_terms(stands, of, lambda _: of)}


candidates = st.lists(
    st.builds(Candidate, id=st.text("abcdef", min_size=1, max_size=4), hours=st.integers(1, 40)),
    unique_by=lambda each: each.id,
    max_size=8,
)
caseloads = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(0, 200))


@given(candidates, caseloads)
def test_nobody_has_fewer_clients_per_hour_than_who_is_chosen(
    people: list[Candidate], caseload: dict[str, int]
) -> None:
    chosen = least_loaded(people, caseload)
    if chosen is None:
        assert people == []
        return
    for other in people:
        theirs, ours = caseload.get(other.id, 0) * chosen.hours, caseload.get(chosen.id, 0) * other.hours
        assert ours < theirs or (ours == theirs and chosen.id <= other.id)


@given(candidates.filter(bool), caseloads, st.randoms())
def test_the_choice_does_not_hang_on_the_order_of_the_list(
    people: list[Candidate], caseload: dict[str, int], random: object
) -> None:
    assert least_loaded(people, caseload) == least_loaded(list(reversed(people)), caseload)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 200))
def test_clients_who_come_one_by_one_are_shared_by_hours(hours: list[int], clients: int) -> None:
    people = [Candidate(f"p{number}", Decimal(each)) for number, each in enumerate(hours)]
    caseload: Counter[str] = Counter()
    for _ in range(clients):
        chosen = least_loaded(people, caseload)
        assert chosen is not None
        caseload[chosen.id] += 1
    for one in people:
        for other in people:  # one client less, and nobody would have had more per hour than anybody else has
            assert (caseload[one.id] - 1) * other.hours <= caseload[other.id] * one.hours


def days(first: int, last: int) -> st.SearchStrategy[date]:
    return st.integers(first, last).map(lambda number: ENTERED + timedelta(days=number))


ended = st.tuples(days(-400, 900), st.integers(0, 200)).map(
    lambda pair: Suspension(pair[0], pair[0] + timedelta(days=pair[1]))
)


@given(st.lists(ended, max_size=6))
def test_the_longest_stay_shifts_by_the_days_on_which_the_route_stood_still(suspensions: list[Suspension]) -> None:
    stay = longest_stay(standing(suspensions=tuple(suspensions)), lambda _: pack())
    assert stay is not None
    due = reckon(stay.start, stay.term, stay.suspensions).due_on
    day, left = ENTERED, (date(2023, 9, 1) - ENTERED).days
    while left or any(each.covers(day) for each in suspensions if each.start <= day and _touches(each, day)):
        left -= not any(each.covers(day) for each in suspensions)
        day += timedelta(days=1)
        if left == 0:
            break
    assert due is not None
    assert due >= day
    assert (due - date(2023, 9, 1)).days <= sum(each.days for each in suspensions)


def _touches(each: Suspension, day: date) -> bool:
    return each.end is not None and day < each.end


@given(st.lists(ended, max_size=4), st.permutations(range(4)))
def test_the_order_in_which_suspensions_were_entered_does_not_matter(
    suspensions: list[Suspension], order: list[int]
) -> None:
    shuffled = [suspensions[number] for number in order if number < len(suspensions)]
    one = longest_stay(standing(suspensions=tuple(suspensions)), lambda _: pack())
    other = longest_stay(standing(suspensions=tuple(shuffled)), lambda _: pack())
    assert one == other


@given(st.lists(ended, max_size=3), days(0, 300))
def test_while_one_has_no_end_the_stay_stands_still(suspensions: list[Suspension], start: date) -> None:
    running = (*suspensions, Suspension(start))
    stay = longest_stay(standing(suspensions=running), lambda _: pack())
    assert stay is not None
    assert reckon(stay.start, stay.term, stay.suspensions).stands_still


def test_the_stay_begins_with_the_first_route_since_the_client_entered_the_track() -> None:
    before, first, later = ENTERED - timedelta(days=300), ENTERED + timedelta(days=5), ENTERED + timedelta(days=40)
    routes = (("reintegration", before), ("participation", ENTERED), ("reintegration", later), ("reintegration", first))
    assert kinds(standing(routes=routes), pack())[LONGEST_STAY] == first


def test_no_stay_without_a_route_nor_for_an_excepted_category_nor_where_policy_has_none() -> None:
    assert LONGEST_STAY not in kinds(standing(routes=()), pack())
    assert LONGEST_STAY not in kinds(standing(category="2B"), pack())
    assert LONGEST_STAY not in kinds(standing(category="40-70"), pack("GM0451"))
    assert LONGEST_STAY in kinds(standing(), pack())


def test_a_telephone_call_is_no_review_where_policy_wants_to_see_people() -> None:
    entered = standing(track="participation", category="3A", routes=())
    assert kinds(entered, pack()) == {FIRST_CONVERSATION: ENTERED}
    called = after(Spoken(date(2022, 1, 5), "telephone", seen=False))
    assert kinds(called, pack()) == {FIRST_CONVERSATION: ENTERED}
    seen = after(Spoken(date(2022, 1, 5), "face_to_face"), Spoken(date(2022, 5, 5), "review", seen=False))
    assert kinds(seen, pack()) == {REVIEW: date(2022, 1, 5)}


def after(*conversations: Spoken) -> Standing:
    return standing(track="participation", category="3A", routes=(), conversations=conversations)


@pytest.mark.requirement("ROU-6")
@pytest.mark.parametrize("kind", ["telephone", "face_to_face", "home_visit", "something_else"])
def test_only_the_kind_of_conversation_that_policy_means_is_the_review(kind: str) -> None:
    first, talk, review = date(2022, 1, 5), date(2022, 6, 1), date(2022, 12, 1)
    began = Spoken(first, "face_to_face")
    assert kinds(after(began, Spoken(talk, kind)), pack()) == {REVIEW: first}
    assert kinds(after(began, Spoken(review, "review"), Spoken(talk, kind)), pack()) == {REVIEW: review}


def test_the_first_conversation_may_be_a_review_or_one_that_an_import_tells_of_and_no_telephone_call() -> None:
    for kind, meets in {"review": True, "home_visit": True, None: True, "telephone": False}.items():
        met = {REVIEW: date(2022, 1, 5)} if meets else {FIRST_CONVERSATION: ENTERED}
        assert kinds(after(Spoken(date(2022, 1, 5), kind)), pack()) == met
    assert kinds(after(Spoken(ENTERED - timedelta(days=1), "review")), pack()) == {FIRST_CONVERSATION: ENTERED}


def test_four_conversations_a_year_where_policy_has_them() -> None:
    held = Spoken(date(2022, 1, 5), "fip"), Spoken(date(2022, 2, 5), "telephone")
    stands = standing(category="werken-aan", conversations=held)
    [term] = running_terms(stands, pack("GM1926"), lambda _: pack("GM1926"))
    assert (term.kind, term.term.after(term.start)) == (FIP, date(2022, 4, 5))


@pytest.mark.requirement("ROU-12")
def test_the_ladder_is_climbed_a_rung_at_a_time() -> None:
    ladder = ["talk", "influence", "measure"]
    taken: list[str] = []
    for expected in ("talk", "influence", "measure", "measure"):
        assert rung(ladder, taken) == expected
        taken.append(expected)
    assert rung(ladder, ["influence"]) == "talk"
    assert rung(["talk", "measure"], ["talk"]) == "measure"


@pytest.mark.parametrize(
    ("hours", "band"), [(0, "0-8"), (8, "0-8"), (9, "9-16"), (24, "17-24"), (31, "25-31"), (32, "32+")]
)
def test_hours_in_bands(hours: int, band: HoursBand) -> None:
    assert hours_band(hours) == band


@pytest.mark.parametrize(
    ("income", "band"),
    [("0", "0-250"), ("250", "0-250"), ("250.01", "251-500"), ("1000", "751-1000"), ("1000.01", "1001+")],
)
def test_income_in_bands(income: str, band: IncomeBand) -> None:
    assert income_band(Decimal(income)) == band


def test_a_reason_of_exit_that_we_do_not_know_is_another_one() -> None:
    assert (exit_reason("work"), exit_reason("lottery"), exit_reason(None)) == ("work", "other", "other")
