"""Staff by file: with all faults at once, and nothing by halves (ROU-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contracts.routing import CaseworkerAssigned, DeputyChosen, StaffChanged

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Routing

pytestmark = pytest.mark.requirement("ROU-16")

HEADER = "id;municipalities;roles;team;manages;hours;active;absent_from;absent_until;deputy"
TOWN = (
    "boss;GM1916;;west;west;36;yes;;;",
    "els;GM1916 GM0626;work_consultant income_consultant;west;;24;ja;2021-09-01;2021-09-14;piet",
    "els;GM1916 GM0626;work_consultant income_consultant;west;;24;ja;2021-12-20;;piet",
    "piet;GM1916 GM0626;work_consultant;west;;;;;;",
)


async def send(routing: Routing, *lines: str, header: str = HEADER, **more: Any) -> Any:
    token = more.pop("token", None) or routing.token("operator")
    query = "&".join(f"{name}={value}" for name, value in more.items())
    return await routing.service.http.post(
        f"/v1/staff-imports?{query}", content="\n".join((header, *lines)).encode(),
        headers={**token, "Content-Type": "text/csv"},
    )  # fmt: skip


async def guide(routing: Routing, client: UUID) -> str:
    """Who guides a client."""
    found = await routing.get(f"/clients/{client}/journey", headers=routing.token("front_end", sub=None))
    guided_by: str = found.json()["caseworkerId"]
    return guided_by


def refused(answer: Any) -> set[tuple[int, str]]:
    return {(each["line"], each["column"]) for each in answer.json()["refused"]}


async def everything(routing: Routing) -> Any:
    """The staff and who is away, and all that was said."""
    staff = (await routing.get("/staff", headers=routing.token("operator"))).json()
    absences = (await routing.get("/absences", headers=routing.token("operator"))).json()
    return staff, absences, len(await routing.said())


async def test_a_file_brings_staff_with_their_absences_and_again_changes_nothing(routing: Routing) -> None:
    first = await send(routing, *TOWN)
    assert first.status_code == 201, first.text
    there = await everything(routing)
    again = await send(routing, *TOWN)

    counts = ("rows", "entered", "changed", "unchanged", "absences", "refusedLines")
    assert [first.json()[name] for name in counts] == [4, 3, 0, 0, 4, 0]
    assert [again.json()[name] for name in counts] == [4, 0, 0, 3, 0, 0]
    assert await everything(routing) == there
    staff = {(each["id"], each["municipality"]): each for each in there[0]["items"]}
    assert staff["els", "GM0626"]["hoursPerWeek"] == 24
    assert staff["piet", "GM1916"]["hoursPerWeek"] == 36
    assert staff["boss", "GM1916"]["manages"] == ["west"]
    assert [each["lastDay"] for each in there[1]["items"]] == ["2021-09-14", "2021-09-14", None, None]
    assert len(await routing.said(DeputyChosen)) == 4


async def test_a_dry_run_tells_the_same_and_writes_nothing(routing: Routing) -> None:
    before = await everything(routing)
    announced = await send(routing, *TOWN, dryRun="true")
    assert announced.status_code == 200
    assert await everything(routing) == before

    assert announced.json() == (await send(routing, *TOWN)).json()


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("els;GM1916;acrobat;;;;;;;", "roles"),
        ("els;GM9999;work_consultant;;;;;;;", "municipalities"),
        ("els;elsewhere;work_consultant;;;;;;;", "municipalities"),
        ("els;;work_consultant;;;;;;;", "municipalities"),
        (";GM1916;work_consultant;;;;;;;", "id"),
        ("els!;GM1916;work_consultant;;;;;;;", "id"),
        ("els;GM1916;;;;;;;;", ""),
        ("els;GM1916;work_consultant;;;0;;;;", "hours"),
        ("els;GM1916;work_consultant;;;36;perhaps;;;", "active"),
        ("els;GM1916;work_consultant;;nowhere;;;;;", "manages"),
        ("els;GM1916;work_consultant;;;;;1-9-2021;;", "absent_from"),
        ("els;GM1916;work_consultant;;;;;;2021-09-14;", ""),
        ("els;GM1916;work_consultant;;;;;2021-09-14;2021-09-01;", "absent_until"),
        ("els;GM1916;work_consultant;;;;;2021-09-01;;els", "deputy"),
        ("els;GM1916;work_consultant;;;;;2021-09-01;;nobody", "deputy"),
        ("els;GM1916;work_consultant;;;;;2021-09-01;;away", "deputy"),
        ("els;GM1916;work_consultant", ""),
        ("away;GM1916;work_consultant;east;;;;;;", "team"),
    ],
)
async def test_a_wrong_line_is_told_by_column_and_nothing_comes_in(routing: Routing, line: str, column: str) -> None:
    away = "away;GM1916;work_consultant;;;;;2021-09-01;2021-12-31;"
    before = await everything(routing)

    answer = await send(routing, away, line, "good;GM1916;work_consultant;;;;;;;")

    assert answer.status_code == 400, answer.text
    assert answer.json()["type"].endswith("lines-refused")
    assert refused(answer) == {(3, column)}, answer.text
    assert refused(await send(routing, away, line, dryRun="true")) == {(3, column)}
    assert await everything(routing) == before


async def test_roles_are_those_of_all_the_policies_of_a_town_and_where_there_is_none_that_is_said(
    routing: Routing,
) -> None:
    header = "id;municipalities;roles"
    coming = await send(routing, "els;GM0626;participation_consultant", header=header)
    assert coming.status_code == 201, coming.text
    token = routing.token("operator", municipalities=["GM9999"])
    nowhere = await send(
        routing, "els;GM9999;work_consultant", "bob;Uithoorn;work_consultant", header=header, token=token
    )
    assert [each["detail"] for each in nowhere.json()["refused"]] == [
        "GM9999 has no policy", "is a CBS code: GM and four digits"
    ]  # fmt: skip


async def test_hours_are_written_with_a_comma_or_a_point(routing: Routing) -> None:
    lines = (
        "els;GM1916;work_consultant;28,5", "piet;GM1916;work_consultant;28.75", "bob;GM1916;work_consultant;9,00"
    )  # fmt: skip
    header = "id;municipalities;roles;hours"
    assert (await send(routing, *lines, header=header)).status_code == 201
    assert [(await person(routing, each))["hoursPerWeek"] for each in ("els", "piet", "bob")] == [28.5, 28.75, 9]
    assert (await send(routing, *lines, header=header)).json()["unchanged"] == 3
    comma = await send(routing, 'els,GM1916,work_consultant,"28,5"', header=header.replace(";", ","))
    assert comma.json()["unchanged"] == 1

    wrong = await send(routing, "els;GM1916;work_consultant;28,555", "bob;GM1916;work_consultant;1,2,3", header=header)
    [first, _] = wrong.json()["refused"]
    assert (first["column"], first["detail"]) == (
        "hours", "has more than 2 decimals"
    )  # fmt: skip
    assert refused(wrong) == {(2, "hours"), (3, "hours")}


async def test_who_is_missing_from_the_file_stays_unless_asked(routing: Routing) -> None:
    await send(routing, *TOWN)
    await routing.staff("GM0629", elsewhere=["work_consultant"])
    client = await routing.client()
    assert await guide(routing, client) == "piet"  # els is away
    rest = [each for each in TOWN if not each.startswith("piet")]
    rest = [
        each.replace("piet", "boss").replace("GM1916 GM0626", "GM1916") for each in rest if "2021-12-20" not in each
    ]
    rest = [each.replace("2021-09-01;2021-09-14;boss", ";;") for each in rest]

    kept = await send(routing, *rest)
    listed = await send(routing, *rest, leavers="list", dryRun="true")
    assert (kept.json()["leavers"], listed.json()["leavers"]) == ([], ["piet"])
    assert await guide(routing, client) == "piet"
    await routing.move_to(routing.today.replace(day=20))
    await routing.leaves("piet")
    await send(routing, "gone;GM1916;work_consultant;;;;;;;", "gone2;GM1916;work_consultant;;;;;;;")
    ended = await send(routing, *rest, leavers="inactive")

    assert ended.json()["leavers"] == ["gone", "gone2"]
    assert await guide(routing, client) == "els"
    assigned = (await routing.said(CaseworkerAssigned, client))[-1].data
    assert (assigned.previous_id, assigned.occasion) == ("piet", "transfer")
    away = {each.data.staff_id for each in await routing.said(StaffChanged) if not each.data.active}
    assert away == {"piet", "gone", "gone2"}


async def test_nobody_who_still_guides_clients_is_made_inactive_by_a_file(routing: Routing) -> None:
    await send(routing, "els;GM1916;work_consultant;;;;;;;", "piet;GM1916;income_consultant;;;;;;;")
    client = await routing.client()

    told = await send(routing, "els;GM1916;work_consultant;;;;no;;;", dryRun="true")
    missing = await send(routing, "piet;GM1916;income_consultant;;;;;;;", leavers="inactive")

    assert refused(told) == {(2, "active")}
    assert "still guides 1 client in GM1916" in told.text
    assert refused(missing) == {(1, "")}
    assert "does not name els, who still guides 1 client in GM1916" in missing.text
    assert await guide(routing, client) == "els"


async def test_nobody_loses_a_role_by_a_file_in_which_they_guide_clients(routing: Routing) -> None:
    await send(routing, "els;GM1916;work_consultant income_consultant;;;;;;;", "piet;GM1916;income_consultant;;;;;;;")
    client = await routing.client()
    lines = ("piet;GM1916;income_consultant;;;24;;;;", "els;GM1916;income_consultant;;;;;;;")

    tried, sent = await send(routing, *lines, dryRun="true"), await send(routing, *lines)

    for answer in (tried, sent):
        assert refused(answer) == {(3, "roles")}
        assert "still guides 1 client in GM1916 as work_consultant" in answer.text
    assert (await person(routing, "piet"))["hoursPerWeek"] == 36
    assert await guide(routing, client) == "els"


async def test_a_manager_keeps_the_own_team_by_file_too(routing: Routing) -> None:
    await send(routing, *TOWN)
    boss = routing.token("team_manager", sub="boss")

    own = await send(routing, "new;GM1916;work_consultant;west;;;;;;", token=boss)
    others = await send(routing, "other;GM1916;work_consultant;east;;;;;;", token=boss)

    assert own.status_code == 201
    assert refused(others) == {(2, "team")}
    assert (await send(routing, token=routing.token("caseworker"))).status_code == 403
    assert "shoe_size" in (await send(routing, header="id;shoe_size")).text


async def test_who_waits_is_assigned_once_the_file_is_in(routing: Routing) -> None:
    clients = [await routing.client() for _ in range(6)]
    await send(routing, "a;GM1916;work_consultant;;;36;;;;", "b;GM1916;work_consultant;;;18;;;;")

    guides = [await guide(routing, each) for each in clients]
    assert sorted(guides) == ["a", "a", "a", "a", "b", "b"]


async def person(routing: Routing, who: str, municipality: str = "GM1916") -> dict[str, Any]:
    """What is known of somebody on the staff."""
    listed = (await routing.get("/staff", municipality=municipality)).json()["items"]
    [found] = [each for each in listed if each["id"] == who]
    known: dict[str, Any] = found
    return known


async def test_what_a_file_has_no_column_for_stays_as_it_is_known_of_a_person(routing: Routing) -> None:
    await send(routing, *TOWN)
    await send(routing, "gone;GM1916;work_consultant;west;;12;no;;;")
    before = await routing.get("/staff")

    for column, cell in (("team", "west"), ("hours", "24"), ("roles", "work_consultant income_consultant")):
        answer = await send(routing, f"els;GM1916 GM0626;{cell}", header=f"id;municipalities;{column}")
        assert answer.json()["unchanged"] == 1, answer.text
    await send(routing, "gone;GM1916", "boss;GM1916", header="id;municipalities")

    assert (await routing.get("/staff")).json() == before.json()


async def test_what_is_known_in_one_municipality_stays_there_alone(routing: Routing) -> None:
    await send(routing, "els;GM1916;work_consultant;west;;24;;;;", "els2;GM1916;work_consultant;west;;;;;;")
    await send(routing, "els;GM0626;income_consultant;east;;12;;;;")

    await send(routing, "els;GM1916 GM0626;18", header="id;municipalities;hours")

    here, there = await person(routing, "els"), await person(routing, "els", "GM0626")
    assert (here["roles"], here["team"], here["hoursPerWeek"]) == (["work_consultant"], "west", 18)
    assert (there["roles"], there["team"], there["hoursPerWeek"]) == (["income_consultant"], "east", 18)


async def test_an_empty_cell_clears_what_can_be_without_and_leaves_hours_and_being_active(routing: Routing) -> None:
    await send(routing, "boss;GM1916;work_consultant;west;west;24;;;;", "els;GM1916;work_consultant;west;;;no;;;")

    await send(routing, "boss;GM1916;work_consultant;;;;;;;", "els;GM1916;work_consultant;;;;;;;")

    boss, els = await person(routing, "boss"), await person(routing, "els")
    assert (boss["team"], boss["manages"], boss["hoursPerWeek"]) == (None, [], 24)
    assert els["active"] is False


async def test_who_is_new_has_something_to_do(routing: Routing) -> None:
    answer = await send(routing, "els;GM1916;24", header="id;municipalities;hours")
    assert refused(answer) == {(2, "")}
    assert "names no roles" in answer.text
    assert (await send(routing, "els;GM1916;work_consultant", header="id;municipalities;roles")).is_success
    els = await person(routing, "els")
    assert (els["hoursPerWeek"], els["active"], els["team"]) == (36, True, None)
    cleared = await send(routing, "els;GM1916;", header="id;municipalities;roles")
    assert refused(cleared) == {(2, "")}


async def test_an_absence_keeps_what_the_file_has_no_column_for(routing: Routing) -> None:
    await send(routing, *TOWN)
    before = await everything(routing)
    for columns, cells in (("absent_from", "2021-09-01"), ("absent_from;deputy", "2021-09-01;piet")):
        answer = await send(routing, f"els;GM1916 GM0626;{cells}", header=f"id;municipalities;{columns}")
        assert (answer.status_code, answer.json().get("absences")) == (201, 0), answer.text
    assert await everything(routing) == before
