"""A caseworker's day: what stands on a work list, for whom, in which order and why (ROU-17)."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis.clock import morning_of
from chassis.ids import new_id
from contracts import Event
from contracts.diagnosis import AssessmentCompleted
from contracts.intake import (
    ApplicationWithdrawn,
    ClientDeceased,
    InformationSessionDue,
    InformationSessionHeld,
    IntakeDue,
    IntakeHeld,
    IntegrationPlanDue,
    IntegrationPlanMade,
    LanguageTestDue,
    LanguageTestTaken,
    TermSet,
)
from contracts.partners import ReferralOverdue, ReferralSent
from contracts.routing import InstrumentDue, ReferralRequested

if TYPE_CHECKING:
    from tests.conftest import Routing

HEARD: dict[str, Any] = {"occurred_on": date(2021, 9, 1), "by": "staff:s-1"}
ID = new_id()
pytestmark = [pytest.mark.requirement("ROU-17")]

Shown = list[dict[str, Any]]


async def worklist(routing: Routing, *, sub: str | None = "s-1", roles: tuple[str, ...] = (), **query: Any) -> Shown:
    """A whole work list, page by page; by default the municipality's, as its team manager."""
    headers = routing.token(*roles, sub=sub)
    answer = await routing.get("/worklist", headers=headers, **{"scope": "municipality", **query})
    found: Shown = []
    while True:
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if "next" not in answer.links:
            return found
        answer = await routing.service.http.get(answer.links["next"]["url"], headers=headers)


def kinds(found: Shown) -> list[tuple[str, str]]:
    return [(each["kind"], each["reason"]) for each in found]


async def test_what_is_due_becomes_overdue_by_the_day_alone_and_goes_when_it_is_done(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    [item] = await worklist(routing, clientId=str(client))
    assert (item["kind"], item["reason"], item["overdue"]) == ("due", "first_conversation", False)
    due = date.fromisoformat(item["dueOn"])
    routing.service.clock.restore(morning_of(due))
    assert kinds(await worklist(routing)) == [("due", "first_conversation")]
    routing.service.clock.restore(morning_of(due + timedelta(days=3)))  # and nothing was swept
    [late] = await worklist(routing)
    assert (late["kind"], late["overdue"]) == ("overdue", True)
    assert late["why"].endswith(" Dat is 3 dagen te laat.")
    await routing.move_to(due + timedelta(days=4))
    [fired] = await worklist(routing, kind="overdue")
    assert fired["id"] == late["id"], "a deadline that fired is the same piece of work"
    assert await worklist(routing, kind="due") == []
    await routing.done(f"/clients/{client}/conversations", {"kind": "face_to_face"})
    assert kinds(await worklist(routing)) == [("due", "review")]


@pytest.mark.requirement("ROU-6")
async def test_a_telephone_call_leaves_the_review_that_is_due_on_the_list(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    await routing.done(f"/clients/{client}/conversations", {"kind": "telephone"})
    assert kinds(await worklist(routing)) == [("due", "first_conversation")]
    await routing.done(f"/clients/{client}/conversations", {"kind": "face_to_face", "option": 4})
    due = await routing.due_on(client, "review")
    assert due is not None
    await routing.move_to(date.fromisoformat(due) + timedelta(days=1))
    for kind in ("telephone", "home_visit", "face_to_face"):
        await routing.done(f"/clients/{client}/conversations", {"kind": kind})
        assert kinds(await worklist(routing)) == [("overdue", "review")], kind
    wrong = await routing.done(f"/clients/{client}/conversations", {"kind": "review"})
    assert kinds(await worklist(routing)) == [("due", "review")]
    right = {"kind": "telephone", "faceToFace": False, "heldOn": routing.today.isoformat(), "reason": "Was telefonisch"}
    await routing.done(f"/conversations/{wrong['id']}/corrections", right)
    assert kinds(await worklist(routing)) == [("overdue", "review")]


async def test_a_handover_is_first_due_then_handed_to_who_receives_then_with_a_new_caseworker(
    routing: Routing,
) -> None:
    await routing.staff()
    client = await routing.client()
    await routing.hear(client, routing.categorised("3A", "participation"))
    assert ("due", "handover") in kinds(await worklist(routing, sub="work-1", scope="me"))
    await routing.done(f"/handovers/{(await routing.handover(client))['id']}/preparations", {"note": "Warm"})
    [received] = await worklist(routing, sub="income-1", scope="me", kind="handed_over")
    assert (received["reason"], received["role"], received["dueOn"]) == (
        "acceptance", "income_consultant", "2021-09-15",
    )  # fmt: skip
    assert {"accept", "return"} < {each["rel"] for each in received["links"]}
    assert "acceptance" not in [reason for _, reason in kinds(await worklist(routing, sub="work-1", scope="me"))]
    await routing.done(f"/handovers/{(await routing.handover(client))['id']}/acceptances")
    assert await worklist(routing, sub="work-1", scope="me") == []
    mine = await worklist(routing, sub="income-1", scope="me")
    assert ("handed_over", "first_meeting") in kinds(mine)
    await routing.done(f"/clients/{client}/conversations", {"kind": "face_to_face"})
    assert kinds(await worklist(routing, sub="income-1", scope="me")) == [("due", "review")]


async def test_a_handover_does_not_stand_with_who_gives_the_client_and_offers_a_call_only_to_who_may(
    routing: Routing,
) -> None:
    both = ["work_consultant", "income_consultant"]
    await routing.done("/staff", {"id": "giver", "municipalities": ["GM1916"], "roles": both, "team": "west"})
    client = await routing.client()
    for name, roles, team in (("one", ["work_consultant"], "west"), ("other", both, "east")):
        await routing.done("/staff", {"id": name, "municipalities": ["GM1916"], "roles": roles, "team": team})
    await routing.hear(client, routing.categorised("3A", "participation"))
    gives = routing.token("caseworker", sub="giver")
    due = (await routing.get(f"/clients/{client}/journey", headers=gives)).json()["handovers"][-1]
    await routing.done(f"/handovers/{due['id']}/preparations", {"note": "Warm"}, headers=gives)

    async def handed(sub: str, scope: str) -> list[set[str]]:
        found = await worklist(routing, sub=sub, scope=scope, roles=("caseworker",), kind="handed_over")
        return [{link["rel"] for link in each["links"]} for each in found]

    everything = {"journey", "accept", "return"}
    for scope in ("me", "team"):
        assert await handed("giver", scope) == []
        assert await handed("other", scope) == [everything]
    assert await handed("one", "me") == []
    manager = routing.token("team_manager", sub="other")
    whole = await routing.get("/worklist", headers=manager, scope="municipality", kind="handed_over")
    assert {link["rel"] for link in whole.json()["items"][0]["links"]} == everything


async def test_who_gets_a_leavers_client_has_them_handed_over_until_they_meet(routing: Routing) -> None:
    await routing.staff(anna=["income_consultant"])
    client = await routing.client("3A", "participation")
    await routing.staff(bert=["income_consultant"])
    await routing.move_to(routing.today + timedelta(days=1))
    leaving = {"municipality": "GM1916", "note": "Belt liever dan dat hij schrijft", "to": ["bert"]}
    await routing.done("/staff/anna/transfers", leaving)
    [handed] = await worklist(routing, sub="bert", scope="me", kind="handed_over")
    assert (handed["clientId"], handed["reason"]) == (str(client), "first_meeting")
    assert "conversation" in {each["rel"] for each in handed["links"]}
    assert [each["note"] for each in (await routing.journey(client))["transfers"]] == [leaving["note"]]
    assert await worklist(routing, sub="anna", scope="me", roles=("caseworker",)) == []
    await routing.done(f"/clients/{client}/conversations", {"kind": "face_to_face"})
    assert await worklist(routing, sub="bert", scope="me", kind="handed_over") == []


async def test_what_waits_for_a_manager_stands_on_the_managers_own_list(routing: Routing) -> None:
    people: dict[str, dict[str, Any]] = {
        "north": {"roles": ["work_consultant"], "team": "north"},
        "south": {"roles": ["work_consultant"], "team": "south"},
        "boss-n": {"roles": [], "manages": ["north"]}, "boss-s": {"roles": [], "manages": ["south"]},
    }  # fmt: skip
    for name, told in people.items():
        await routing.done("/staff", {"id": name, "municipalities": ["GM1916"], **told})

    async def mine(sub: str, *roles: str) -> set[tuple[str, str]]:
        found = await worklist(routing, sub=sub, scope="me", roles=roles or ("team_manager",))
        return {(each["clientId"], each["reason"]) for each in found}

    by_guide: dict[str, str] = {}
    while len(by_guide) < 2:
        client = await routing.client()
        read = await routing.get(f"/clients/{client}/journey", headers=routing.token("front_end", sub=None))
        by_guide[read.json()["caseworkerId"]] = str(client)
        body = {"route": "focus_op_werk"}
        await routing.done(f"/clients/{client}/routes", body, headers=routing.token("front_end", sub=None))
    assert await mine("boss-n") == await mine("boss-s") == set()

    nobody = str(await routing.client("3A", "participation"))
    waits = {(nobody, "caseworker"), (nobody, "first_conversation")}
    assert await mine("boss-n") == await mine("boss-s") == waits, "each can see to it that somebody is"
    assert await mine("north", "caseworker") == {(by_guide["north"], "longest_stay")}

    app = routing.token("front_end", sub=None)
    day = {"municipality": "GM1916", "firstDay": routing.today.isoformat()}
    await routing.done("/absences", {**day, "staffId": "north"}, headers=app)
    assert await mine("boss-n") == {*waits, (by_guide["north"], "longest_stay")}
    assert await mine("boss-s") == waits
    assert await mine("north", "caseworker") == {(by_guide["north"], "longest_stay")}


async def test_a_handover_that_nobody_accepts_in_time_stands_on_the_own_list_of_both_managers(
    routing: Routing,
) -> None:
    people: dict[str, dict[str, Any]] = {
        "gives": {"roles": ["work_consultant"], "team": "west"}, "west-boss": {"roles": [], "manages": ["west"]},
        "receives": {"roles": ["income_consultant"], "team": "east"}, "east-boss": {"roles": [], "manages": ["east"]},
        "north-boss": {"roles": [], "manages": ["north"]},
    }  # fmt: skip
    for name, told in people.items():
        await routing.done("/staff", {"id": name, "municipalities": ["GM1916"], **told})
    client = await routing.client()
    await routing.hear(client, routing.categorised("3A", "participation"))
    gives = routing.token("caseworker", sub="gives")
    due = (await routing.get(f"/clients/{client}/journey", headers=gives)).json()["handovers"][-1]
    await routing.done(f"/handovers/{due['id']}/preparations", {"note": "Warm"}, headers=gives)

    async def with_managers() -> list[str]:
        bosses = ("west-boss", "east-boss", "north-boss")
        lists = [await worklist(routing, sub=each, scope="me", roles=("team_manager",)) for each in bosses]
        return [
            name for name, found in zip(bosses, lists, strict=True) if ("handed_over", "acceptance") in kinds(found)
        ]

    await routing.move_to(date(2021, 9, 15))
    assert await with_managers() == []
    await routing.move_to(date(2021, 9, 16))
    assert await with_managers() == ["west-boss", "east-boss"]


async def test_a_town_without_teams_is_one_team_on_the_work_list_too(routing: Routing) -> None:
    await routing.staff(anna=["income_consultant"], bert=["work_consultant"])
    client = await routing.client("3A", "participation")
    [item] = await worklist(routing, sub="bert", scope="team", roles=("caseworker",))
    assert item["clientId"] == str(client)
    assert await worklist(routing, sub="bert", scope="me", roles=("caseworker",)) == []
    away = {"municipality": "GM1916", "staffId": "anna", "firstDay": routing.today.isoformat()}
    await routing.done("/absences", away)
    assert [each["id"] for each in await worklist(routing, sub="bert", scope="me", roles=("team_manager",))] == [
        item["id"]
    ], "who is away without deputy or team is their managers'"


async def test_a_referral_waits_last_until_the_partner_lets_its_time_pass(routing: Routing) -> None:
    await routing.staff("GM0451")
    client = await routing.client("40-70", municipality="GM0451", prospect_of_work=True)
    asked = (await routing.said(ReferralRequested, client))[0].data
    told: dict[str, Any] = {"referral_id": asked.referral_id, "partner": asked.partner, "by": "clock"}
    [waits] = await worklist(routing, kind="waiting_for_partner")
    assert (waits["urgentOn"], [each["rel"] for each in waits["links"]]) == ("9999-12-31", ["journey"])
    await routing.hear(client, ReferralSent(occurred_on=routing.today, **told), municipality="GM0451")
    day = routing.today - timedelta(days=1)
    overdue = ReferralOverdue(occurred_on=routing.today, step="acknowledge", due_on=day, **told)
    await routing.hear(client, overdue, municipality="GM0451")
    [late] = await worklist(routing, kind="waiting_for_partner")
    assert (late["dueOn"], late["overdue"], late["id"]) == (day.isoformat(), True, waits["id"])


async def test_nobody_is_unassigned_unseen(routing: Routing) -> None:
    client = await routing.client()
    [item] = await worklist(routing, kind="without_caseworker")
    assert (item["clientId"], item["role"], item["caseworkerId"]) == (str(client), "work_consultant", None)
    assert [each["id"] for each in await worklist(routing, scope="team", roles=("caseworker",))] == [item["id"]]
    await routing.staff()
    assert await worklist(routing, kind="without_caseworker") == []


async def test_a_proposal_waits_until_somebody_decides(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    completed = AssessmentCompleted(occurred_on=routing.today, by="staff:s-2", assessment_id=client)
    await routing.hear(client, completed)
    [item] = await worklist(routing, sub="work-1", scope="me", kind="to_confirm")
    assert item["reason"] == "proposal"
    await routing.hear(client, routing.categorised("1B", "reintegration", confirmed="reconfirmed"))
    assert await worklist(routing, kind="to_confirm") == []


async def test_who_died_vanishes_from_every_list(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    await routing.hear(client, AssessmentCompleted(occurred_on=routing.today, by="staff:s-2", assessment_id=client))
    assert len(await worklist(routing)) == 2
    await routing.hear(client, ClientDeceased(occurred_on=routing.today, by="app:front-end"))
    assert await worklist(routing) == []


async def test_after_an_exit_to_work_only_the_allowances_check_is_left(routing: Routing) -> None:
    routing.service.clock.restore(morning_of(date(2024, 2, 1)))
    await routing.staff("GM0626")
    client = await routing.client(municipality="GM0626")
    made = await routing.done(f"/clients/{client}/exits", {"reason": "work"})
    assert kinds(await worklist(routing)) == [("due", "allowances_check")]
    await routing.done(f"/exits/{made['id']}/allowances-checks")
    assert await worklist(routing) == []


async def test_each_sees_their_own_and_stands_in_and_a_team_sees_its_own(routing: Routing) -> None:
    for name, team, manages in (("anna", "north", []), ("bert", "north", []), ("cees", "south", ["north"])):
        body = {"id": name, "municipalities": ["GM1916"], "roles": ["income_consultant"], "team": team}
        await routing.done("/staff", {**body, "manages": manages})
    clients = [await routing.client("3A", "participation") for _ in range(3)]
    of = {name: await worklist(routing, sub=name, scope="me") for name in ("anna", "bert", "cees")}
    assert {each["clientId"] for found in of.values() for each in found} == {str(each) for each in clients}
    assert all([each["caseworkerId"] for each in found] == [name] for name, found in of.items())

    async def names(sub: str, **query: Any) -> set[str]:
        return {each["caseworkerId"] for each in await worklist(routing, sub=sub, **query)}

    assert await names("anna", scope="team") == {"anna", "bert"}
    assert await names("cees", scope="team") == {"anna", "bert", "cees"}
    away = {"municipality": "GM1916", "staffId": "anna", "firstDay": routing.today.isoformat()}
    await routing.done("/absences", {**away, "lastDay": None, "deputyId": "bert"})
    assert await names("bert", scope="me") == {"anna", "bert"}


async def test_another_municipality_and_another_role_see_nothing(routing: Routing) -> None:
    await routing.staff()
    await routing.client("3A", "participation")
    elsewhere = routing.token("team_manager", municipalities=["GM0626"])
    for path in ("/worklist", "/worklist/counts"):
        refused = await routing.get(path, headers=elsewhere, scope="municipality", municipality="GM1916")
        assert refused.status_code == 403
        caseworker = routing.token("caseworker")
        assert (await routing.get(path, headers=caseworker, scope="municipality")).status_code == 403
        app = routing.token("front_end", sub=None)
        assert (await routing.get(path, headers=app, scope="me")).status_code == 403
    assert (await routing.get("/worklist", headers=elsewhere, scope="municipality")).json() == {"items": []}


async def test_pages_and_counts_tell_the_same_work_in_one_order(routing: Routing) -> None:
    await routing.staff()
    for _ in range(4):
        await routing.client("3A", "participation")
        await routing.client()
    await routing.move_to(routing.today + timedelta(days=2))
    await routing.client("3A", "participation")
    whole = await worklist(routing)
    assert await worklist(routing, limit=2) == whole
    assert [(each["urgentOn"], UUID(each["id"])) for each in whole] == sorted(
        (each["urgentOn"], UUID(each["id"])) for each in whole
    )
    counted = (await routing.get("/worklist/counts", scope="municipality")).json()["items"]
    told = {each["kind"]: each["count"] for each in counted}
    assert told == {kind: sum(each["kind"] == kind for each in whole) for kind in told}
    assert sum(told.values()) == len(whole) == 5
    before = (date.fromisoformat(whole[0]["dueOn"]) + timedelta(days=1)).isoformat()
    assert len(await worklist(routing, dueBefore=before)) == 4


async def of_all_kinds(routing: Routing, chance: random.Random) -> list[UUID]:
    """Clients with something of every kind, some of it late."""
    for name, role in (("anna", "income_consultant"), ("bert", "work_consultant")):
        await routing.done("/staff", {"id": name, "municipalities": ["GM1916"], "roles": [role], "team": "north"})
    app = routing.token("front_end", sub=None)
    clients = [await routing.client("3A", "participation") for _ in range(4)]
    for _ in range(4):
        client = await routing.client()
        await routing.hear(client, routing.categorised("3A", "participation"))
        due = (await routing.get(f"/clients/{client}/journey", headers=app)).json()["handovers"][-1]
        if chance.random() < 0.8:
            await routing.done(f"/handovers/{due['id']}/preparations", {"note": "Warm"}, headers=app)
        clients.append(client)
    for _ in range(3):
        client = await routing.client("1B", "reintegration")
        await routing.hear(client, AssessmentCompleted(occurred_on=routing.today, by="staff:s-2", assessment_id=client))
        await routing.done(f"/clients/{client}/conversations", {"kind": "telephone", "option": None}, headers=app)
        clients.append(client)
    for _ in range(3):
        client = clients[chance.randrange(4)]
        talk = {"kind": "face_to_face", "option": chance.choice([1, 2, 3])}
        await routing.done(f"/clients/{client}/conversations", talk, headers=app)
        asked = (await routing.said(ReferralRequested, client))[-1].data
        told: dict[str, Any] = {"referral_id": asked.referral_id, "partner": asked.partner, "by": "clock"}
        await routing.hear(client, ReferralSent(occurred_on=routing.today, **told))
        if chance.random() < 0.7:
            late = ReferralOverdue(occurred_on=routing.today, step="acknowledge", due_on=routing.today, **told)
            await routing.hear(client, late)
    clients.append(await routing.client("2A", "participation"))
    clients.append(await routing.client("2B", "reintegration", indications=("job_agreement",)))
    return clients


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_asked_the_counts_are_what_the_list_pages_through(routing: Routing, seed: int) -> None:
    chance = random.Random(seed)
    clients = await of_all_kinds(routing, chance)
    seen = set[tuple[str, bool]]()
    for days in (0, 3, 20, 400):
        routing.service.clock.restore(morning_of(date(2021, 9, 1) + timedelta(days=days)))
        for _ in range(6):
            filters = {
                "dueBefore": (routing.today + timedelta(days=chance.randint(-20, 300))).isoformat(),
                "role": chance.choice(["income_consultant", "work_consultant"]),
                "clientId": str(chance.choice(clients)),
            }
            asked: dict[str, Any] = {name: each for name, each in filters.items() if chance.random() < 0.25}
            asked["scope"] = chance.choice(["me", "team", "municipality"])
            sub = chance.choice(["anna", "bert", "boss"])
            whole = await worklist(routing, sub=sub, **asked)
            counts = await routing.get("/worklist/counts", headers=routing.token(sub=sub), **asked)
            for counted in counts.json()["items"]:
                of_kind = await worklist(routing, sub=sub, kind=counted["kind"], limit=3, **asked)
                assert counted == {"kind": counted["kind"], "count": len(of_kind), "more": False}
                if counted["kind"] == "overdue":
                    assert of_kind == [each for each in whole if each["overdue"]]
                else:
                    assert of_kind == [each for each in whole if each["kind"] == counted["kind"]]
            seen |= {(each["kind"], each["overdue"]) for each in whole}
    late = {("overdue", True), ("handed_over", True), ("waiting_for_partner", True)}
    assert seen >= late | {("due", False), ("to_confirm", False), ("without_caseworker", False), ("handed_over", False)}


async def test_an_instrument_stands_until_it_ends_and_one_that_goes_on_is_looked_at_again(routing: Routing) -> None:
    routing.service.clock.restore(morning_of(date(2024, 2, 1)))
    await routing.staff("GM0626")
    client = await routing.client(municipality="GM0626")
    body = {"instrument": "ips", "goal": "work", "facts": {"mental_health_problems": True}}
    use = (await routing.done(f"/clients/{client}/instruments", body))["id"]
    assert kinds(await worklist(routing)) == [("due", "usual_use"), ("due", "longest_use")]
    [usual, longest] = await worklist(routing)
    assert (usual["dueOn"], longest["dueOn"]) == ("2026-02-01", "2027-02-01")
    await routing.move_to(date(2026, 2, 3))
    assert kinds(await worklist(routing)) == [("overdue", "usual_use"), ("due", "longest_use")]
    too_long = await routing.post(f"/instruments/{use}/extensions", {"until": "2027-02-02", "reason": "Gaat goed"})
    assert (too_long.status_code, too_long.json()["errors"][0]["pointer"]) == (400, "#/until")
    for until in ("2026-08-01", "2026-06-01"):
        await routing.done(f"/instruments/{use}/extensions", {"until": until, "reason": "Gaat goed"})
    [again, _] = await worklist(routing)
    assert (again["kind"], again["dueOn"], again["id"]) == ("due", "2026-06-01", usual["id"])
    await routing.move_to(date(2026, 6, 1))
    told = [each.data for each in await routing.said(InstrumentDue, client)]
    assert [(each.kind, each.due_on.isoformat()) for each in told] == [
        ("usual_use", "2026-02-01"), ("usual_use", "2026-06-01"),
    ]  # fmt: skip
    await routing.done(f"/instruments/{use}/ends")
    assert await worklist(routing) == []
    refused = await routing.post(f"/instruments/{use}/extensions", {"until": "2026-08-01", "reason": "Gaat goed"})
    assert refused.status_code == 409


async def test_an_agreement_is_asked_about_from_the_day_after_its_day_until_it_is_answered(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client()
    body = {"agreed": "Levert de papieren in", "dueOn": (routing.today + timedelta(days=7)).isoformat()}
    made = [(await routing.done(f"/clients/{client}/agreements", body))["id"] for _ in range(4)]
    await routing.done(f"/agreements/{made[0]}/fulfilments")
    await routing.move_to(routing.today + timedelta(days=7))
    assert await worklist(routing) == [], "on the day itself it can still be kept"
    await routing.move_to(routing.today + timedelta(days=1))
    found = await worklist(routing, sub="work-1", scope="me", kind="to_confirm")
    assert [each["reason"] for each in found] == ["agreement"] * 3
    assert {each["why"] for each in found} == {
        "Een afspraak met de klant liep tot en met 08-09-2021. Is die nagekomen?"
    }
    assert {each["rel"] for each in found[0]["links"]} == {"journey", "kept", "missed", "extend"}
    await routing.done(f"/agreements/{made[1]}/misses")
    await routing.done(f"/agreements/{made[2]}/extensions", {"dueOn": (routing.today + timedelta(days=3)).isoformat()})
    await routing.done(f"/agreements/{made[3]}/fulfilments")
    assert kinds(await worklist(routing)) == [("to_confirm", "ladder_step")]
    await routing.done(f"/agreements/{made[1]}/reversals", {"reason": "Had zich afgemeld"})
    await routing.move_to(routing.today + timedelta(days=1))
    assert kinds(await worklist(routing)) == [("to_confirm", "agreement")], "it is open again, and its day has passed"
    left = await routing.done(f"/clients/{client}/exits", {"reason": "other"})
    assert await worklist(routing) == []
    await routing.done(f"/exits/{left['id']}/reversals", {"reason": "De verkeerde klant"})
    await routing.move_to(routing.today + timedelta(days=3))
    assert kinds(await worklist(routing)) == [("to_confirm", "agreement")] * 2, "and the one that went on as well"


AT_INTAKE: list[tuple[str, type[Event], Event]] = [
    ("information_session", InformationSessionDue, InformationSessionHeld(**HEARD, session_id=ID, attended=True)),
    ("information_session", InformationSessionDue, ApplicationWithdrawn(**HEARD, application_id=ID)),
    ("intake", IntakeDue, IntakeHeld(**HEARD, intake_id=ID)),
    ("language_test", LanguageTestDue, LanguageTestTaken(**HEARD, passed=True)),
    ("integration_plan", IntegrationPlanDue, IntegrationPlanMade(**HEARD, plan_id=ID)),
]


@pytest.mark.parametrize(("kind", "due", "done"), AT_INTAKE, ids=lambda each: getattr(each, "__name__", ""))
async def test_what_intake_waits_for_stands_on_the_list_until_it_is_done(
    routing: Routing, kind: str, due: type[Event], done: Event
) -> None:
    client = new_id()
    await routing.hear(client, routing.registered())
    before, last = (routing.today - timedelta(days=days) for days in (3, 1))
    for day in (before, last):  # it was due before, and is so anew
        await routing.hear(client, due.model_validate({"occurred_on": day, "by": "clock", "due_on": day}))
    assert await worklist(routing, sub="work-1", scope="me", roles=("caseworker",)) == []
    [item] = await worklist(routing, sub="work-1", scope="team", roles=("caseworker",))
    assert (item["kind"], item["reason"], item["dueOn"]) == ("overdue", kind, last.isoformat())
    assert item["caseworkerId"] is None, "who has no caseworker yet is the team's"
    await routing.hear(client, InformationSessionHeld(**HEARD, session_id=ID, attended=False))
    assert len(await worklist(routing)) == 1, "who stayed away is still to come"
    await routing.hear(client, done)
    assert await worklist(routing) == []


@pytest.mark.parametrize(("kind", "due", "done"), AT_INTAKE, ids=lambda each: getattr(each, "__name__", ""))
async def test_what_intake_waits_for_stands_on_the_list_from_the_first_day_of_its_term(
    routing: Routing, kind: str, due: type[Event], done: Event
) -> None:
    client = new_id()
    first, moved = (routing.today + timedelta(days=days) for days in (7, 14))
    begins = {"occurred_on": routing.today, "by": "clock", "kind": kind}
    await routing.hear(client, routing.registered(), TermSet.model_validate({**begins, "due_on": first}))
    [item] = await worklist(routing, sub="work-1", scope="team", roles=("caseworker",))
    assert (item["kind"], item["reason"], item["since"]) == ("due", kind, routing.today.isoformat())
    assert item["dueOn"] == first.isoformat()
    await routing.hear(client, TermSet.model_validate({**begins, "due_on": moved}))
    [shifted] = await worklist(routing)
    assert shifted["dueOn"] == moved.isoformat(), "the term was reckoned anew"
    await routing.move_to(moved)
    await routing.hear(client, due.model_validate({"occurred_on": moved, "by": "clock", "due_on": moved}))
    [fired] = await worklist(routing)
    assert fired["id"] == shifted["id"], "on its last day it is the same piece of work"
    await routing.hear(client, done)
    assert await worklist(routing) == []
    await routing.hear(client, TermSet.model_validate({**begins, "due_on": moved}))
    await routing.hear(client, TermSet.model_validate(begins))
    assert await worklist(routing) == [], "nobody waits for it any more"
