"""From assessment to category: policy proposes, a named professional decides (DIA-8, DIA-11, DIA-12)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from chassis.ids import new_id
from contracts.diagnosis import AssessmentCompleted, AssessmentInDoubt, ClientCategorised
from contracts.routing import ClientExited

if TYPE_CHECKING:
    from tests.conftest import Diagnosis


@pytest.mark.requirement("DIA-12")
async def test_an_assessment_leads_to_a_proposal_and_to_no_category(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    answer = await diagnosis.post(
        f"/clients/{client}/assessments", {"questionnaire": "diagnose@1", "facts": {"distance_months": 8}}
    )
    assert answer.status_code == 201
    proposal = answer.json()
    assert answer.headers["Location"] == f"/diagnosis/v1/proposals/{proposal['id']}"
    assert (proposal["state"], proposal["status"], proposal["category"], proposal["track"]) == (
        "open", "decided", "1B", "reintegration",
    )  # fmt: skip
    assert proposal["receipt"]["rule"] == "distance-1b"
    assert await diagnosis.types(client) == ["assessment-completed"]
    [completed] = await diagnosis.said(AssessmentCompleted, client)
    assert str(completed.data.assessment_id) == proposal["assessmentId"]
    assert (await diagnosis.standing(client))["category"] is None


@pytest.mark.requirement("DIA-8", "DIA-12", "POL-3")
async def test_a_confirmation_gives_the_category_and_says_it_with_the_receipt(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client(permit_holder=True, age_band="21-26", starting_qualification=False)
    proposal = await diagnosis.assess(client, {"distance_months": 8, "prospect_of_work": True})
    confirmed = await diagnosis.confirm(proposal)
    assert (confirmed["state"], confirmed["decidedCategory"], confirmed["decidedBy"]) == (
        "confirmed",
        "1B",
        "staff:s-1",
    )
    [said] = await diagnosis.said(ClientCategorised, client)
    event = said.data
    assert (event.by, event.occurred_on, event.old_category, event.old_track) == (
        "staff:s-1", date(2024, 2, 1), None, None,
    )  # fmt: skip
    assert event.receipt is not None
    assert str(event.receipt.receipt_id) == proposal["receipt"]["receiptId"]
    assert (event.receipt.pack_id, event.receipt.rule) == ("voorschoten-2024", "distance-1b")
    traits = event.traits
    assert (traits.category, traits.track, traits.basis, traits.confirmed, traits.status) == (
        "1B", "reintegration", "assessment", "changed", "decided",
    )  # fmt: skip
    assert (traits.permit_holder, traits.age_band, traits.starting_qualification, traits.prospect_of_work) == (
        True, "21-26", False, True,
    )  # fmt: skip
    standing = await diagnosis.standing(client)
    assert (standing["status"], standing["category"], standing["since"]) == ("decided", "1B", "2024-02-01")


@pytest.mark.requirement("DIA-8")
async def test_the_same_result_again_is_said_as_reconfirmed(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    await diagnosis.categorised(client, {"distance_months": 8})
    await diagnosis.categorised(client, {"distance_months": 9})
    await diagnosis.categorised(client, {"distance_months": 30})
    said = [each.data for each in await diagnosis.said(ClientCategorised, client)]
    assert [(e.old_category, e.traits.category, e.traits.confirmed) for e in said] == [
        (None, "1B", "changed"), ("1B", "1B", "reconfirmed"), ("1B", "2A", "changed"),
    ]  # fmt: skip
    history = (await diagnosis.standing(client))["history"]
    assert [(each["category"], each["until"]) for each in history] == [
        ("2A", None), ("1B", "2024-02-01"), ("1B", "2024-02-01"),
    ]  # fmt: skip


async def test_nobody_confirms_twice(diagnosis: Diagnosis) -> None:
    proposal = await diagnosis.assess(await diagnosis.client(), {"distance_months": 8})
    await diagnosis.confirm(proposal)
    for path, body in (("confirmations", {}), ("overrides", {"category": "1A", "reason": "toch anders"})):
        answer = await diagnosis.post(f"/proposals/{proposal['id']}/{path}", body)
        assert answer.status_code == 409
        assert "no longer open" in answer.json()["title"]


@pytest.mark.requirement("DIA-12")
async def test_an_application_without_a_person_confirms_nothing(diagnosis: Diagnosis) -> None:
    proposal = await diagnosis.assess(await diagnosis.client(), {"distance_months": 8})
    application = diagnosis.token("caseworker", sub=None)
    answer = await diagnosis.post(f"/proposals/{proposal['id']}/confirmations", {}, headers=application)
    assert answer.status_code == 403
    assert "named professional" in answer.json()["title"]


@pytest.mark.requirement("DIA-11")
async def test_an_override_takes_another_category_with_a_reason_and_no_rule(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, {"distance_months": 8})
    path = f"/proposals/{proposal['id']}/overrides"
    wrong = await diagnosis.post(path, {"category": "9Z", "reason": "x"})
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["pointer"] == "#/category"
    same = await diagnosis.post(path, {"category": "1B", "reason": "x"})
    assert same.status_code == 400
    done = await diagnosis.done(path, {"category": "2A", "reason": "Zorgt voor een zieke moeder"})
    assert (done["state"], done["decidedCategory"], done["overrideReason"]) == (
        "overridden", "2A", "Zorgt voor een zieke moeder",
    )  # fmt: skip
    [said] = await diagnosis.said(ClientCategorised, client)
    assert (said.data.traits.basis, said.data.traits.category, said.data.traits.track) == (
        "override", "2A", "participation",
    )  # fmt: skip
    assert said.data.receipt is not None
    assert said.data.receipt.rule is None
    assert "moeder" not in said.data.model_dump_json()


async def test_facts_without_an_answer_can_only_be_overridden(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, {"can_volunteer": True})
    assert (proposal["status"], proposal["category"]) == ("undecided", None)
    assert (await diagnosis.standing(client))["status"] == "undecided"
    answer = await diagnosis.post(f"/proposals/{proposal['id']}/confirmations", {})
    assert answer.status_code == 409
    await diagnosis.done(f"/proposals/{proposal['id']}/overrides", {"category": "1A", "reason": "Kan zo beginnen"})
    assert (await diagnosis.standing(client))["category"] == "1A"


@pytest.mark.requirement("DIA-7")
async def test_in_doubt_waits_for_a_new_assessment(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, {"distance_months": 8, "in_doubt": True})
    assert (proposal["status"], proposal["category"]) == ("in_doubt", None)
    assert proposal["mayOrder"] == ["learn_work_trial", "medical_assessment"]
    [said] = await diagnosis.said(AssessmentInDoubt, client)
    assert str(said.data.assessment_id) == proposal["assessmentId"]
    for path, body in (("confirmations", {}), ("overrides", {"category": "1A", "reason": "x"})):
        assert (await diagnosis.post(f"/proposals/{proposal['id']}/{path}", body)).status_code == 409
    assert (await diagnosis.standing(client))["status"] == "in_doubt"
    await diagnosis.categorised(client, {"distance_months": 8})
    assert (await diagnosis.standing(client))["status"] == "decided"
    assert (await diagnosis.get(f"/proposals/{proposal['id']}")).json()["state"] == "superseded"


@pytest.mark.requirement("DIA-12")
async def test_together_is_confirmed_only_what_this_person_opened(diagnosis: Diagnosis) -> None:
    proposals = [await diagnosis.assessed_by_another(await diagnosis.client(), {"distance_months": n}) for n in (2, 8)]
    ids = [each["id"] for each in proposals]
    await diagnosis.get(f"/proposals/{ids[0]}")
    await diagnosis.get(f"/proposals/{ids[1]}", headers=diagnosis.token("caseworker", sub="s-2"))
    refused = await diagnosis.post("/proposal-confirmations", {"proposalIds": ids})
    assert refused.status_code == 409
    assert refused.json()["proposals"] == [ids[1]]
    assert not await diagnosis.said(ClientCategorised)
    await diagnosis.get(f"/proposals/{ids[1]}")
    done = await diagnosis.done("/proposal-confirmations", {"proposalIds": ids})
    assert {each["state"] for each in done["items"]} == {"confirmed"}
    assert len(await diagnosis.said(ClientCategorised)) == 2
    unknown = await diagnosis.post("/proposal-confirmations", {"proposalIds": [str(new_id()), *ids, str(new_id())]})
    assert unknown.status_code == 400
    assert [each["pointer"] for each in unknown.json()["errors"]] == ["#/proposalIds/0", "#/proposalIds/3"]


async def test_each_that_cannot_be_confirmed_together_is_named_with_why_and_none_is(diagnosis: Diagnosis) -> None:
    fine = await diagnosis.assess(await diagnosis.client(), {"distance_months": 8})
    unseen = await diagnosis.assessed_by_another(await diagnosis.client(), {"distance_months": 8})
    doubtful = await diagnosis.assess(await diagnosis.client(), {"distance_months": 8, "in_doubt": True})
    undecided = await diagnosis.assess(await diagnosis.client(), {"can_volunteer": True})
    done = await diagnosis.assess(await diagnosis.client(), {"distance_months": 8})
    await diagnosis.confirm(done)
    left = await diagnosis.client()
    gone = await diagnosis.assess(left, {"distance_months": 8})
    await diagnosis.hear(
        left, ClientExited(occurred_on=date(2024, 2, 1), by="staff:s-1", exit_id=new_id(), reason="work")
    )
    ids = [each["id"] for each in (unseen, fine, doubtful, undecided, done, gone)]

    refused = await diagnosis.post("/proposal-confirmations", {"proposalIds": ids})

    assert refused.status_code == 409
    problem = refused.json()
    assert problem["proposals"] == [each for each in ids if each != fine["id"]]
    assert {each["pointer"]: each["detail"] for each in problem["errors"]} == {
        "#/proposalIds/0": "Each proposal must be opened first by who confirms it.",
        "#/proposalIds/2": "The outcome is in doubt; a new assessment comes first.",
        "#/proposalIds/3": (
            "The proposal has no category to confirm; it must be overridden, or a new assessment comes first."
        ),
        "#/proposalIds/4": "It was confirmed.",
        "#/proposalIds/5": "The client's journey has ended; it must be resumed first.",
    }
    assert (await diagnosis.get(f"/proposals/{fine['id']}")).json()["state"] == "open"
    early = await diagnosis.post("/proposal-confirmations", {"proposalIds": [fine["id"]], "on": "2020-01-01"})
    assert early.json()["errors"][0]["detail"].startswith("lies before the assessment")


@pytest.mark.requirement("POL-4")
async def test_one_is_confirmed_only_by_who_opened_it_or_entered_its_assessment(diagnosis: Diagnosis) -> None:
    proposal = await diagnosis.assessed_by_another(await diagnosis.client(), {"distance_months": 8})
    path = f"/proposals/{proposal['id']}"

    unseen = await diagnosis.post(f"{path}/confirmations", {})
    await diagnosis.get(path)
    confirmed = await diagnosis.confirm(proposal)

    assert (unseen.status_code, unseen.json()["proposals"]) == (409, [proposal["id"]])
    assert (confirmed["state"], confirmed["decidedBy"]) == ("confirmed", "staff:s-1")
    own = await diagnosis.assess(await diagnosis.client(), {"distance_months": 8})
    assert own["openedAt"]
    assert (await diagnosis.confirm(own))["state"] == "confirmed"


async def test_the_list_tells_what_the_caller_opened_and_by_which_receipt(diagnosis: Diagnosis) -> None:
    made = [await diagnosis.assessed_by_another(await diagnosis.client(), {"distance_months": n}) for n in (2, 8, 18)]
    read = (await diagnosis.get(f"/proposals/{made[1]['id']}")).json()
    await diagnosis.get(f"/proposals/{made[0]['id']}", headers=diagnosis.token("caseworker", sub="s-2"))

    listed = (await diagnosis.get("/proposals")).json()["items"]
    unopened, seen = [(await diagnosis.get("/proposals", opened=it)).json()["items"] for it in ("false", "true")]

    assert [each["openedAt"] is not None for each in listed] == [False, True, False]
    assert listed[1]["openedAt"] == read["openedAt"]
    assert [each["receipt"] for each in listed] == [each["receipt"] for each in made]
    assert all(each["receipt"]["receiptId"] and each["receipt"]["rule"] for each in listed)
    assert [each["id"] for each in unopened] == [made[0]["id"], made[2]["id"]]
    assert [each["id"] for each in seen] == [made[1]["id"]]


async def test_a_late_entry_is_decided_by_the_policy_of_its_day(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    facts = {"distance_months": 30, "indications": ["job_agreement"]}
    proposal = await diagnosis.assess(client, facts, occurredOn="2023-11-30")
    assert (proposal["category"], proposal["track"]) == ("2B", "reintegration")
    early = await diagnosis.post(f"/proposals/{proposal['id']}/confirmations", {"on": "2023-11-29"})
    assert early.status_code == 400
    await diagnosis.confirm(proposal, on="2023-12-04")
    [said] = await diagnosis.said(ClientCategorised, client)
    assert said.data.occurred_on == date(2023, 12, 4)
    assert said.data.traits.indications == ("job_agreement",)
    assert (await diagnosis.assess(client, facts))["track"] == "participation"


async def test_the_list_of_proposals_has_pages_and_filters(diagnosis: Diagnosis) -> None:
    for months in (2, 8, 18):
        await diagnosis.assess(await diagnosis.client(), {"distance_months": months})
    await diagnosis.assess(await diagnosis.client("GM1916"), {"distance_months": 2})
    first = await diagnosis.get("/proposals", municipality="GM0626", state="open", limit=2)
    assert [each["category"] for each in first.json()["items"]] == ["1A", "1B"]
    rest = await diagnosis.service.http.get(first.links["next"]["url"], headers=diagnosis.token())
    assert [each["category"] for each in rest.json()["items"]] == ["1C"]
    elsewhere = await diagnosis.get("/proposals", headers=diagnosis.token(municipalities=["GM1916"]))
    assert [each["municipality"] for each in elsewhere.json()["items"]] == ["GM1916"]
