"""What forms of a diagnosis offer: by the policy of the municipality and the day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Diagnosis

VOORSCHOTEN, UITHOORN, PIJNACKER = "GM0626", "GM0451", "GM1926"


async def choices(diagnosis: Diagnosis, municipality: str, on: str = "2024-06-03") -> dict[str, Any]:
    answer = await diagnosis.get(
        "/choices", headers=diagnosis.token("caseworker"), municipality=municipality, on=on
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.requirement("POL-1")
async def test_categories_and_tracks_are_those_of_the_policy_with_what_they_mean(diagnosis: Diagnosis) -> None:
    here = await choices(diagnosis, VOORSCHOTEN)
    assert here["categories"][4] == {
        "id": "2B", "label": "2B: banenafspraak of beschut werk", "track": "participation"
    }  # fmt: skip
    assert here["tracks"][0] == {
        "id": "reintegration", "label": "Re-integratie", "aim": "work",
        "meaning": "Wij helpen u bij het vinden van werk. Dat doen we stap voor stap, hooguit twee jaar lang.",
    }  # fmt: skip
    assert [each["id"] for each in here["whenInDoubt"]] == ["learn_work_trial", "medical_assessment"]
    assert [each["id"] for each in (await choices(diagnosis, PIJNACKER))["areasOfLife"]][:2] == ["work", "income"]


@pytest.mark.requirement("DIA-2")
async def test_each_fact_says_how_it_is_answered_and_whether_the_category_follows_from_it(diagnosis: Diagnosis) -> None:
    facts = {
        town: {each["id"]: each for each in (await choices(diagnosis, town))["facts"]}
        for town in (VOORSCHOTEN, UITHOORN)
    }
    assert facts[VOORSCHOTEN]["distance_months"] == {
        "id": "distance_months", "label": "Afstand tot werk", "answer": "number", "choices": [], "own": False,
        "decides": True,
    }  # fmt: skip
    decides = {town: {id for id, each in found.items() if each["decides"]} for town, found in facts.items()}
    assert decides[VOORSCHOTEN] == {"distance_months", "indications", "exemption", "can_volunteer"}
    assert decides[UITHOORN] == {"work_capacity_pct"}
    assert facts[UITHOORN]["work_fit"]["choices"][1] == {"id": "small_interventions", "label": "Ja, met wat hulp"}


@pytest.mark.requirement("DIA-9")
async def test_the_exemption_of_a_single_parent_is_offered_where_and_when_policy_has_it(diagnosis: Diagnosis) -> None:
    [offered] = (await choices(diagnosis, VOORSCHOTEN))["exemptionReasons"]
    assert offered == {
        "id": "single_parent", "label": "Alleenstaande ouder met een kind jonger dan 5 jaar", "childUnder": 5
    }  # fmt: skip
    assert (await choices(diagnosis, VOORSCHOTEN, "2023-12-31"))["exemptionReasons"] == []


async def test_what_is_offered_is_taken(diagnosis: Diagnosis) -> None:
    found = await choices(diagnosis, VOORSCHOTEN)
    client = await diagnosis.client()
    for category in found["categories"]:
        proposal = await diagnosis.assess(client, {"distance_months": 8})
        if category["id"] == proposal["category"]:
            decided = await diagnosis.confirm(proposal)
        else:
            body = {"category": category["id"], "reason": "Maatwerk"}
            decided = await diagnosis.done(f"/proposals/{proposal['id']}/overrides", body)
        assert decided["decidedCategory"] == category["id"]
    for indication in found["indications"]:
        await diagnosis.done(f"/clients/{client}/indication-requests", {"kind": indication["id"]})
    values = {"number": 12, "yes_no": True, "date": "2022-03-01"}
    facts = {each["id"]: values[each["answer"]] for each in found["facts"] if each["answer"] in values}
    facts |= {each["id"]: each["choices"][0]["id"] for each in found["facts"] if each["answer"] == "choice"}
    facts |= {each["id"]: [each["choices"][0]["id"]] for each in found["facts"] if each["answer"] == "choices"}
    await diagnosis.assess(client, {**facts, "exemption": {"reason": found["exemptionReasons"][0]["id"]}})
