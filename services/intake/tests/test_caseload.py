from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from contracts.diagnosis import ClientCategorised, Traits
from contracts.intake import CaseImported, ClientRegistered, ImportedSuspension
from contracts.routing import ClientExited

if TYPE_CHECKING:
    import httpx
    from tests.conftest import Intake

HEADER = (
    "municipality;bsn;given_names;prefix;family_name;birth_date;permit_holder;benefit_from;category;categorised_on;route;"
    "route_started_on;suspensions;caseworker_id;exempted_until;indications;last_conversation_on;exited_on;exit_reason"
)


def line(bsn: str, **cells: str) -> str:
    told = {"municipality": "GM0626", "bsn": bsn, "family_name": "Ven", "birth_date": "1985-05-17"} | cells
    return ";".join(told.get(column, "") for column in HEADER.split(";"))


async def send(intake: Intake, *lines: str | bytes, header: str = HEADER, **headers: str) -> httpx.Response:
    parts = [each if isinstance(each, bytes) else each.encode() for each in (header, *lines)]
    token = headers.pop("token", None) or intake.token("operator")["Authorization"]
    sent = {"Authorization": token, "Content-Type": "text/csv; charset=utf-8"} | headers
    return await intake.service.http.post("/v1/caseload-imports", content=b"\n".join(parts), headers=sent)


@pytest.mark.requirement("INT-13", "INT-15")
async def test_a_file_that_names_somebody_by_a_number_that_was_corrected_makes_no_double(intake: Intake) -> None:
    wrong, right = next(intake.bsns), next(intake.bsns)
    assert (await send(intake, line(wrong))).json()["registered"] == 1
    [registered] = await intake.said(ClientRegistered)
    corrected = await intake.service.http.patch(
        f"/v1/clients/{registered.subject}", json={"bsn": right}, headers=intake.token() | {"If-Match": "*"}
    )
    assert corrected.status_code == 200

    again = (await send(intake, line(wrong), line(right))).json()
    another = (await send(intake, line(wrong, family_name="Anders"))).json()

    assert (again["registered"], again["known"], again["refusedLines"]) == (0, 1, 1)
    assert (again["refused"][0]["line"], again["refused"][0]["column"]) == (2, "bsn")
    assert "under another number" in again["refused"][0]["detail"]
    assert another["registered"] == 1


@pytest.mark.requirement("INT-13", "INT-15")
async def test_a_file_that_has_somebody_twice_who_was_merged_since_changes_nothing_when_it_comes_again(
    intake: Intake,
) -> None:
    one, other = next(intake.bsns), next(intake.bsns)
    lines = line(one, benefit_from="2022-03-01"), line(other, benefit_from="2022-04-01", family_name="Venn")
    assert (await send(intake, *lines)).json()["registered"] == 2
    gone, survivor = [each.subject for each in await intake.said(ClientRegistered)]
    await intake.done(f"/clients/{gone}/mergers", {"into": str(survivor)})

    again = (await send(intake, *lines)).json()
    ended = {"benefit_from": "2019-01-01", "exited_on": "2020-06-30", "exit_reason": "work"}
    earlier = (await send(intake, line(one, **ended), line(other, family_name="Venn", **ended))).json()

    assert (again["registered"], again["cases"], again["known"], again["refusedLines"]) == (0, 0, 2, 0)
    assert (earlier["registered"], earlier["cases"], earlier["refusedLines"]) == (0, 1, 0)
    assert [each.subject for each in await intake.said(CaseImported)][2:] == [survivor]
    assert len(await intake.said(ClientRegistered)) == 2


async def test_a_first_line_that_names_no_columns_is_not_repeated(intake: Intake) -> None:
    forgotten = await send(intake, header=line(next(intake.bsns)))
    tabs = await send(intake, header=HEADER.replace(";", "\t"))

    for answer in (forgotten, tabs):
        [fault] = answer.json()["errors"]
        assert answer.status_code == 400
        assert fault["detail"].startswith("line 1 names no column of a caseload file: it needs municipality, bsn,")


async def test_a_caseload_comes_in_once_in_mid_journey(intake: Intake) -> None:
    one, two = next(intake.bsns), next(intake.bsns)
    journey = {
        "benefit_from": "2022-03-01", "category": "1B", "categorised_on": "2022-03-20", "route": "development_route",
        "route_started_on": "2022-12-01", "suspensions": "2023-03-01/2023-04-01 2024-01-10/", "caseworker_id": "w-7",
        "indications": "job_agreement target_group_register", "permit_holder": "ja",
    }  # fmt: skip
    ended = {"benefit_from": "2019-01-01", "exited_on": "2020-06-30", "exit_reason": "work"}

    first = await send(intake, line(one, **journey), line(two, **ended), line(two))
    again = await send(intake, line(one, **journey), line(two, **ended), line(two))

    assert first.status_code == 201, first.text
    report = first.json()
    assert {name: report[name] for name in ("registered", "cases", "known", "refusedLines", "refused", "finished")} == {
        "registered": 2, "cases": 3, "known": 0, "refusedLines": 0, "refused": [], "finished": True,
    }  # fmt: skip
    assert (again.json()["registered"], again.json()["cases"], again.json()["known"]) == (0, 0, 3)
    registered = {each.subject: each.data for each in await intake.said(ClientRegistered)}
    assert {(each.origin, each.by) for each in registered.values()} == {("import", "import")}
    cases = [each.data for each in await intake.said(CaseImported)]
    assert cases[0].model_dump(exclude_none=True, exclude_defaults=True) == {
        "occurred_on": date(2024, 2, 1), "by": "import", "benefit_from": date(2022, 3, 1), "category": "1B",
        "track": "reintegration", "categorised_on": date(2022, 3, 20), "route": "development_route",
        "route_started_on": date(2022, 12, 1), "caseworker_id": "w-7",
        "indications": ("job_agreement", "target_group_register"),
        "suspensions": (
            {"start": date(2023, 3, 1), "end": date(2023, 4, 1)}, {"start": date(2024, 1, 10)},
        ),
    }  # fmt: skip
    assert cases[0].suspensions[1] == ImportedSuspension(start=date(2024, 1, 10))
    assert [(each.exited_on, each.exit_reason) for each in cases[1:]] == [(date(2020, 6, 30), "work"), (None, None)]
    assert (await intake.get(first.headers["location"].removeprefix("/intake/v1"))).json() == report


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"municipality": "GM9999"}, "municipality"),
        ({"municipality": ""}, "municipality"),
        ({"bsn": "123456789"}, "bsn"),
        ({"bsn": "x"}, "bsn"),
        ({"bsn": ""}, "bsn"),
        ({"family_name": ""}, "family_name"),
        ({"birth_date": ""}, "birth_date"),
        ({"birth_date": "17-05-1985"}, "birth_date"),
        ({"birth_date": "2010-01-01"}, "birth_date"),
        ({"permit_holder": "perhaps"}, "permit_holder"),
        ({"benefit_from": "2024-02-02"}, "benefit_from"),
        ({"benefit_from": "1-2-2024"}, "benefit_from"),
        ({"category": "9Z"}, "category"),
        ({"route": "nowhere", "route_started_on": "2023-01-01"}, "route"),
        ({"route": "development_route"}, "route_started_on"),
        ({"suspensions": "2023-05-01"}, "suspensions"),
        ({"suspensions": "2023-05-01/2023-04-01"}, "suspensions"),
        ({"exited_on": "2023-01-01"}, "exit_reason"),
        ({"exit_reason": "work"}, "exited_on"),
        ({"exit_reason": "bored", "exited_on": "2023-01-01"}, "exit_reason"),
        ({"benefit_from": "2023-01-01", "exited_on": "2022-01-01", "exit_reason": "work"}, "exited_on"),
        ({"suspensions": "2024-02-02/"}, "suspensions"),
        ({"benefit_from": "1985-05-16"}, "benefit_from"),
        ({"last_conversation_on": "1970-01-01", "birth_date": "1985"}, "last_conversation_on"),
        ({"family_name": "   "}, "family_name"),
        ({"exited_on": "2023-12-01", "exit_reason": "pension_age"}, "exit_reason"),
    ],
)
async def test_a_broken_line_is_reported_by_column_and_the_others_are_kept(
    intake: Intake, cells: dict[str, str], column: str
) -> None:
    good, bad = next(intake.bsns), next(intake.bsns)

    report = (await send(intake, line(cells.pop("bsn", bad), **cells), line(good))).json()

    assert (report["registered"], report["refusedLines"]) == (1, 1), report
    assert {(each["line"], each["column"]) for each in report["refused"]} == {(2, column)}
    assert all(value not in str(report["refused"]) for value in (bad, "17-05-1985", "perhaps", "123456789"))


@pytest.mark.requirement("INT-14", "INT-15")
async def test_who_has_pension_age_comes_in_with_the_end_of_the_spell_only(intake: Intake) -> None:
    running, unknown_day, not_yet, ended = (next(intake.bsns) for _ in range(4))
    lines = [
        line(running, birth_date="1957-02-28", benefit_from="2019-01-01"),  # pension age on 2023-12-28
        line(unknown_day, birth_date="1957-02", benefit_from="2019-01-01"),  # not later than that
        line(not_yet, birth_date="1957-03", benefit_from="2019-01-01"),  # 67 on 2024-03-31 at the latest
        line(ended, birth_date="1957", benefit_from="2019-01-01", exited_on="2024-01-05", exit_reason="pension_age"),
    ]

    tried = await intake.service.http.post(
        "/v1/caseload-imports?dryRun=true",
        content="\n".join([HEADER, *lines]).encode(),
        headers=intake.token("operator") | {"Content-Type": "text/csv"},
    )
    report = (await send(intake, *lines)).json()

    assert (report["registered"], report["refused"]) == (2, tried.json()["refused"])
    assert [(told["line"], told["column"]) for told in report["refused"]] == [(2, "exited_on"), (3, "exited_on")]
    assert all("exit_reason pension_age" in told["detail"] for told in report["refused"])


MORE = (
    "municipality;bsn;family_name;birth_date;category;route;route_started_on;months_used;suspensions;open_referrals;"
    "exited_on;exit_reason"
)
"""The columns of terms and loops that run."""


def running(bsn: str, **cells: str) -> str:
    told = {"municipality": "GM0626", "bsn": bsn, "family_name": "Ven", "birth_date": "1985-05-17", "category": "1B"}
    return ";".join((told | cells).get(column, "") for column in MORE.split(";"))


@pytest.mark.parametrize(
    ("cells", "started"),
    [
        ({"months_used": "14"}, date(2022, 12, 1)),
        ({"months_used": "0"}, date(2024, 2, 1)),
        ({"months_used": "14", "suspensions": "2023-03-01/2023-04-01"}, date(2022, 11, 1)),
        ({"months_used": "14", "suspensions": "2020-03-01/2020-04-01"}, date(2022, 12, 1)),
        ({"months_used": "14", "suspensions": "2024-01-10/"}, date(2022, 11, 10)),
        ({"months_used": "14", "route_started_on": "2022-11-15"}, date(2022, 11, 15)),
        ({"months_used": "14", "route": "development_route"}, date(2022, 12, 1)),
    ],
)
async def test_months_used_tell_since_when_the_longest_stay_counts(
    intake: Intake, cells: dict[str, str], started: date
) -> None:
    report = (await send(intake, running(next(intake.bsns), **cells), header=MORE)).json()

    assert report["refused"] == []
    [case] = [each.data for each in await intake.said(CaseImported)]
    assert (case.route_started_on, case.months_used) == (started, int(cells["months_used"]))


async def test_open_referrals_come_along_with_ids_of_their_own(intake: Intake) -> None:
    loops = "participation@voor-elkaar:started:2024-01-10 sheltered_work@dzb:held:2024-01-20"
    await send(intake, running(next(intake.bsns), open_referrals=loops), header=MORE)

    [case] = [each.data for each in await intake.said(CaseImported)]
    assert [(each.purpose, each.partner, each.state, str(each.since)) for each in case.open_referrals] == [
        ("participation", "voor-elkaar", "started", "2024-01-10"), ("sheltered_work", "dzb", "held", "2024-01-20"),
    ]  # fmt: skip
    assert len({each.referral_id for each in case.open_referrals}) == 2


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"months_used": "-1"}, "months_used"),
        ({"months_used": "many"}, "months_used"),
        ({"months_used": "14", "category": "3A"}, "months_used"),
        ({"months_used": "14", "category": ""}, "months_used"),
        ({"months_used": "14", "route_started_on": "2022-10-15"}, "months_used"),
        ({"months_used": "14", "route_started_on": "2023-10-15"}, "months_used"),
        ({"open_referrals": "lessons"}, "open_referrals"),
        ({"open_referrals": "lessons@nobody:started:2024-01-01"}, "open_referrals"),
        ({"open_referrals": "lessons@nobody:requested:2024-01-01"}, "open_referrals"),
        ({"open_referrals": "lessons@nobody:started:1-1-2024"}, "open_referrals"),
        ({"open_referrals": "sheltered_work@voor-elkaar:started:2024-01-01"}, "open_referrals"),
        ({"open_referrals": "sheltered_work@dzb:started:2024-03-01"}, "open_referrals"),
        ({"open_referrals": " ".join(["sheltered_work@dzb:started:2024-01-01"] * 2)}, "open_referrals"),
        ({"open_referrals": "x@y:held:2024-01-01", "exited_on": "2024-01-02", "exit_reason": "work"}, "open_referrals"),
        ({"months_used": "1", "exited_on": "2024-01-02", "exit_reason": "work"}, "months_used"),
    ],
)
async def test_months_and_loops_that_cannot_be_are_refused(intake: Intake, cells: dict[str, str], column: str) -> None:
    report = (await send(intake, running(next(intake.bsns), **cells), header=MORE)).json()

    assert {each["column"] for each in report["refused"]} == {column}, report


async def test_a_file_that_is_no_caseload_is_refused_whole(intake: Intake) -> None:
    for content, told in (("", "is empty"), ("bsn;shoe_size", "shoe_size"), ("bsn;family_name", "municipality")):
        answer = await send(intake, header=content)
        assert answer.status_code == 400
        assert told in answer.text
    for wrong in ({"Content-Type": "application/json"}, {"Content-Type": "text/csv; charset=latin-1"}):
        assert (await send(intake, **wrong)).status_code == 415
    assert (await send(intake, **{"Content-Encoding": "gzip"})).status_code == 415
    caseworker = intake.token("caseworker")["Authorization"]
    assert (await send(intake, token=caseworker)).status_code == 403
    assert (await send(intake, token="Bearer x")).status_code == 401


async def test_bad_bytes_and_quotes_spoil_one_line_only(intake: Intake) -> None:
    good, also = next(intake.bsns), next(intake.bsns)

    two_lines = line(next(intake.bsns), family_name='"Ven\nHoeve"')
    lines: list[str | bytes] = [
        line(good, family_name='"Ven; ""Hoeve"""'),
        two_lines,
        b"\xff\xfe;1",
        "GM0626;1;2",
        "",
        line(also),
    ]
    report = (await send(intake, *lines)).json()

    assert report["registered"] == 2
    assert [(each["line"], each["column"]) for each in report["refused"]] == [
        (3, "family_name"),
        (3, ""),
        (5, ""),
        (6, ""),
    ]
    found = (await intake.done("/client-searches", {"bsn": good}))["items"]
    assert [each["name"]["family"] for each in found] == ['Ven; "Hoeve"']


async def test_a_quotation_mark_too_many_costs_its_own_line_and_no_other(intake: Intake) -> None:
    good = [line(next(intake.bsns)) for _ in range(60)]

    report = (await send(intake, line(next(intake.bsns), family_name='"Jansen'), *good)).json()

    assert (report["rows"], report["registered"], report["refusedLines"]) == (61, 60, 1)
    [told] = report["refused"]
    assert (told["line"], told["column"]) == (2, "")
    assert "quotation mark" in told["detail"]


async def test_a_journey_that_runs_here_stands_as_it_is(intake: Intake) -> None:
    person = intake.person()
    await intake.done("/clients", person)

    current = (await send(intake, line(person["bsn"], benefit_from="2023-01-01"))).json()
    past = {"benefit_from": "2018-01-01", "exited_on": "2019-01-01", "exit_reason": "work"}
    history = (await send(intake, line(person["bsn"], **past))).json()

    assert (current["cases"], current["known"]) == (0, 1)
    assert (history["cases"], history["known"]) == (1, 0)


async def test_an_imported_client_has_a_letter_when_something_happens_here(intake: Intake) -> None:
    bsn = next(intake.bsns)
    await send(intake, line(bsn, category="1B", categorised_on="2023-01-01"))
    [found] = (await intake.done("/client-searches", {"bsn": bsn}))["items"]
    client = UUID(found["id"])
    day = date(2024, 2, 1)
    traits = Traits(
        scheme="distance", category="1B", track="reintegration", status="decided", basis="import", confirmed="changed"
    )
    categorised = ClientCategorised(
        occurred_on=day, by="import", assessment_id=None, old_category=None, old_track=None, traits=traits, receipt=None
    )
    await intake.hear(client, categorised)
    assert (await intake.get(f"/clients/{client}/letters")).json()["items"] == []
    await intake.apply(client)
    assert (await intake.done(f"/clients/{client}/intakes"))["heldOn"] == "2024-02-01"

    await intake.hear(client, ClientExited(occurred_on=day, by="staff:w", exit_id=client, reason="work"))

    assert [each["kind"] for each in (await intake.get(f"/clients/{client}/letters")).json()["items"]] == ["exit"]


async def test_who_died_in_an_ended_spell_is_registered_as_such(intake: Intake) -> None:
    bsn = next(intake.bsns)
    ended = {"benefit_from": "2018-01-01", "exited_on": "2019-01-01", "exit_reason": "deceased"}

    await send(intake, line(bsn, **ended))

    found = await intake.done("/client-searches", {"bsn": bsn})
    assert [each["state"] for each in found["items"]] == ["deceased"]


async def test_a_large_file_comes_in_in_batches(intake: Intake) -> None:
    lines = [line(next(intake.bsns), municipality="GM0626" if n % 2 else "GM1916") for n in range(1100)]

    report = (await send(intake, *lines, "GM0626;1", lines[0])).json()

    assert (report["registered"], report["cases"], report["known"], report["refusedLines"]) == (1100, 1100, 1, 1)
    here = intake.token("operator", municipalities=["GM1916"])
    part = (await intake.get(f"/caseload-imports/{report['id']}", headers=here)).json()
    assert part["registered"] == 550
