"""Try before you adopt (POL-6): a draft is run against the whole caseload, and only the trial is kept."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.intake import CaseImported, ClientDeceased, ClientsMerged
from contracts.routing import InstrumentStarted, ReferralRequested, RouteStarted
from diagnosis.trials.runner import TrialRunner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tests.conftest import Diagnosis

pytestmark = pytest.mark.requirement("POL-6")

POLICIES = Path(__file__).parents[3] / "policies"
VOORSCHOTEN = "voorschoten/2024-01-01.yaml"
BASE = "_shared/leidschendam-voorburg-voorschoten-wassenaar-2019.yaml"
TODAY = date(2024, 2, 1)
OWN_RECORD = {"policy_trials", "policy_trial_moves"}


def draft(*changed: tuple[str, str], name: str = VOORSCHOTEN) -> dict[str, str]:
    """A file of the policies and the base it builds on, with some of their words replaced."""
    files = {name: (POLICIES / name).read_text(), BASE: (POLICIES / BASE).read_text()}
    for old, new in changed:
        assert any(old in words for words in files.values())
        files = {name: words.replace(old, new) for name, words in files.items()}
    return files


NARROWER = draft(
    ("distance_months: 4..12}", "distance_months: 4..10}"), ("distance_months: 13..24}", "distance_months: 11..24}")
)
"""1B ends at 10 months instead of 12."""


class Officer:
    """A policy officer of Voorschoten, who tries drafts."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        self.runner = TrialRunner(diagnosis.service.office, together=2)
        self.token = diagnosis.token("policy_officer", municipalities=["GM0626"], sub="p-1")

    async def asks(self, files: Mapping[str, str], **more: Any) -> Any:
        """The answer to a request for a trial."""
        body = {"municipality": "GM0626", "files": files, **more}
        return await self.diagnosis.post("/policy-trials", body, headers=self.token)

    async def tries(self, files: Mapping[str, str], **more: Any) -> dict[str, Any]:
        """A trial that has run."""
        asked = await self.asks(files, **more)
        assert asked.status_code == 202, asked.text
        await self.runner.turn()
        return await self.reads(asked.json()["id"])

    async def reads(self, trial: str) -> dict[str, Any]:
        """The trial as it stands."""
        found: dict[str, Any] = (await self.diagnosis.get(f"/policy-trials/{trial}", headers=self.token)).json()
        return found

    async def moves(self, trial: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        """What would change for whom, of one kind."""
        path = f"/policy-trials/{trial['id']}/moves"
        answer = await self.diagnosis.get(path, headers=self.token, kind=kind, limit=200)
        found: list[dict[str, Any]] = answer.json()["items"]
        return found


def cells(trial: dict[str, Any]) -> dict[tuple[str | None, str | None], int]:
    return {(each["before"], each["after"]): each["clients"] for each in trial["result"]["matrix"]}


async def kept(diagnosis: Diagnosis) -> dict[str, str]:
    """All rows of all tables but the trial's own record, as one text each."""
    async with diagnosis.service.office.database.in_background() as session:
        names = await session.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND"
                " has_table_privilege(current_user, format('%I.%I', schemaname, tablename), 'SELECT')"
            )
        )
        return {
            name: str(
                await session.scalar(
                    text(f"SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text), '') FROM {name} t")
                )
            )
            for name in sorted(set(names) - OWN_RECORD)
        }


async def assessed(diagnosis: Diagnosis, *months: int) -> list[UUID]:
    """Clients at these distances to work, each decided on."""
    clients = [await diagnosis.client() for _ in months]
    for client, distance in zip(clients, months, strict=True):
        await diagnosis.categorised(client, {"distance_months": distance})
    return clients


async def test_a_boundary_that_moves_shows_who_goes_from_which_category_to_which(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    [_, eleven, twelve, _] = await assessed(diagnosis, 8, 11, 12, 20)

    trial = await officer.tries(NARROWER)

    assert trial["state"] == "finished"
    assert (trial["clients"], trial["clientsDone"]) == (4, 4)
    assert cells(trial) == {("1B", "1B"): 1, ("1B", "1C"): 2, ("1C", "1C"): 1}
    moved = await officer.moves(trial, "category")
    assert {(each["clientId"], each["before"], each["after"]) for each in moved} == {
        (str(eleven), "1B", "1C"), (str(twelve), "1B", "1C"),
    }  # fmt: skip


async def test_a_trial_writes_nothing_but_its_own_record(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    await assessed(diagnosis, 11, 30)
    before = await kept(diagnosis)

    await officer.tries(NARROWER)

    assert await kept(diagnosis) == before
    assert before["outbox"]


async def test_what_a_trial_reads_with_cannot_write(diagnosis: Diagnosis) -> None:
    client = await diagnosis.client()
    async with diagnosis.service.office.database.snapshot(["GM0626"]) as session:
        try:
            await session.execute(text("UPDATE clients SET age_band = '27'"))
        except Exception as error:  # noqa: BLE001 - whatever the driver calls it
            assert "read-only transaction" in str(error)  # noqa: PT017
        else:
            raise AssertionError(f"client {client} was changed")


async def test_a_draft_that_is_the_policy_in_force_changes_nothing(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    await assessed(diagnosis, 2, 8, 20, 30, 60)
    trial = await officer.tries(draft())
    assert trial["result"]["moved"] == 0
    assert [await officer.moves(trial, kind) for kind in ("category", "deadline", "referral", "caseworker")] == [[]] * 4


async def test_an_exemption_that_ended_and_an_indication_that_was_granted_count_as_they_are_on_the_day(
    diagnosis: Diagnosis,
) -> None:
    officer = Officer(diagnosis)
    ended, indicated = await diagnosis.client(), await diagnosis.client()
    facts = {"distance_months": 8, "exemption": {"reason": "illness", "until": "2024-06-30"}}
    await diagnosis.categorised(ended, facts)
    [exemption] = (await diagnosis.get(f"/clients/{ended}/exemptions")).json()["items"]
    await diagnosis.done(f"/exemptions/{exemption['id']}/ends", {})
    await diagnosis.categorised(indicated, {"distance_months": 8})
    asked = await diagnosis.done(f"/clients/{indicated}/indication-requests", {"kind": "job_agreement"})
    await diagnosis.done(f"/indication-requests/{asked['id']}/decisions", {"granted": True})

    trial = await officer.tries(draft())

    assert cells(trial) == {("1B", "1B"): 1, ("2B", "2B"): 1}
    otherwise = await officer.moves(trial, "recorded_otherwise")
    assert {(each["clientId"], each["before"], each["after"]) for each in otherwise} == {
        (str(ended), "3B", "1B"), (str(indicated), "1B", "2B"),
    }  # fmt: skip


async def test_an_exemption_that_has_run_out_by_the_chosen_day_counts_no_longer(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    client = await diagnosis.client()
    await diagnosis.categorised(
        client, {"distance_months": 8, "exemption": {"reason": "illness", "until": "2024-06-30"}}
    )
    assert cells(await officer.tries(draft(), on="2024-06-30")) == {("3B", "3B"): 1}
    assert cells(await officer.tries(draft(), on="2024-07-01")) == {("1B", "1B"): 1}


async def test_who_was_decided_otherwise_by_a_professional_is_shown_apart(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    client = await diagnosis.client()
    proposal = await diagnosis.assess(client, {"distance_months": 8})
    await diagnosis.done(f"/proposals/{proposal['id']}/overrides", {"category": "1A", "reason": "Werk in zicht"})

    trial = await officer.tries(NARROWER)

    assert cells(trial) == {("1B", "1B"): 1}
    assert trial["result"]["recordedOtherwise"] == [
        {"recorded": "1A", "redecided": "1B", "basis": "override", "clients": 1}
    ]


async def test_who_came_in_without_an_assessment_keeps_the_category_and_is_counted(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    client = await diagnosis.client()
    await diagnosis.hear(client, CaseImported(occurred_on=TODAY, by="import", category="2A"))
    await diagnosis.client()
    trial = await officer.tries(NARROWER)
    assert cells(trial) == {("2A", "2A"): 1}
    assert (trial["result"]["notAssessed"], trial["result"]["withoutDecision"]) == (1, 1)


async def test_the_dead_the_merged_and_those_elsewhere_are_not_in_the_caseload(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    dead, twice, stays = await assessed(diagnosis, 8, 11, 30)
    await diagnosis.hear(dead, ClientDeceased(occurred_on=TODAY, by="app:front-end"))
    await diagnosis.hear(twice, ClientsMerged(occurred_on=TODAY, by="staff:s-1", into=stays))
    elsewhere = await diagnosis.client("GM1916")
    await diagnosis.categorised(elsewhere, {"distance_months": 11})

    trial = await officer.tries(NARROWER)

    assert trial["clients"] == 1
    assert trial["result"]["clients"] == 1


async def test_terms_that_would_end_on_another_day_are_named_with_both_days(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    [client] = await assessed(diagnosis, 8)
    route = RouteStarted(
        occurred_on=TODAY, by="staff:s-1", route_id=new_id(), route="development_route", track="reintegration"
    )
    await diagnosis.hear(client, route)
    shorter = draft(("term: 24 months", "term: 18 months"))

    trial = await officer.tries(shorter)

    assert [(each["term"], each["earlier"], each["later"]) for each in trial["result"]["deadlines"]] == [
        ("longest_stay", 1, 0)
    ]
    [move] = await officer.moves(trial, "deadline")
    assert (move["what"], move["before"], move["after"]) == ("longest_stay", "2026-02-01", "2025-08-01")


async def test_costs_go_with_the_clients_and_a_partner_that_the_draft_drops_is_named(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    [client] = await assessed(diagnosis, 24)
    head: dict[str, Any] = {"occurred_on": TODAY, "by": "staff:s-1"}
    used = InstrumentStarted(**head, instrument_use_id=new_id(), instrument="schooling", goal="work", cost=Decimal(750))
    asked = ReferralRequested(
        **head, referral_id=new_id(), purpose="language", partner="taalhuis", partner_kind="language_school"
    )
    await diagnosis.hear(client, used, asked)
    pairs = (
        ("distance_months: 13..24}", "distance_months: 13..23}"),
        ("distance_months: 25..47}", "distance_months: 24..47}"),
    )

    trial = await officer.tries(draft(*pairs))

    costs = {each["track"]: (each["costsBefore"], each["costsAfter"]) for each in trial["result"]["costs"]}
    assert costs == {"reintegration": (750.0, 0.0), "participation": (0.0, 750.0)}
    roles = {each["role"]: (each["clientsBefore"], each["clientsAfter"]) for each in trial["result"]["workload"]}
    assert roles == {"work_consultant": (1, 0), "participation_consultant": (0, 1)}
    assert {"what": "under_way", "before": "taalhuis/language", "after": None, "clients": 1} in trial["result"][
        "referrals"
    ]


async def test_a_route_under_way_that_the_draft_drops_is_named(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    [client] = await assessed(diagnosis, 8)
    route = {"route_id": new_id(), "route": "academy", "track": "reintegration"}
    await diagnosis.hear(client, RouteStarted(occurred_on=TODAY, by="staff:s-1", **route))
    trial = await officer.tries(draft(("    academy:\n", "    course:\n")))
    assert trial["result"]["routesLost"] == [{"route": "academy", "clients": 1}]
    assert [each["clientId"] for each in await officer.moves(trial, "route")] == [str(client)]


async def test_two_drafts_at_the_same_time_do_not_reach_each_other_nor_the_policy_in_force(
    diagnosis: Diagnosis,
) -> None:
    officer = Officer(diagnosis)
    await assessed(diagnosis, 8, 11, 23)
    renamed = draft(("Consulent Werk", "Klimcoach"))
    present = diagnosis.service.office.policies.in_force("GM0626", TODAY)
    digest = present.digest
    one, other = (await officer.asks(NARROWER)).json(), (await officer.asks(renamed)).json()

    both = TrialRunner(diagnosis.service.office), TrialRunner(diagnosis.service.office)
    await asyncio.gather(*(each.run(trial["id"], "GM0626") for each, trial in zip(both, (one, other), strict=True)))

    narrower, based = await officer.reads(one["id"]), await officer.reads(other["id"])
    assert cells(narrower) == {("1B", "1B"): 1, ("1B", "1C"): 1, ("1C", "1C"): 1}
    assert cells(based) == {("1B", "1B"): 2, ("1C", "1C"): 1}
    assert [each["result"]["workload"][0]["label"] for each in (narrower, based)] == ["Consulent Werk", "Klimcoach"]
    assert narrower["draft"]["digest"] != based["draft"]["digest"] != present.digest
    assert diagnosis.service.office.policies.in_force("GM0626", TODAY).digest == digest
    assert (await diagnosis.assess(await diagnosis.client(), {"distance_months": 11}))["category"] == "1B"


async def test_a_wrong_draft_is_refused_with_all_its_faults_at_once(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    wrong = draft(("GM0626", "Voorschoten"), ("valid_from: 2024-01-01", "valid_from: soon"))
    answer = await officer.asks(wrong)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].endswith("/wrong-draft")
    for each in problem["errors"]:
        assert each["file"] == VOORSCHOTEN
        assert int(each["line"]) > 0
        assert each["remedy"]
    assert len(problem["errors"]) >= 2

    gaps = await officer.asks(draft(("distance_months: 4..12}", "distance_months: 5..14}")))
    told = " ".join(each["detail"] for each in gaps.json()["errors"])
    assert "a gap" in told
    assert "an overlap" in told


async def test_a_draft_of_another_municipality_or_another_time_says_so(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    other = await officer.asks(draft(name="uithoorn/2021-01-01.yaml"))
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (400, "draft-of-another-municipality")
    assert "GM0451" in other.json()["detail"]
    later = await officer.asks(draft(("valid_from: 2024-01-01", "valid_from: 2025-01-01")))
    assert (later.status_code, later.json()["type"].rpartition("/")[2]) == (400, "draft-not-in-force")
    assert "2025-01-01" in later.json()["detail"]


async def test_a_trial_is_read_as_a_web_page_by_who_asks_for_one(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    [client] = await assessed(diagnosis, 11)
    asked = (await officer.asks(NARROWER)).json()
    path, page = f"/policy-trials/{asked['id']}", {**officer.token, "Accept": "text/html"}
    assert "De proef loopt nog" in (await diagnosis.get(path, headers=page)).text
    await officer.runner.turn()

    answer = await diagnosis.get(path, headers=page)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert '<html lang="nl">' in answer.text
    assert str(client) in answer.text
    assert "<script" not in answer.text


async def test_a_trial_that_was_broken_off_begins_anew_and_ends_the_same(diagnosis: Diagnosis) -> None:
    officer = Officer(diagnosis)
    await assessed(diagnosis, 11, 12, 8, 9, 30)
    asked = (await officer.asks(NARROWER)).json()
    leaving = TrialRunner(diagnosis.service.office, together=1)
    leaving._leaving = True
    assert not await leaving.run(asked["id"], "GM0626")
    assert (await officer.reads(asked["id"]))["state"] == "running"

    await officer.runner.turn()

    trial = await officer.reads(asked["id"])
    assert cells(trial) == {("1B", "1B"): 2, ("1B", "1C"): 2, ("2A", "2A"): 1}
    assert len(await officer.moves(trial, "category")) == 2


async def test_a_caseworker_tries_nothing_and_nobody_tries_on_another_municipality(diagnosis: Diagnosis) -> None:
    body = {"municipality": "GM0626", "files": NARROWER}
    caseworker = diagnosis.token("caseworker", municipalities=["GM0626"])
    assert (await diagnosis.post("/policy-trials", body, headers=caseworker)).status_code == 403
    elsewhere = diagnosis.token("policy_officer", municipalities=["GM1916"])
    assert (await diagnosis.post("/policy-trials", body, headers=elsewhere)).status_code == 403
