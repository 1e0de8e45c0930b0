"""What goes into an assessment, what is refused, and who may see what."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import text

from chassis.clock import morning_of
from chassis.ids import new_id
from diagnosis.questionnaires import questionnaire, questionnaires
from diagnosis.sealing import Seal
from policy import Facts
from tests.support.given import ACCEPTANCE

if TYPE_CHECKING:
    from tests.conftest import Diagnosis

CASES = ACCEPTANCE / "decisions.json"
COMPARED = {"category": "category", "track": "track", "caseworker_role": "caseworkerRole", "status": "status"}


@pytest.fixture
def acceptance_cases() -> list[dict[str, Any]]:
    if not CASES.exists():
        pytest.skip(f"the acceptance cases are not here: {CASES}")
    cases: list[dict[str, Any]] = json.loads(CASES.read_text())
    return cases


@pytest.mark.requirement("POL-8", "DIA-3", "DIA-4", "DIA-5", "DIA-6")
async def test_the_acceptance_cases_over_http(diagnosis: Diagnosis, acceptance_cases: list[dict[str, Any]]) -> None:
    diagnosis.service.clock.restore(morning_of(date(2026, 1, 1)))
    failed = []
    for case in acceptance_cases:
        client = await diagnosis.client(case["municipality"])
        body = {"questionnaire": "diagnose", "occurredOn": case["on"], "facts": case["facts"]}
        headers = diagnosis.token("caseworker", municipalities=[case["municipality"]])
        answer = await diagnosis.post(f"/clients/{client}/assessments", body, headers=headers)
        if not _as_expected(case["expect"], answer.status_code, answer.json()):
            failed.append((case["name"], answer.status_code, answer.json()))
    assert failed == []


def _as_expected(expect: dict[str, Any], status: int, found: dict[str, Any]) -> bool:
    if "error" in expect:
        return status in {400, 409} and expect["error"] in json.dumps(found)
    names = {**COMPARED, "referral_partner": "referralPartner"}
    return status == 201 and all(found[names[name]] == value for name, value in expect.items() if name in names)


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"distance_months": -1}, "#/facts/distance_months"),
        ({"distance_months": "8"}, "#/facts/distance_months"),
        ({"luck": 3}, "#/facts/luck"),
        ({"indications": ["job_agreement", "luck"]}, "#/facts/indications/1"),
        ({"exemption": {"reason": " "}}, "#/facts/exemption/reason"),
        ({"exemption": {"reason": "x", "until": "9999-12-31"}}, "#/facts/exemption/until"),
        ({"youngest_child_born": "2024-02-02"}, "#/facts/youngest_child_born"),
    ],
)
async def test_a_fault_in_the_facts_has_its_pointer(diagnosis: Diagnosis, facts: dict[str, Any], pointer: str) -> None:
    path = f"/clients/{await diagnosis.client()}/assessments"
    answer = await diagnosis.post(path, {"questionnaire": "diagnose", "facts": facts})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"questionnaire": "diagnose@9"}, "#/questionnaire"),
        ({"occurredOn": "2024-02-02"}, "#/occurredOn"),
        ({"barriers": ["health"]}, "#/barriers/0"),
    ],
)
async def test_what_else_is_refused(diagnosis: Diagnosis, body: dict[str, Any], pointer: str) -> None:
    path = f"/clients/{await diagnosis.client()}/assessments"
    answer = await diagnosis.post(path, {"questionnaire": "diagnose", "facts": {}, **body})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_before_the_first_policy_no_decision_is_possible(diagnosis: Diagnosis) -> None:
    path = f"/clients/{await diagnosis.client('GM0451')}/assessments"
    answer = await diagnosis.post(path, {"questionnaire": "diagnose", "occurredOn": "2020-12-31", "facts": {}})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "no policy in force for GM0451 on 2020-12-31"


async def test_barriers_are_the_areas_of_life_of_the_policy(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client("GM1926")
    await diagnosis.assess(client, {"work_fit": "no"}, barriers=["health", "housing"], setting="group")
    [assessment] = (await diagnosis.get(f"/clients/{client}/assessments")).json()["items"]
    assert (assessment["barriers"], assessment["setting"]) == (["health", "housing"], "group")


async def test_an_unknown_client_or_one_of_another_municipality_is_not_there(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client("GM1916")
    elsewhere = diagnosis.token("caseworker", municipalities=["GM0626"])
    body = {"questionnaire": "diagnose", "facts": {"distance_months": 8}}
    for id, headers in ((new_id(), diagnosis.token()), (client, elsewhere)):
        assert (await diagnosis.post(f"/clients/{id}/assessments", body, headers=headers)).status_code == 404
        assert (await diagnosis.get(f"/clients/{id}/category", headers=headers)).status_code == 404
    proposal = await diagnosis.assess(client, {"distance_months": 8})
    for path in (f"/proposals/{proposal['id']}", f"/receipts/{proposal['receipt']['receiptId']}"):
        assert (await diagnosis.get(path, headers=elsewhere)).status_code == 404


async def test_what_the_registration_told_counts_where_the_assessment_is_silent(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client(starting_qualification=False)
    assert (await diagnosis.assess(client, {"distance_months": 8, "age": 22}))["caseworkerRole"] == "learn_work_broker"
    facts = {"distance_months": 8, "age": 22, "starting_qualification": True}
    assert (await diagnosis.assess(client, facts))["caseworkerRole"] == "work_consultant"
    young = await diagnosis.client(starting_qualification=False, age_band="21-26")
    assert (await diagnosis.assess(young, {"distance_months": 8}))["caseworkerRole"] == "learn_work_broker"


async def test_the_reason_of_an_exemption_is_for_caseworkers(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, {"exemption": {"reason": "chronic_illness", "until": "2024-09-01"}})
    path = f"/receipts/{proposal['receipt']['receiptId']}"
    assert "chronic_illness" in (await diagnosis.get(path)).text
    shown = await diagnosis.get(path, headers=diagnosis.token("policy_officer"))
    assert "chronic_illness" not in shown.text
    assert shown.json()["receipt"]["facts"]["exemption"] == {"until": "2024-09-01"}
    assert (await diagnosis.get(path, headers=diagnosis.token("front_end"))).status_code == 403
    assessments = f"/clients/{client}/assessments"
    assert (await diagnosis.get(assessments, headers=diagnosis.token("policy_officer"))).status_code == 403
    assert "chronic_illness" not in json.dumps(proposal)


@pytest.mark.requirement("POL-3")
@pytest.mark.requirement("POL-3")
@pytest.mark.parametrize(
    "facts",
    [
        {"distance_months": 60, "age": 30, "can_volunteer": False, "indications": ["target_group_register"]},
        {"distance_months": 60, "can_volunteer": False},
        {"distance_months": 8, "age": 22, "starting_qualification": False},
        {"exemption": {"reason": "ziekte", "until": "2024-02-01"}, "indications": ["job_agreement"]},
        {"exemption": {"reason": "ziekte"}},
        {"can_volunteer": True},
        {"distance_months": 8, "in_doubt": True},
    ],
)
async def test_a_receipt_says_all_and_run_again_gives_the_same(diagnosis: Diagnosis, facts: dict[str, Any]) -> None:
    proposal = await diagnosis.assess(await diagnosis.client(), facts)
    receipt = (await diagnosis.get(f"/receipts/{proposal['receipt']['receiptId']}")).json()["receipt"]
    pack = diagnosis.service.office.policies.in_force("GM0626", date(2024, 2, 1))
    again = pack.repeat(receipt)
    assert again.receipt.as_dict() == receipt
    assert (again.status, again.category) == (proposal["status"], proposal["category"])
    assert (again.caseworker_role, again.referral_partner) == (proposal["caseworkerRole"], proposal["referralPartner"])
    assert (receipt["pack_id"], receipt["version"], receipt["digest"]) == (pack.id, pack.version, pack.digest)
    assert (receipt["outcome"], receipt["rule"]) == (proposal["category"], proposal["receipt"]["rule"])
    assert facts.items() <= receipt["facts"].items()
    if not facts.get("in_doubt"):
        tried = {rule.id for rule in pack.scheme.rules}
        assert {each["rule"] for each in receipt["rejected"]} == tried - {receipt["rule"]}
        assert all(each["reason"] for each in receipt["rejected"])
        assert (receipt["source"] is None) == (receipt["rule"] is None)


async def test_no_birth_date_stands_in_the_database_as_plain_text(diagnosis: Diagnosis) -> None:
    await diagnosis.assess(await diagnosis.client(), {"single_parent": True, "youngest_child_born": "2021-07-09"})
    async with diagnosis.service.office.database.in_background() as session:
        for table in ("assessments", "receipts", "proposals", "outbox"):
            rows = (await session.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t"))).scalars().all()
            assert rows
            assert "2021-07-09" not in "".join(rows)


def test_a_sealed_date_opens_for_its_own_assessment_only() -> None:
    seal, mine = Seal(bytes(32)), new_id()
    sealed = seal.close(date(2021, 7, 9), mine)
    assert seal.open(sealed, mine) == date(2021, 7, 9)
    assert seal.close(None, mine) is None
    with pytest.raises(InvalidTag):
        seal.open(sealed, new_id())


async def test_the_questionnaire_asks_every_fact_in_dutch(diagnosis: Diagnosis) -> None:
    [found] = (await diagnosis.get("/questionnaires")).json()["items"]
    registered, of_the_policy = "age_band", "own"
    assert {each["fact"] for each in found["questions"]} == set(Facts.model_fields) - {registered, of_the_policy}
    assert found["questions"][0]["text"].startswith("Over hoeveel maanden")
    assert questionnaire("diagnose") == questionnaires()[-1]
    assert questionnaire("diagnose@1") is not None
    assert questionnaire("luck") is None
