"""Whatever staff do in whatever order, what diagnosis keeps is what its events say."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from contracts.diagnosis import AssessmentCompleted, ClientCategorised, ExemptionEnded, ExemptionGranted

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Diagnosis

STEPS = 40


class Course:
    """Random steps in the life of one client."""

    def __init__(self, diagnosis: Diagnosis, client: UUID, seed: int) -> None:
        self.diagnosis, self.client, self.random = diagnosis, client, Random(seed)
        self.proposals: list[dict[str, Any]] = []

    def facts(self) -> dict[str, Any]:
        today = self.diagnosis.service.clock.today()
        last_day = str(today + timedelta(days=self.random.randint(-1, 5)))
        return self.random.choice(
            [
                {"distance_months": self.random.choice([0, 3, 4, 12, 13, 24, 25, 47, 48, 99])},
                {"distance_months": 30, "indications": ["job_agreement"]},
                {"distance_months": 8, "exemption": {"reason": "illness", "until": last_day}},
                {"exemption": {"reason": "illness"}},
                {"distance_months": 8, "in_doubt": True},
                {},
            ]
        )

    async def step(self) -> None:
        await self.random.choice([self.assess, self.confirm, self.override, self.correct, self.day, self.end])()

    async def assess(self) -> None:
        self.proposals.append(await self.diagnosis.assess(self.client, self.facts()))

    async def confirm(self) -> None:
        await self.decide("confirmations", {})

    async def override(self) -> None:
        await self.decide("overrides", {"category": self.random.choice(["1A", "2A", "3B"]), "reason": "Maatwerk"})

    async def decide(self, how: str, body: dict[str, Any]) -> None:
        if self.proposals:
            answer = await self.diagnosis.post(
                f"/proposals/{self.random.choice(self.proposals[-2:])['id']}/{how}", body
            )
            assert answer.status_code in {201, 400, 409}

    async def correct(self) -> None:
        if self.proposals:
            wrong = self.random.choice(self.proposals[-2:])["assessmentId"]
            body = {"facts": self.facts(), "reason": "Vergissing"}
            answer = await self.diagnosis.post(f"/assessments/{wrong}/corrections", body)
            assert answer.status_code in {201, 409}
            if answer.is_success:
                self.proposals.append(answer.json())

    async def day(self) -> None:
        await self.diagnosis.move_to(self.diagnosis.service.clock.today() + timedelta(days=1))

    async def end(self) -> None:
        found = (await self.diagnosis.get(f"/clients/{self.client}/exemptions")).json()["items"]
        if found:
            answer = await self.diagnosis.post(f"/exemptions/{self.random.choice(found)['id']}/ends")
            assert answer.status_code in {201, 409}


@pytest.mark.parametrize("seed", range(5))
async def test_any_course(diagnosis: Diagnosis, seed: int) -> None:
    client = await diagnosis.client()
    course = Course(diagnosis, client, seed)
    for _ in range(STEPS):
        await course.step()
    await _one_open_at_most(diagnosis, client, course)
    await _the_category_is_the_last_said(diagnosis, client)
    await _exemptions_are_granted_once_and_ended_once(diagnosis, client)


async def _one_open_at_most(diagnosis: Diagnosis, client: UUID, course: Course) -> None:
    found = (await diagnosis.get("/proposals", clientId=str(client), limit=200)).json()["items"]
    assert [each["id"] for each in found] == [each["id"] for each in course.proposals]
    assert [each["id"] for each in found[:-1] if each["state"] == "open"] == []
    completed = await diagnosis.said(AssessmentCompleted, client)
    assert [str(each.data.assessment_id) for each in completed] == [each["assessmentId"] for each in found]


async def _the_category_is_the_last_said(diagnosis: Diagnosis, client: UUID) -> None:
    said = [each.data for each in await diagnosis.said(ClientCategorised, client)]
    history = (await diagnosis.standing(client))["history"]
    assert [each["category"] for each in reversed(history)] == [each.traits.category for each in said]
    assert [each.old_category for each in said] == [None, *(each.traits.category for each in said)][: len(said)]
    assert [each["until"] is None for each in history] == [True, *(False for _ in said[1:])][: len(said)]


async def _exemptions_are_granted_once_and_ended_once(diagnosis: Diagnosis, client: UUID) -> None:
    granted = [each.data.exemption_id for each in await diagnosis.said(ExemptionGranted, client)]
    ended = [each.data.exemption_id for each in await diagnosis.said(ExemptionEnded, client)]
    kept = (await diagnosis.get(f"/clients/{client}/exemptions")).json()["items"]
    assert sorted(map(str, granted)) == sorted(each["id"] for each in kept)
    assert sorted(map(str, ended)) == sorted(each["id"] for each in kept if each["endedOn"])
    assert len(granted) - len(ended) in {0, 1}
    today = str(diagnosis.service.clock.today())
    assert [each for each in kept if not each["endedOn"] and each["until"] and each["until"] < today] == []
