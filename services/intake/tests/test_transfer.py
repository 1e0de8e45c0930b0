"""The file for the municipality where somebody lives now: for whom, for how long, and what is not in it (INT-14)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chassis.csvfiles import records
from intake import caseload
from intake.caseload import CASELOAD, Case, Line
from intake.people import NewClient
from intake.problems import OthersSilent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from uuid import UUID

    import httpx
    from tests.conftest import Intake

LEFT = date(2024, 1, 30)
ADDRESS = {"street": "Kerklaan", "houseNumber": "12", "postcode": "2251AB", "city": "Voorschoten"}
CONTACT = {"email": "noor@example.nl", "phone": "0612345678"}
ROUTING: dict[str, Any] = {
    "leftOn": "2024-01-30", "category": "1B", "categorySince": "2022-11-20", "track": "reintegration",
    "trackSince": "2022-11-20", "route": "development_route", "routeLabel": "Ontwikkelroute",
    "routeStartedOn": "2023-01-10", "stay": {"beganOn": "2022-11-30", "monthsUsed": 13},
    "suspensions": [{"start": "2023-03-01", "end": "2023-04-01"}], "prospectOfWork": True,
    "lastConversationOn": "2023-12-05", "agreements": [], "instruments": [],
    "referrals": [
        {"partnerKind": "welfare", "purpose": "participation", "requestedOn": "2023-12-05", "state": "accepted"}
    ],
}  # fmt: skip
DIAGNOSIS: dict[str, Any] = {
    "scheme": "distance-to-work", "indications": ["job_agreement"], "exemption": None,
    "requests": [{"kind": "job_agreement", "requestedOn": "2023-11-01", "granted": None, "decidedOn": None}],
}  # fmt: skip


class Others:
    """Routing and diagnosis, answered by the test."""

    def __init__(self) -> None:
        self.told: dict[str, Mapping[str, Any] | None] = {"routing": ROUTING, "diagnosis": DIAGNOSIS}

    async def extract(self, service: str, client_id: UUID) -> Mapping[str, Any] | None:  # noqa: ARG002
        if service not in self.told:
            raise OthersSilent
        return self.told[service]


@pytest.fixture
def others(intake: Intake) -> Others:
    made = Others()
    intake.service.app.state.others = made
    return made


async def departed(intake: Intake, **told: Any) -> UUID:
    client = await intake.client(address=ADDRESS, contact=CONTACT, **told)
    await intake.done(f"/clients/{client}/departures", {"on": LEFT.isoformat(), "toMunicipality": "GM1916"})
    return client


async def read(intake: Intake, client: UUID, **headers: str) -> httpx.Response:
    token = {**intake.token("caseworker"), **headers}
    return await intake.get(f"/clients/{client}/transfer-file", headers=token, purpose="transfer")


@pytest.mark.requirement("INT-14")
async def test_the_file_tells_who_it_is_and_where_the_client_stood(intake: Intake, others: Others) -> None:
    client = await departed(intake)
    answer = await read(intake, client)
    assert answer.status_code == 200, answer.text
    file = answer.json()
    assert (file["fromMunicipality"], file["toMunicipality"], file["movedOn"], file["readableUntil"]) == (
        "GM0626", "GM1916", "2024-01-30", "2025-01-30",
    )  # fmt: skip
    assert file["person"]["contact"] == CONTACT
    assert {name: file[name] for name in ("category", "stay", "referrals", "suspensions")} == {
        name: ROUTING[name] for name in ("category", "stay", "referrals", "suspensions")
    }
    assert (file["indications"], file["indicationRequests"]) == (["job_agreement"], DIAGNOSIS["requests"])
    assert "Kerklaan" not in answer.text
    [(actor, detail)] = await intake.rows(
        "SELECT actor, detail FROM audit_entries WHERE action = 'client.transfer-file'"
    )
    assert (actor, detail) == ("staff:s-1", "transfer")
    assert others.told


@pytest.mark.requirement("INT-8", "INT-14")
async def test_of_a_secret_address_nothing_leads_to_where_somebody_is(intake: Intake, others: Others) -> None:
    client = await departed(intake, secretAddress=True)
    for accept in ("application/json", "text/csv"):
        answer = await read(intake, client, Accept=accept)
        assert answer.is_success
        assert not [each for each in ("Kerklaan", "2251AB", *CONTACT.values()) if each in answer.text]
        assert "true" in answer.text
    assert others.told


@pytest.mark.requirement("INT-14", "INT-15")
async def test_as_csv_it_is_a_line_that_an_import_reads(intake: Intake, others: Others) -> None:
    client = await departed(intake)
    answer = await read(intake, client, Accept="text/csv")
    assert (answer.headers["content-type"].partition(";")[0], answer.headers["cache-control"]) == (
        "text/csv", "no-store",
    )  # fmt: skip
    [line] = await lines(answer.text)
    assert (line.municipality, line.person.name.family, line.person.address) == ("GM1916", "Ven", None)
    assert line.case.route_started_on == date(2022, 11, 30)
    assert [(each.start.isoformat(), str(each.end)) for each in line.case.suspensions] == [
        ("2023-03-01", "2023-04-01"), ("2024-01-30", "2024-02-01"),
    ]  # fmt: skip
    assert (line.case.category, line.case.track, line.case.indications) == ("1B", "reintegration", ("job_agreement",))
    others.told["routing"] = ROUTING | {"category": "70-100", "route": "somewhere"}
    [line] = await lines((await read(intake, client, Accept="text/csv")).text)
    assert (line.case.category, line.case.route) == (None, None), "the receiver's policy does not know them"


async def test_an_exemption_that_runs_goes_on_there(intake: Intake, others: Others) -> None:
    client = await departed(intake)
    others.told["routing"] = ROUTING | {"suspensions": [{"start": "2023-10-01", "end": None}]}
    others.told["diagnosis"] = DIAGNOSIS | {
        "exemption": {"grantedOn": "2023-10-01", "until": "2024-06-30", "permanent": False}
    }
    [line] = await lines((await read(intake, client, Accept="text/csv")).text)
    assert [(each.start, each.end) for each in line.case.suspensions] == [(date(2023, 10, 1), None)]
    assert line.case.exempted_until == date(2024, 6, 30)


@pytest.mark.requirement("INT-14")
async def test_it_is_for_named_staff_of_who_moved_away_as_long_as_policy_says(intake: Intake, others: Others) -> None:
    here, client = await intake.client(), await departed(intake)
    assert (await read(intake, here)).json()["type"].endswith("/not-moved-away")
    path = f"/clients/{client}/transfer-file"
    nobody = intake.token("caseworker", sub=None)
    assert (await intake.get(path, headers=nobody, purpose="transfer")).status_code == 403
    assert (await intake.get(path, headers=intake.token("front_end"), purpose="transfer")).status_code == 403
    assert (await intake.get(path, headers=intake.token("caseworker"))).status_code == 400
    elsewhere = intake.token("caseworker", municipalities=("GM1916",))
    assert (await intake.get(path, headers=elsewhere, purpose="transfer")).status_code == 404
    clock = intake.service.clock
    clock.restore(clock.now().replace(year=2025, month=1, day=30))
    assert (await read(intake, client)).is_success
    clock.move_to(clock.now() + timedelta(days=1))
    over = await read(intake, client)
    assert (over.status_code, over.json()["type"].rpartition("/")[2]) == (410, "transfer-file-over")
    assert others.told


@pytest.mark.parametrize("silent", ["routing", "diagnosis"])
async def test_a_file_that_is_not_whole_is_not_given(intake: Intake, others: Others, silent: str) -> None:
    client = await departed(intake)
    del others.told[silent]
    answer = await read(intake, client)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (503, "others-silent")
    assert int(answer.headers["retry-after"]) > 0
    assert await intake.rows("SELECT 1 FROM audit_entries WHERE action = 'client.transfer-file'") == []


async def test_it_waits_until_routing_has_heard_of_the_departure(intake: Intake, others: Others) -> None:
    client = await departed(intake)
    others.told["routing"] = ROUTING | {"leftOn": None}
    assert (await read(intake, client)).status_code == 503


async def test_of_who_was_never_diagnosed_it_tells_who_it_is(intake: Intake, others: Others) -> None:
    client = await departed(intake)
    others.told = {"routing": None, "diagnosis": None}
    file = (await read(intake, client)).json()
    assert (file["category"], file["stay"], file["referrals"]) == (None, None, [])
    [line] = await lines((await read(intake, client, Accept="text/csv")).text)
    assert line.case == Case(benefit_from=LEFT)


async def test_without_being_told_where_the_others_are_there_is_no_file(intake: Intake) -> None:
    assert (await read(intake, await departed(intake))).status_code == 503


async def test_every_column_is_written_as_it_is_read() -> None:
    person = NewClient.model_validate(
        {
            "bsn": "999990019", "name": {"given": "Noor", "prefix": "van der", "family": 'Ven; "Noor", de'},
            "birthDate": "1985-05", "address": ADDRESS, "secretAddress": True, "contact": CONTACT, "language": "nl",
            "partnerBsn": "999990020", "householdKind": "couple", "permitHolder": True, "housedOn": "2020-01-01",
            "withoutBenefit": False, "startingQualification": False,
        }
    )  # fmt: skip
    case = Case.model_validate(
        {
            "benefitFrom": "2022-01-01", "category": "1B", "track": "reintegration", "categorisedOn": "2022-02-01",
            "route": "academy", "routeStartedOn": "2022-03-01", "suspensions": "2022-04-01/2022-05-01 2022-06-01/",
            "caseworkerId": "w-1", "exemptedUntil": "2024-01-01", "exemptedPermanently": False,
            "indications": "job_agreement target_group_register", "prospectOfWork": True,
            "monthsUsed": 14, "openReferrals": "lessons@school:started:2024-02-01 lessons@other:held:2024-01-01",
            "lastConversationOn": "2023-01-01", "exitedOn": "2024-01-01", "exitReason": "work",
        }
    )  # fmt: skip
    line = Line(municipality="GM1916", person=person, case=case)
    written = caseload.written([line])
    assert await lines(written) == [line]
    filled = dict(zip(*[each.cells for each in await _records(written)], strict=True))
    assert {name for name in caseload.COLUMNS if not filled[name]} == set()


async def lines(text: str) -> list[Line]:
    header, *rows = await _records(text)
    found = [CASELOAD.read(header.cells, row) for row in rows]
    assert all(isinstance(each, Line) for each in found), found
    return [each for each in found if isinstance(each, Line)]


async def _records(text: str) -> list[Any]:
    async def chunks() -> AsyncIterator[bytes]:
        yield text.encode()

    return [each async for each in records(chunks())]
