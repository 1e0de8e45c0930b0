"""Nobody overwrites what somebody else changed, and nobody misses a row while paging."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.answers import assert_problem, valid
from tests.support.notes import Notes, all_of, new_municipality


async def make(notes: Notes, municipality: str, title: str = "A note", **more: Any) -> httpx.Response:
    body = valid(municipality, title=title, **more)
    made = await notes.http.post("/v1/notes", json=body, headers=notes.bearer(municipalities=[municipality]))
    assert made.status_code == 201, made.text
    return made


async def test_of_two_who_read_the_same_version_the_second_hears_who_was_first(notes: Notes, municipality: str) -> None:
    place = (await make(notes, municipality)).headers["location"]
    jan, piet = (notes.bearer(municipalities=[municipality], sub=sub) for sub in ("jan", "piet"))
    seen = {sub: (await notes.http.get(place, headers=sub_headers)).headers["etag"]
            for sub, sub_headers in (("jan", jan), ("piet", piet))}  # fmt: skip
    first = await notes.http.put(place, json={"text": "of Jan"}, headers=jan | {"If-Match": seen["jan"]})
    assert first.status_code == 200
    assert first.headers["etag"] != seen["jan"]
    second = await notes.http.put(place, json={"text": "of Piet"}, headers=piet | {"If-Match": seen["piet"]})
    problem = assert_problem(second, 412)
    assert problem["changedBy"] == "staff:jan"
    assert problem["changedAt"].endswith("Z")
    assert [(each["version"], each["changedBy"], each["fields"]) for each in problem["changes"]] == [
        (2, "staff:jan", ["changedAt", "text"])
    ]
    assert second.headers["etag"] == first.headers["etag"]
    assert [note.text for note in await notes.rows(municipality)] == ["of Jan"]
    again = await notes.http.put(place, json={"text": "of Piet"}, headers=piet | {"If-Match": first.headers["etag"]})
    assert again.status_code == 200


async def test_who_comes_late_hears_of_every_change_since(notes: Notes, municipality: str) -> None:
    place = (await make(notes, municipality)).headers["location"]
    for number, sub in enumerate(("jan", "piet", "jan"), 1):
        headers = notes.bearer(municipalities=[municipality], sub=sub) | {"If-Match": f'"{number}"'}
        assert (await notes.http.put(place, json={"text": f"{number}"}, headers=headers)).status_code == 200
    headers = notes.bearer(municipalities=[municipality], sub="els")
    heard = {}
    for known in ('"1"', '"3"', '"1", "2"', '"99"', 'W/"4"', '"unknown"'):
        late = await notes.http.put(place, json={"text": "late"}, headers=headers | {"If-Match": known})
        heard[known] = [(each["version"], each["changedBy"]) for each in assert_problem(late, 412)["changes"]]
    every = [(2, "staff:jan"), (3, "staff:piet"), (4, "staff:jan")]
    assert heard == {
        '"1"': every, '"3"': every[2:], '"1", "2"': every[1:], '"99"': every[2:], 'W/"4"': every[2:],
        '"unknown"': every[2:],
    }  # fmt: skip


async def test_of_many_at_the_same_moment_one_is_first_and_the_others_hear_who(notes: Notes, municipality: str) -> None:
    place = (await make(notes, municipality)).headers["location"]
    answers = await all_of(
        *(
            notes.http.put(
                place, json={"text": f"of {n}"},
                headers=notes.bearer(municipalities=[municipality], sub=f"s-{n}") | {"If-Match": '"1"'},
            )
            for n in range(8)
        )
    )  # fmt: skip
    [first] = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    others = [assert_problem(answer, 412) for n, answer in enumerate(answers) if n != first]
    assert {each["changedBy"] for each in others} == {f"staff:s-{first}"}
    assert [note.text for note in await notes.rows(municipality)] == [f"of {first}"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_change_must_say_which_version_it_changes(notes: Notes, municipality: str, method: str) -> None:
    place = (await make(notes, municipality)).headers["location"]
    headers = notes.bearer("team_manager", municipalities=[municipality]) | {"Content-Type": "application/json"}
    assert_problem(await notes.http.request(method, place, content=b'{"text": "x"}', headers=headers), 428)


@pytest.mark.parametrize(
    ("header", "status"),
    [('"1"', 200), ("*", 200), ('"0", "1"', 200), ('W/"1"', 412), ('"2"', 412), ('"0","2"', 412), ("1", 400),
     ('"1', 400), ("", 400)],
)  # fmt: skip
async def test_if_match_is_read_as_the_standard_says(notes: Notes, municipality: str, header: str, status: int) -> None:
    place = (await make(notes, municipality)).headers["location"]
    headers = notes.bearer(municipalities=[municipality]) | {"If-Match": header}
    assert (await notes.http.put(place, json={"text": "x"}, headers=headers)).status_code == status


async def test_a_row_that_is_gone_is_gone(notes: Notes, municipality: str) -> None:
    made = await make(notes, municipality)
    headers = notes.bearer("team_manager", municipalities=[municipality]) | {"If-Match": made.headers["etag"]}
    gone = await notes.http.delete(made.headers["location"], headers=headers)
    assert (gone.status_code, gone.content) == (204, b"")
    assert_problem(await notes.http.delete(made.headers["location"], headers=headers), 404)


async def pages(notes: Notes, municipality: str, query: str, between: Any = None) -> list[list[str]]:
    headers = notes.bearer(municipalities=[municipality])
    url: str | None = f"/v1/notes?{query}"
    found = []
    while url:
        answer = await notes.http.get(url, headers=headers)
        assert answer.status_code == 200, answer.text
        found.append([item["title"] for item in answer.json()["items"]])
        if between:
            await between()
        url = answer.links.get("next", {}).get("url")
    return found


async def test_pages_hold_all_rows_once_while_rows_are_added(notes: Notes, municipality: str) -> None:
    old = [f"old {number}" for number in range(7)]
    for number, title in enumerate(old):
        await make(notes, municipality, title, writtenOn=f"2026-01-0{1 + number % 3}")  # equal days: the id decides
    numbers = iter(range(100))

    async def somebody_writes() -> None:
        await make(notes, municipality, f"new {next(numbers)}", writtenOn="2025-12-31")

    found = await pages(notes, municipality, "limit=2", somebody_writes)
    seen = [title for page in found for title in page]
    assert all(len(page) <= 2 for page in found)
    assert sorted(title for title in seen if title.startswith("old")) == old
    assert len(seen) == len(set(seen))


async def test_pages_run_backwards_too(notes: Notes, municipality: str) -> None:
    for number in range(5):
        await make(notes, municipality, f"{number}", writtenOn=f"2026-01-0{1 + number}")
    assert await pages(notes, municipality, "limit=2&newestFirst=true") == [["4", "3"], ["2", "1"], ["0"]]


async def test_the_last_page_has_no_next(notes: Notes, municipality: str) -> None:
    for number in range(4):
        await make(notes, municipality, f"{number}")
    assert [len(page) for page in await pages(notes, municipality, "limit=2")] == [2, 2]
    assert [len(page) for page in await pages(notes, municipality, "limit=4")] == [4]


async def next_page(notes: Notes, municipality: str, query: str = "limit=1") -> httpx.URL:
    headers = notes.bearer(municipalities=[municipality])
    answer = await notes.http.get(f"/v1/notes?{query}", headers=headers)
    return httpx.URL(answer.links["next"]["url"])


async def test_a_cursor_tells_nothing_and_cannot_be_altered(notes: Notes, municipality: str) -> None:
    for number in range(3):
        await make(notes, municipality, f"{number}")
    url = await next_page(notes, municipality)
    cursor = url.params["cursor"]
    [first, *_] = await notes.rows(municipality)
    assert str(first.id) not in cursor
    headers = notes.bearer(municipalities=[municipality])
    for position in range(0, len(cursor), 7):
        other = "A" if cursor[position] != "A" else "B"
        altered = cursor[:position] + other + cursor[position + 1 :]
        answer = await notes.http.get("/v1/notes", params={"limit": 1, "cursor": altered}, headers=headers)
        assert assert_problem(answer, 400)["errors"][0]["pointer"] == "#query/cursor"


async def test_a_cursor_belongs_to_its_list_and_its_filters(notes: Notes, municipality: str) -> None:
    for number in range(3):
        await make(notes, municipality, f"{number}", writtenOn="2026-01-05")
    url = await next_page(notes, municipality, "limit=1&writtenOn=2026-01-05")
    headers = notes.bearer(municipalities=[municipality])
    assert (await notes.http.get(url, headers=headers)).status_code == 200
    assert (await notes.http.get(url.copy_set_param("limit", 2), headers=headers)).status_code == 200
    assert_problem(await notes.http.get(url.copy_set_param("writtenOn", "2026-01-06"), headers=headers), 400)
    assert_problem(await notes.http.get(url.copy_remove_param("writtenOn"), headers=headers), 400)


async def test_another_municipality_gets_nothing_out_of_a_cursor(notes: Notes, municipality: str) -> None:
    for number in range(3):
        await make(notes, municipality, f"{number}")
    url = await next_page(notes, municipality)
    answer = await notes.http.get(url, headers=notes.bearer(municipalities=[new_municipality()]))
    assert answer.json() == {"items": []}


@pytest.mark.parametrize("limit", ["0", "-1", "201", "100000", "many", ""])
async def test_a_page_has_its_limits(notes: Notes, limit: str) -> None:
    assert_problem(await notes.http.get("/v1/notes", params={"limit": limit}, headers=notes.bearer()), 400)


@given(cursor=st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=200))
async def test_no_text_passes_for_a_cursor(notes: Notes, cursor: str) -> None:
    answer = await notes.http.get("/v1/notes", params={"cursor": cursor}, headers=notes.bearer())
    assert_problem(answer, 400)
