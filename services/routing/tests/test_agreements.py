"""Conversations that build on each other's agreements, the ladder, and corrections of both."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chassis.clock import morning_of
from chassis.ids import new_id
from contracts.intake import CaseImported
from contracts.routing import (
    AgreementCancelled,
    AgreementMissed,
    AgreementReopened,
    ConversationCancelled,
    ConversationHeld,
    LadderStepTaken,
    ParticipationRecorded,
    PartTimeWorkEnded,
    PartTimeWorkRecorded,
    ReferralWithdrawn,
)

if TYPE_CHECKING:
    from tests.conftest import Routing

    from policy import Library

PIJNACKER = "GM1926"
SAID = dict.fromkeys(("work", "income", "housing", "health", "network", "learning"), "Gaat beter")
MEASURE = {"ground": "Kwam niet", "percentage": 20, "startsOn": "2021-10-01", "endsOn": "2021-10-31"}


async def talk(routing: Routing, client: UUID, **said: Any) -> dict[str, Any]:
    return await routing.done(f"/clients/{client}/conversations", {"kind": "fip", "areas": SAID, **said})


async def agreed(routing: Routing, client: UUID, state: str | None = None) -> list[dict[str, Any]]:
    path = f"/clients/{client}/agreements"
    answer = await (routing.get(path, state=state) if state else routing.get(path))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def broken(routing: Routing, client: UUID) -> dict[str, Any]:
    made = await routing.done(f"/clients/{client}/agreements", {"agreed": "Komt dinsdag"})
    return await routing.done(f"/agreements/{made['id']}/misses")


async def follow_up(routing: Routing, client: UUID) -> list[dict[str, Any]]:
    """The steps of the ladder that stand on the work list."""
    answer = await routing.get("/worklist", scope="municipality", clientId=str(client), kind="to_confirm")
    return [each for each in answer.json()["items"] if each["reason"] == "ladder_step"]


@pytest.fixture
async def client(routing: Routing) -> UUID:
    await routing.staff(PIJNACKER)
    return await routing.client("werken-aan", municipality=PIJNACKER)


@pytest.mark.requirement("ROU-8")
async def test_a_conversation_answers_what_the_former_left_open(routing: Routing, client: UUID) -> None:
    await talk(
        routing, client,
        agreements=[
            {"agreed": "Belt de schuldhulp", "area": "income", "dueOn": "2021-10-01"},
            {"agreed": "Schrijft zich in voor Nederlands", "area": "learning"},
        ],
    )  # fmt: skip
    debts, lessons = await agreed(routing, client, "open")
    assert (debts["area"], debts["dueOn"], debts["state"]) == ("income", "2021-10-01", "open")

    silent = await routing.post(f"/clients/{client}/conversations", {"kind": "fip", "areas": SAID})
    assert silent.status_code == 400
    assert [each["pointer"] for each in silent.json()["errors"]] == ["#/answers", "#/answers"]

    second = await talk(
        routing, client,
        answers=[
            {"agreementId": debts["id"], "outcome": "kept"},
            {"agreementId": lessons["id"], "outcome": "goes_on", "dueOn": "2021-12-01"},
        ],
    )  # fmt: skip
    [goes_on] = await agreed(routing, client, "open")
    assert (goes_on["continuesId"], goes_on["dueOn"], goes_on["area"]) == (lessons["id"], "2021-12-01", "learning")
    assert goes_on["conversationId"] == second["id"]
    assert [each["state"] for each in await agreed(routing, client)] == ["kept", "continued", "open"]


@pytest.mark.requirement("ROU-8")
async def test_all_that_is_wrong_with_a_conversation_is_said_at_once(routing: Routing, client: UUID) -> None:
    made = await routing.done(f"/clients/{client}/agreements", {"agreed": "Komt dinsdag"})
    body = {
        "kind": "fip",
        "areas": {"work": "", "money": ""},
        "agreements": [{"agreed": "Iets", "area": "leisure", "dueOn": "2021-08-01"}],
        "answers": [
            {"agreementId": str(client), "outcome": "kept"},
            {"agreementId": made["id"], "outcome": "kept"},
            {"agreementId": made["id"], "outcome": "goes_on", "dueOn": "2021-08-01"},
        ],
    }
    refused = await routing.post(f"/clients/{client}/conversations", body)
    assert sorted(each["pointer"] for each in refused.json()["errors"]) == [
        "#/agreements/0/area", "#/agreements/0/dueOn", "#/answers/0/agreementId", "#/answers/2/agreementId",
        "#/answers/2/dueOn", *["#/areas"] * 5, "#/areas/money",
    ]  # fmt: skip
    elsewhere = await routing.client("3A", "participation")
    refused = await routing.post(f"/clients/{elsewhere}/conversations", {"kind": "fip", "areas": {"work": ""}})
    assert [each["pointer"] for each in refused.json()["errors"]] == ["#/kind", "#/areas/work"]


@pytest.mark.requirement("ROU-12")
async def test_no_rung_is_skipped_and_each_follows_a_new_miss(routing: Routing, client: UUID) -> None:
    first = await broken(routing, client)
    assert (await broken(routing, client))["step"] == first["step"] == "talk"
    skipped = await routing.post(f"/agreements/{first['id']}/steps", {"step": "influence"})
    assert (skipped.status_code, skipped.json()["next"]) == (409, "talk")
    assert "Gesprek over eigen keuzes" in skipped.json()["detail"]
    too_early = await routing.post(f"/clients/{client}/measures", MEASURE)
    assert "Gesprek over eigen keuzes, then Beïnvloeden" in too_early.json()["detail"]

    await routing.done(f"/agreements/{first['id']}/steps", {"step": "talk"})
    second = await broken(routing, client)
    await routing.done(f"/agreements/{second['id']}/steps", {"step": "influence"})
    too_early = await routing.post(f"/clients/{client}/measures", MEASURE)
    assert "since the last step" in too_early.json()["detail"]

    third = await broken(routing, client)
    assert third["step"] == "measure"
    assert (await routing.done(f"/clients/{client}/measures", MEASURE))["agreementId"] == third["id"]
    assert (await routing.post(f"/clients/{client}/measures", MEASURE)).status_code == 409
    assert [each.data.step for each in await routing.said(LadderStepTaken, client)] == ["talk", "influence"]
    assert (await routing.post(f"/agreements/{third['id']}/reversals", {"reason": "Toch niet"})).status_code == 409


@pytest.mark.requirement("ROU-19")
async def test_a_miss_taken_back_lowers_the_rung_that_follows(routing: Routing, client: UUID) -> None:
    first = await broken(routing, client)
    await routing.done(f"/agreements/{first['id']}/steps", {"step": "talk"})
    second = await broken(routing, client)
    assert second["step"] == "influence"
    again = await routing.done(f"/agreements/{first['id']}/reversals", {"reason": "Was afgebeld"})
    assert (again["state"], again["step"]) == ("open", None)
    assert [each["step"] for each in await agreed(routing, client, "missed")] == ["talk"]
    said = await routing.said(AgreementMissed, client)
    assert [(each.data.step, each.data.corrects is not None) for each in said] == [
        ("talk", False), ("influence", False), ("talk", True),
    ]  # fmt: skip
    assert len(await routing.said(AgreementReopened, client)) == 1


@pytest.mark.requirement("ROU-19")
async def test_an_agreement_is_corrected_and_not_edited(routing: Routing, client: UUID) -> None:
    missed = await broken(routing, client)
    body = {"agreed": "Komt woensdag", "dueOn": "2021-09-08", "reason": "De verkeerde dag"}
    right = await routing.done(f"/agreements/{missed['id']}/corrections", body)
    assert (right["correctsId"], right["state"], right["step"]) == (missed["id"], "missed", "talk")
    assert [each["state"] for each in await agreed(routing, client)] == ["corrected", "missed"]
    assert (await routing.post(f"/agreements/{missed['id']}/corrections", body)).status_code == 409
    assert (await routing.post(f"/agreements/{missed['id']}/steps", {"step": "talk"})).status_code == 409


@pytest.mark.requirement("ROU-19", "ROU-15")
async def test_a_corrected_conversation_moves_the_terms_and_what_it_led_to(routing: Routing) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    await routing.move_to(date(2021, 10, 1))
    held = await routing.done(f"/clients/{client}/conversations", {"kind": "face_to_face", "option": 1})
    assert await routing.due_on(client, "review") == "2022-10-01"

    body = {"kind": "face_to_face", "heldOn": "2021-09-20", "option": 3, "reason": "De verkeerde dag en optie"}
    right = await routing.done(f"/conversations/{held['id']}/corrections", body)
    assert (right["correctsId"], right["heldOn"]) == (held["id"], "2021-09-20")
    assert await routing.due_on(client, "review") == "2022-09-20"
    referrals = (await routing.journey(client))["referrals"]
    assert [(each["partner"], each["state"]) for each in referrals] == [
        ("sport-en-welzijn", "requested"), ("woej", "withdrawn"),
    ]  # fmt: skip
    said = [each.data for each in await routing.said(ConversationHeld, client)]
    assert [(each.option, each.corrected_option, each.corrects) for each in said] == [
        (1, None, None), (3, 1, UUID(held["id"])),
    ]  # fmt: skip
    assert [each.data.form for each in await routing.said(ParticipationRecorded, client)] == [
        "volunteer", "social_activity",
    ]  # fmt: skip

    await routing.done(f"/conversations/{right['id']}/cancellations", {"reason": "Bij een andere klant"})
    assert await routing.deadline(client, "review") is None
    assert await routing.due_on(client, "first_conversation") == "2022-09-01"
    assert len(await routing.said(ConversationCancelled, client)) == 1
    assert len(await routing.said(ReferralWithdrawn, client)) == 2
    assert (await routing.post(f"/conversations/{held['id']}/corrections", body)).status_code == 409


@pytest.mark.requirement("ROU-19")
async def test_nothing_of_a_conversation_that_never_was_stands(routing: Routing, client: UUID) -> None:
    first = await talk(routing, client, agreements=[{"agreed": "Belt"}, {"agreed": "Schrijft"}])
    calls, writes = await agreed(routing, client)
    second = await talk(
        routing, client,
        answers=[
            {"agreementId": calls["id"], "outcome": "missed"},
            {"agreementId": writes["id"], "outcome": "goes_on"},
        ],
        agreements=[{"agreed": "Leest"}],
    )  # fmt: skip
    await routing.done(f"/conversations/{second['id']}/cancellations", {"reason": "Bij een andere klant"})
    standing = [each for each in await agreed(routing, client) if each["state"] != "corrected"]
    assert [(each["id"], each["state"], each["step"]) for each in standing] == [
        (calls["id"], "open", None), (writes["id"], "open", None),
    ]  # fmt: skip
    assert all(each["conversationId"] == first["id"] for each in standing)
    assert len(await routing.said(AgreementCancelled, client)) == 2


@pytest.mark.requirement("ROU-19", "INT-15")
async def test_a_conversation_from_before_an_import_still_counts_after_a_correction(routing: Routing) -> None:
    await routing.staff()
    client = new_id()
    case = CaseImported(
        occurred_on=routing.today, by="import", category="3A", track="participation",
        categorised_on=date(2021, 1, 4), last_conversation_on=date(2021, 6, 1),
    )  # fmt: skip
    await routing.hear(client, routing.registered(), case)
    before = await routing.due_on(client, "review")
    held = await routing.done(f"/clients/{client}/conversations", {"kind": "review"})
    await routing.done(f"/conversations/{held['id']}/cancellations", {"reason": "Vergissing"})
    assert await routing.due_on(client, "review") == before == "2022-06-01"


@pytest.mark.requirement("ROU-11", "ROU-19")
async def test_part_time_work_is_corrected_and_ended(routing: Routing, client: UUID) -> None:
    job = await routing.done(f"/clients/{client}/part-time-work", {"hoursPerWeek": 12, "incomePerMonth": 480.5})
    body = {"hoursPerWeek": 20, "incomePerMonth": 900, "reason": "Loonstrook"}
    right = await routing.done(f"/part-time-work/{job['id']}/corrections", body)
    assert (right["correctsId"], right["monthFrom"]) == (job["id"], job["monthFrom"])
    await routing.move_to(date(2021, 9, 30))
    ended = await routing.done(f"/part-time-work/{right['id']}/ends")
    assert ended["endedOn"] == "2021-09-30"
    assert (await routing.post(f"/part-time-work/{right['id']}/ends")).status_code == 409
    assert (await routing.post(f"/part-time-work/{job['id']}/ends")).status_code == 409
    said = [each.data for each in await routing.said(PartTimeWorkRecorded, client)]
    assert [(each.hours_band, each.income_band) for each in said] == [("9-16", "251-500"), ("17-24", "751-1000")]
    assert said[1].corrects == said[0].work_id == UUID(job["id"])
    assert [str(each.data.work_id) for each in await routing.said(PartTimeWorkEnded, client)] == [right["id"]]


@pytest.mark.requirement("ROU-12")
@pytest.mark.requirement("ROU-17")
async def test_each_step_of_the_ladder_stands_on_the_work_list_until_it_is_taken(
    routing: Routing, client: UUID
) -> None:
    for step, label in (("talk", "Gesprek over eigen keuzes"), ("influence", "Beïnvloeden met positieve aandacht")):
        made = await broken(routing, client)
        [item] = await follow_up(routing, client)
        assert item["why"] == (
            f"Een afspraak met de klant is niet nagekomen, bleek op {routing.today:%d-%m-%Y}. "
            f"Zet de volgende stap: {label}."
        )
        assert (item["since"], item["dueOn"], item["overdue"]) == (routing.today.isoformat(), None, False)
        assert [each["rel"] for each in item["links"]] == ["journey", "step", "revert"]
        await routing.done(f"/agreements/{made['id']}/steps", {"step": step})
        assert await follow_up(routing, client) == []
    await broken(routing, client)
    [item] = await follow_up(routing, client)
    assert [each["rel"] for each in item["links"]] == ["journey", "measure", "revert"]
    await routing.done(f"/clients/{client}/measures", MEASURE)
    assert await follow_up(routing, client) == []


@pytest.mark.requirement("ROU-17")
async def test_what_was_no_miss_after_all_asks_for_no_step(routing: Routing, client: UUID) -> None:
    reverted, wrong = await broken(routing, client), await broken(routing, client)
    assert len(await follow_up(routing, client)) == 2
    await routing.done(f"/agreements/{reverted['id']}/reversals", {"reason": "Was er wel"})
    right = await routing.done(f"/agreements/{wrong['id']}/corrections", {"agreed": "Belt", "reason": "Niet komen"})
    [item] = await follow_up(routing, client)
    assert item["links"][1]["href"].split("/")[-2] == right["id"], "the correction took over that it was not kept"


@pytest.mark.requirement("ROU-17")
async def test_a_step_waits_while_somebody_has_left_and_is_asked_again_when_that_was_a_mistake(
    routing: Routing, client: UUID
) -> None:
    await broken(routing, client)
    gone = await routing.done(f"/clients/{client}/exits", {"reason": "education"})
    assert await follow_up(routing, client) == []
    await routing.done(f"/exits/{gone['id']}/reversals", {"reason": "Ging niet door"})
    assert len(await follow_up(routing, client)) == 1


@pytest.mark.requirement("ROU-12", "ROU-19")
async def test_what_is_entered_late_is_followed_by_the_rung_of_its_day(routing: Routing, client: UUID) -> None:
    made = [await routing.done(f"/clients/{client}/agreements", {"agreed": each}) for each in ("Belt", "Komt", "Leest")]
    calls, comes, reads = [each["id"] for each in made]
    await routing.move_to(date(2021, 9, 20))
    assert (await routing.done(f"/agreements/{calls}/misses", {"on": "2021-09-06"}))["step"] == "talk"
    assert (await routing.done(f"/agreements/{comes}/misses", {"on": "2021-09-15"}))["step"] == "talk"

    await routing.done(f"/agreements/{calls}/steps", {"step": "talk", "on": "2021-09-10"})

    assert [each["step"] for each in await agreed(routing, client)] == ["talk", "influence", None]
    assert (await routing.done(f"/agreements/{reads}/misses", {"on": "2021-09-08"}))["step"] == "talk"


@pytest.mark.requirement("ROU-17")
async def test_the_step_that_stands_is_the_one_that_follows_now(routing: Routing, client: UUID) -> None:
    first, _ = await broken(routing, client), await broken(routing, client)
    await routing.done(f"/agreements/{first['id']}/steps", {"step": "talk"})
    later = await broken(routing, client)
    asked = {each["why"].rpartition(": ")[2] for each in await follow_up(routing, client)}
    assert asked == {"Gesprek over eigen keuzes.", "Beïnvloeden met positieve aandacht."}
    await routing.done(f"/agreements/{first['id']}/reversals", {"reason": "Was er wel"})
    steps = {each["id"]: each["step"] for each in await agreed(routing, client, "missed")}
    assert steps[later["id"]] == "talk"
    assert all(each["why"].endswith(": Gesprek over eigen keuzes.") for each in await follow_up(routing, client))


@pytest.mark.requirement("ROU-6")
async def test_a_kind_of_conversation_that_policy_does_not_name_is_refused_with_those_that_it_names(
    routing: Routing,
) -> None:
    await routing.staff()
    client = await routing.client("3A", "participation")
    path, agreed = f"/clients/{client}/conversations", [{"agreed": "Belt", "area": "sport"}]
    refused = await routing.post(path, {"kind": "jaarlijks_heronderzoek", "agreements": agreed})
    assert refused.status_code == 400
    assert {each["pointer"]: each["detail"] for each in refused.json()["errors"]}["#/kind"] == (
        "is no kind of conversation in GM1916 on 2021-09-01:"
        " choose from face_to_face, home_visit, telephone, review, other"
    )
    assert len(refused.json()["errors"]) == 2, "all faults at once"
    held = await routing.done(path, {"kind": "review"})
    wrong = {"kind": "herbeoordeling", "heldOn": routing.today.isoformat(), "reason": "Verkeerde soort"}
    refused = await routing.post(f"/conversations/{held['id']}/corrections", wrong)
    assert (refused.status_code, [each["pointer"] for each in refused.json()["errors"]]) == (400, ["#/kind"])
    [standing] = (await routing.journey(client))["conversations"]
    assert (standing["kind"], standing["correctedOn"]) == ("review", None)


def in_which_one_walked_at_first(library: Library, municipality: str) -> Library:
    """The policies, of which the first of a municipality names one more kind of conversation."""
    first, *others = library.packs[municipality]
    participation = first.routing.participation
    assert participation is not None
    kinds = participation.model_copy(update={"kinds": {**participation.kinds, "walk": "Wandeling"}})
    routing = first.routing.model_copy(update={"participation": kinds})
    changed = (first.model_copy(update={"routing": routing}), *others)
    return replace(library, packs={**library.packs, municipality: changed})


@pytest.mark.requirement("ROU-19")
async def test_a_kind_is_of_the_policy_of_the_day_and_stays_when_the_day_is_corrected(routing: Routing) -> None:
    routing.service.clock.restore(morning_of(date(2024, 1, 3)))
    await routing.staff("GM0626")
    client = await routing.client("3A", "participation", municipality="GM0626", on=date(2023, 12, 1))
    path, before = f"/clients/{client}/conversations", "2023-12-31"
    office = routing.service.office
    object.__setattr__(office, "policies", in_which_one_walked_at_first(office.policies, "GM0626"))
    assert (await routing.post(path, {"kind": "walk"})).status_code == 400
    walked = await routing.done(path, {"kind": "walk", "heldOn": before})
    body = {"kind": "walk", "heldOn": "2024-01-02", "reason": "Verkeerde dag"}
    right = await routing.done(f"/conversations/{walked['id']}/corrections", body)
    assert (right["kind"], right["heldOn"]) == ("walk", "2024-01-02")


async def test_where_policy_names_no_kinds_another_conversation_may_be_had(routing: Routing) -> None:
    await routing.staff("GM0451")
    client = await routing.client("40-70", municipality="GM0451")
    await routing.done(f"/clients/{client}/conversations", {"kind": "other"})
    refused = await routing.post(f"/clients/{client}/conversations", {"kind": "review"})
    assert refused.json()["errors"][0]["detail"].endswith("choose from other")
