"""One request is one transaction: all of it, once, in its own municipalities, or nothing."""

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import text

from chassis.database import Database
from chassis.idempotency import forget_old
from opstap.databases import DatabaseUrls
from tests.support.answers import assert_problem, valid
from tests.support.notes import Notes, all_of, new_municipality, running


async def test_what_was_made_is_there_and_was_said(notes: Notes, municipality: str) -> None:
    staff = notes.bearer(municipalities=[municipality])
    made = await notes.http.post("/v1/notes", json=valid(municipality), headers=staff)
    assert made.status_code == 201
    read = await notes.http.get(made.headers["location"], headers=staff)
    assert read.json() == made.json()
    assert read.json()["changedAt"].endswith("Z")
    async with notes.office.in_background() as work:
        said = await work.session.execute(
            text("SELECT type, subject, traceparent FROM outbox WHERE municipality = :it"), {"it": municipality}
        )
        [(type_, subject, traceparent)] = said.all()
    assert (type_, str(subject)) == ("nl.klantreizen.referral-sent", made.json()["id"])
    assert traceparent.split("-")[1] == made.headers["traceparent"].split("-")[1]


async def test_another_municipality_is_invisible_and_out_of_reach(notes: Notes, municipality: str) -> None:
    elsewhere = new_municipality()
    here, there = notes.bearer(municipalities=[municipality]), notes.bearer(municipalities=[elsewhere])
    made = await notes.http.post("/v1/notes", json=valid(municipality), headers=here)
    assert_problem(await notes.http.get(made.headers["location"], headers=there), 404)
    assert (await notes.http.get("/v1/notes", headers=there)).json() == {"items": []}
    assert_problem(await notes.http.post("/v1/notes", json=valid(municipality), headers=there), 403)
    both = notes.bearer(municipalities=[municipality, elsewhere])
    assert len((await notes.http.get("/v1/notes", headers=both)).json()["items"]) == 1


async def test_a_token_for_no_municipality_sees_no_rows(notes: Notes, municipality: str) -> None:
    await notes.http.post("/v1/notes", json=valid(municipality), headers=notes.bearer(municipalities=[municipality]))
    assert (await notes.http.get("/v1/notes", headers=notes.bearer())).json() == {"items": []}


async def test_the_applications_role_sees_nothing_without_a_municipality(notes: Notes, municipality: str) -> None:
    await notes.http.post("/v1/notes", json=valid(municipality), headers=notes.bearer(municipalities=[municipality]))
    database = Database(notes.urls.app, notes.urls.background)
    async with database.app.connect() as connection:
        for table in ("notes", "outbox"):
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    await database.close()


async def test_the_database_itself_forbids_a_row_of_another_municipality(notes: Notes, municipality: str) -> None:
    body = valid(municipality)
    answer = await notes.http.post("/v1/refusals", json=body, headers=notes.bearer(municipalities=[new_municipality()]))
    assert_problem(answer, 403)
    assert await notes.rows(municipality) == []


async def test_an_answer_of_400_and_up_leaves_nothing_behind(notes: Notes, municipality: str) -> None:
    headers = notes.bearer(municipalities=[municipality])
    answer = await notes.http.post("/v1/refusals", json=valid(municipality), headers=headers)
    assert answer.status_code == 409
    assert await notes.rows(municipality) == []


async def test_what_exists_already_is_a_conflict(notes: Notes, municipality: str) -> None:
    headers = notes.bearer(municipalities=[municipality])
    assert (await notes.http.post("/v1/notes", json=valid(municipality), headers=headers)).status_code == 201
    assert_problem(await notes.http.post("/v1/notes", json=valid(municipality), headers=headers), 409)
    assert len(await notes.rows(municipality)) == 1


def keyed(notes: Notes, municipality: str, key: str, **more: Any) -> dict[str, str]:
    return notes.bearer(municipalities=[municipality], **more) | {"Idempotency-Key": key}


async def test_the_same_request_twice_is_done_once_and_answered_twice(notes: Notes, municipality: str) -> None:
    headers = keyed(notes, municipality, '"twice"')
    first = await notes.http.post("/v1/notes", json=valid(municipality), headers=headers)
    again = await notes.http.post("/v1/notes", json=valid(municipality), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("location", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert len(await notes.rows(municipality)) == 1


async def test_ten_at_the_same_time_make_one_row(notes: Notes, municipality: str) -> None:
    headers = keyed(notes, municipality, '"ten"')
    body = valid(municipality)
    answers = await all_of(*(notes.http.post("/v1/notes", json=body, headers=headers) for _ in range(10)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert len(await notes.rows(municipality)) == 1


async def test_a_repeat_does_not_wait_forever_for_the_first(notes: Notes, municipality: str) -> None:
    headers = keyed(notes, municipality, '"slow"')
    async with notes.office.in_background() as work:
        await work.session.execute(text("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE"))
        both = (notes.http.post("/v1/notes", json=valid(municipality), headers=headers) for _ in range(2))
        first, second = map(asyncio.create_task, both)
        done, waiting = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        assert_problem(refused, 409)
        assert refused.headers["retry-after"] == "1"
    assert (await waiting.pop()).status_code == 201


async def test_the_key_with_another_request_is_refused(notes: Notes, municipality: str) -> None:
    headers = keyed(notes, municipality, '"other"')
    assert (await notes.http.post("/v1/notes", json=valid(municipality), headers=headers)).status_code == 201
    other = await notes.http.post("/v1/notes", json=valid(municipality, title="Another"), headers=headers)
    assert_problem(other, 422)
    assert len(await notes.rows(municipality)) == 1


async def test_a_key_is_of_one_caller(notes: Notes, municipality: str) -> None:
    jan, piet = (keyed(notes, municipality, '"shared"', sub=sub) for sub in ("jan", "piet"))
    body = valid(municipality)
    first = await notes.http.post("/v1/notes", json=body, headers=jan)
    second = await notes.http.post("/v1/notes", json=valid(municipality, title="Another"), headers=piet)
    assert (first.status_code, second.status_code) == (201, 201)


async def test_a_refusal_is_not_kept_so_the_repeat_is_tried_anew(notes: Notes, municipality: str) -> None:
    first = notes.bearer(municipalities=[municipality])
    made = await notes.http.post("/v1/notes", json=valid(municipality), headers=first)
    headers = keyed(notes, municipality, '"refused"', roles=["team_manager"])
    assert_problem(await notes.http.post("/v1/notes", json=valid(municipality), headers=headers), 409)
    gone = await notes.http.delete(made.headers["location"], headers=headers | {"If-Match": made.headers["etag"]})
    assert gone.status_code == 204
    assert (await notes.http.post("/v1/notes", json=valid(municipality), headers=headers)).status_code == 201


async def test_a_key_is_a_text_in_double_quotes(notes: Notes, municipality: str) -> None:
    for wrong in ("bare", '""', '"a" "b"', '"a";x=1', "7", f'"{"x" * 256}"'):
        headers = keyed(notes, municipality, wrong)
        problem = assert_problem(await notes.http.post("/v1/notes", json=valid(municipality), headers=headers), 400)
        assert problem["errors"][0]["pointer"] == "#header/Idempotency-Key"
    assert await notes.rows(municipality) == []


async def test_stored_answers_cannot_be_read_in_the_database_and_are_forgotten_after_a_day(
    notes: Notes, municipality: str
) -> None:
    title = f"A title that nobody else has {municipality}"
    headers = keyed(notes, municipality, '"a-key-that-nobody-else-has"')
    await notes.http.post("/v1/notes", json=valid(municipality, title=title), headers=headers)
    stored = str(await notes.stored_answers())
    assert "nobody" not in stored
    async with notes.office.in_background() as work:
        await work.session.execute(text("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'"))
        await forget_old(work.session)
    assert await notes.stored_answers() == []


async def test_an_answer_that_was_tampered_with_is_lost_and_not_believed(notes: Notes, municipality: str) -> None:
    headers = keyed(notes, municipality, '"tampered"')
    await notes.http.post("/v1/notes", json=valid(municipality), headers=headers)
    async with notes.office.in_background() as work:
        await work.session.execute(text("UPDATE idempotency_keys SET body = set_byte(body, 20, 0) || '\\x00'::bytea"))
    assert_problem(await notes.http.post("/v1/notes", json=valid(municipality), headers=headers), 409)
    assert len(await notes.rows(municipality)) == 1


async def test_without_its_database_the_service_says_so_and_never_that_it_is_done(
    notes_database: DatabaseUrls, folder: Path, municipality: str
) -> None:
    nowhere = DatabaseUrls(
        **{kind: getattr(notes_database, kind).replace("127.0.0.1:", "127.0.0.1:1") for kind in ("owner",)},
        app="postgresql+asyncpg://partners_app:x@127.0.0.1:1/gone",
        background="postgresql+asyncpg://partners_background:x@127.0.0.1:1/gone",
    )
    async with running(nowhere, folder) as notes:
        headers = keyed(notes, municipality, '"gone"')
        answer = await notes.http.post("/v1/notes", json=valid(municipality), headers=headers)
        assert_problem(answer, 503)
        assert answer.headers["retry-after"]
        assert (await notes.http.get("/health/ready")).status_code == 503
        assert (await notes.http.get("/health/live")).status_code == 200


async def test_a_connection_that_dies_in_the_middle_is_no_success(notes: Notes, municipality: str) -> None:
    staff = notes.bearer(municipalities=[municipality])
    async with notes.office.in_background() as work:
        # The row is locked, so the request below waits in the middle of its transaction, with a connection in use.
        await work.session.execute(text("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE"))
        request = asyncio.create_task(notes.http.post("/v1/notes", json=valid(municipality), headers=staff))
        waiting = text(
            "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE relation = 'notes'::regclass"
            " AND NOT granted AND pg_stat_activity.datname = current_database()"
        )
        pid = None
        while pid is None:  # each turn asks the database, and lets the request go on
            pid = await work.session.scalar(waiting)
        await _terminate(notes.urls, pid)
        assert_problem(await request, 503)
    assert await notes.rows(municipality) == []
    assert (await notes.http.post("/v1/notes", json=valid(municipality), headers=staff)).status_code == 201


async def _terminate(urls: DatabaseUrls, pid: int) -> None:
    database = Database(urls.app, urls.background)
    async with database.app.connect() as connection:
        assert await connection.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    await database.close()
