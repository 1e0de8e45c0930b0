"""Whom each route is for, and what they see there: every route of every service stands in the table below.

What stands in it is tried with two members of staff of one municipality, whose tokens differ in their `sub` only: a
colleague in the team of the client's caseworker, and somebody in another team.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from chassis.ids import new_id
from chassis.sight import follow
from contracts.routing import CaseworkerAssigned
from tests.support.databases import MakeDatabase
from tests.support.seeded import ELSEWHERE, LEIDSCHENDAM, OPERATIONS, VOORSCHOTEN, House, Operation, house_of

ROLES = {
    "F": "front_end", "C": "caseworker", "M": "team_manager", "P": "policy_officer", "O": "operator", "X": "partner",
    "R": "council_reader", "S": "service",
}  # fmt: skip

CLIENT = "one client: nobody outside the team finds it"
CLIENTS = "several clients: those of other teams are left out"
TOWN = "no client, or a group of them as a whole: all of the municipality see it"
FIGURES = "figures, and what they were counted from"
OWN = "a partner's own: another partner finds nothing"

TABLE: Mapping[str, Mapping[tuple[str, str], str]] = {
    "intake": {
        (CLIENT, "FCM"): """
            readClient correctClient mergeClient listMergers readMerger restoreRegistration
            recordDeath recordDeparture cancelRegistration addNotification
            listNotifications readNotification divertNotification fileApplication listApplications readApplication
            withdrawApplication addIntake listIntakes readIntake addLanguageTest listLanguageTests readLanguageTest
            listLetters readLetter previewLetter addIntegrationPlan listIntegrationPlans readIntegrationPlan
        """,
        (CLIENT, "CM"): "revertMerger decideApplication readTransferFile",
        (CLIENTS, "FCM"): "searchClients readSession listSessions recordAttendances",
        (TOWN, "FCM"): "registerClient planSession listChoices",
        (TOWN, "FMO"): "importCaseload readImport",
        (TOWN, "S"): "readIdentity",
    },
    "diagnosis": {
        (CLIENT, "FCM"): """
            makeAssessment readCategory listIndicationRequests requestIndication readIndicationRequest
            recordIndicationDecision
        """,
        (CLIENT, "C"): "listAssessments readAssessment",
        (CLIENT, "CM"): """
            correctAssessment readProposal confirmProposal overrideProposal listExemptions readExemption endExemption
        """,
        (CLIENT, "CMP"): "listAlternatives readReceipt",
        (CLIENTS, "CM"): "listProposals confirmProposals",
        (CLIENTS, "FCM"): "listInvitations",
        (CLIENTS, "MP"): "askForReassessments",
        (TOWN, "FCMP"): "listQuestionnaires listChoices",
        (TOWN, "S"): "readExtract",
        (FIGURES, "PM"): "askForPolicyTrial listPolicyTrials readPolicyTrial listPolicyTrialMoves",
    },
    "routing": {
        (CLIENT, "FCM"): """
            readJourney followClient listDeadlines startRoute endRoute useInstrument endInstrument extendInstrument
            suspend endSuspension
            readHandover prepareHandover acceptHandover returnHandover holdConversation agree missAgreement workPartTime
            correctConversation cancelConversation listAgreements keepAgreement extendAgreement takeStep
            correctAgreement revertAgreement correctPartTimeWork endPartTimeWork
            transferClient leave revertExit checkAllowances comeBack
        """,
        (CLIENT, "CM"): "moveDeadline imposeMeasure",
        (CLIENT, "M"): "reviewEmergencyAccess",
        (CLIENTS, "M"): "listEmergencyAccesses",
        (CLIENTS, "FCM"): "listHandovers readWorklist countWorklist",
        (TOWN, "FCM"): "listClientsWithoutCaseworker followWorklist",
        (TOWN, "FMO"): "enterStaff importStaff changeStaff",
        (
            TOWN,
            "FCMO",
        ): "listStaff readStaff enterAbsence listAbsences endAbsence chooseDeputy cancelAbsence listChoices",
        (TOWN, "MO"): "transferClients",
        (TOWN, "CM"): "takeEmergencyAccess",
        (TOWN, "S"): "readExtract",
    },
    "partners": {
        (CLIENT, "CMOX"): "readReferral",
        (CLIENT, "CM"): "assignReferral",
        (CLIENTS, "CMOX"): "listReferrals",
        (TOWN, "CMOX"): "listGroups readGroup",
        (TOWN, "CMX"): "recordSession",
        (TOWN, "CMOXP"): "listPartners readPartner",
        (TOWN, "OP"): "registerPartner",
        (TOWN, "MO"): "listDeliveries readDeliveryFigures readDelivery",
        (TOWN, "O"): "replayDelivery approveEndpoint replayEndpoint",
        (OWN, "X"): """
            acknowledgeReferral acceptReferral declineReferral startReferral reportProgress holdReferral endReferral
        """,
        (TOWN, "X"): "sendSignal",
        (TOWN, "OX"): "registerEndpoint listEndpoints readEndpoint removeEndpoint askConsent rotateSecret",
    },
    "reporting": {
        (CLIENT, "FCM"): "readTimeline",
        (FIGURES, "PM"): "readFigures readCaseload readTargets listHappenings listClients makeReport",
        (FIGURES, "PMR"): "listReports readReport readReportPage",
    },
}
"""By service: what a route shows and for whom it is, and the routes of which that holds."""

EVERYWHERE = {(TOWN, "O"): "readEvents readCivilClock moveCivilClock", (TOWN, ""): "readOpenapi"}
"""The same in each service."""


def _entry(operation: Operation) -> tuple[str, set[str]] | None:
    for table in (TABLE[operation.service], EVERYWHERE):
        for (shows, roles), names in table.items():
            if operation.id in names.split():
                return shows, {ROLES[each] for each in roles}
    return None


def _showing(shows: str) -> list[Operation]:
    return [each for each in OPERATIONS if (_entry(each) or ("", set()))[0] == shows]


@pytest.fixture(scope="module")
async def house(make_database: MakeDatabase) -> AsyncIterator[House]:
    """A house in whose towns everybody is in the team west, and one in each in the team east."""
    async with house_of(make_database) as made:
        for town in (VOORSCHOTEN, LEIDSCHENDAM):
            roles = ["work_consultant", "income_consultant", "consultant_2b"]
            await _employ(made, town, f"w-{town.lower()}", "west", roles=roles)
            receives = ["participation_consultant"] if town == VOORSCHOTEN else []
            await _employ(made, town, "west-1", "west", roles=["policy_officer", *receives])
            await _employ(made, town, "east-1", "east")
            await _employ(made, town, "s-1", None, manages=["west", "east"])
        await made.settle()
        yield made


async def _employ(house: House, town: str, who: str, team: str | None, **more: Any) -> None:
    body = {"id": who, "municipalities": [town], "roles": ["policy_officer"], "team": team, **more}
    await house.done("routing", "/staff", body)


async def _give_to_west(house: House) -> set[str]:
    """Whoever is registered has a caseworker in the team west; the ids of all."""
    async with house.services["intake"].office.database.in_background() as session:
        clients = (await session.execute(text("SELECT id, municipality FROM clients"))).all()
    assigned = CaseworkerAssigned(
        occurred_on=house.services["intake"].clock.today(), by="clock", caseworker_id="west-1", role="any",
        occasion="transfer",
    )  # fmt: skip
    for service in house.services.values():
        async with service.office.database.in_background() as session:
            await follow(session, [(each.id, each.municipality, assigned) for each in clients])
    return {str(each.id) for each in clients}


def _token(house: House, operation: Operation, who: str) -> dict[str, str]:
    role = "caseworker" if "caseworker" in operation.roles else "team_manager"
    return house.services[operation.service].token(role, sub=who)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_route_stands_in_the_table_with_whom_it_is_for(operation: Operation) -> None:
    found = _entry(operation)
    assert found is not None, "say in TABLE whom it is for, and what they see"
    assert set(operation.roles) == found[1]


def test_the_table_names_no_route_that_is_not_there() -> None:
    for service, table in TABLE.items():
        named = [name for names in table.values() for name in names.split()]
        assert sorted(named) == sorted(set(named))
        assert set(named) <= {each.id for each in OPERATIONS if each.service == service}


def _words(refused: httpx.Response) -> dict[str, Any]:
    """What a refusal says, without the number of the request."""
    return {name: said for name, said in refused.json().items() if name != "instance"}


@pytest.mark.parametrize("operation", _showing(CLIENT), ids=str)
async def test_a_client_is_found_in_the_caseworkers_team_and_in_no_other(house: House, operation: Operation) -> None:
    ready = await house.ready(operation)
    await house.settle()
    await _give_to_west(house)
    refused = await house.send(operation, ready, token=_token(house, operation, "east-1"))
    assert refused.status_code == 404, f"{refused.status_code} {refused.text}"
    nobodys = replace(ready, path={name: str(new_id()) for name in ready.path})
    unknown = await house.send(operation, nobodys, token=_token(house, operation, "east-1"))
    assert _words(refused) == _words(unknown), "nobody learns that the client is another team's"
    token = _token(house, operation, "west-1")
    if operation.id == "confirmProposal":  # a person confirms what that person opened
        opened = next(each for each in OPERATIONS if each.id == "readProposal")
        assert (await house.send(opened, replace(ready, body=None), token=token)).is_success
    answer = await house.send(operation, ready, token=token)
    assert answer.is_success, f"{answer.status_code} {answer.text}"


@pytest.mark.parametrize("operation", _showing(CLIENTS), ids=str)
async def test_a_list_leaves_out_the_clients_of_other_teams(house: House, operation: Operation) -> None:
    ready = await house.ready(operation)
    if "scope" in ready.query:  # a municipality's work list is its managers'
        ready = replace(ready, query={**ready.query, "scope": "team"})
    await house.settle()
    clients = await _give_to_west(house)
    answer = await house.send(operation, ready, token=_token(house, operation, "east-1"))
    assert not [each for each in clients if each in answer.text]
    assert answer.status_code in {200, 201, 400, 403, 404}
    seen = await house.send(operation, ready, token=_token(house, operation, "west-1"))
    opened_first = operation.id == "confirmProposals"  # a person confirms what that person opened
    assert seen.is_success or (opened_first and seen.status_code == 409)


async def test_a_bsn_tells_that_another_team_has_the_client_and_a_name_does_not(house: House) -> None:
    person = house.person()
    client = (await house.done("intake", "/clients", person))["id"]
    await house.client(LEIDSCHENDAM, bsn=person["bsn"])
    await _give_to_west(house)
    intake, routing = house.services["intake"], house.services["routing"]
    east = intake.token("caseworker", sub="east-1", municipalities=[VOORSCHOTEN])
    by_name = {"familyName": person["name"]["family"], "birthYear": int(person["birthDate"][:4])}
    assert client not in str(await intake.done("/client-searches", by_name, headers=east))
    assert client not in str(await intake.done("/client-searches", {"ids": [client]}, headers=east))

    found = await intake.done("/client-searches", {"bsn": person["bsn"]}, headers=east)
    [link] = found["outOfSight"][0]["links"]
    assert found == {
        "items": [], "more": False,
        "outOfSight": [{"id": client, "municipality": VOORSCHOTEN, "inSight": False, "links": [link]}],
    }  # fmt: skip
    async with intake.office.database.in_background() as session:
        logged = await session.execute(
            text("SELECT action, detail FROM audit_entries WHERE actor = 'staff:east-1' AND client_id = :client"),
            {"client": client},
        )
        assert [tuple(row) for row in logged] == [("client.found", "bsn, out of sight")]

    path = link["href"].partition("/routing/v1")[2]
    why = {"municipality": VOORSCHOTEN, "reason": "Staat aan de balie"}
    await routing.done(path, why, headers=routing.token("caseworker", sub="east-1"))
    await house.settle()
    opened = await intake.done("/client-searches", {"bsn": person["bsn"]}, headers=east)
    assert ([each["id"] for each in opened["items"]], opened["outOfSight"]) == ([client], [])


async def test_in_an_emergency_a_client_of_another_team_is_opened_in_all_services_for_a_while(house: House) -> None:
    client, other = await house.categorised(), await house.categorised()
    await _give_to_west(house)
    routing, body = (
        house.services["routing"],
        {"municipality": VOORSCHOTEN, "reason": "Dreigt vannacht op straat te staan"},
    )
    doors = (
        ("intake", "/clients/{}"), ("diagnosis", "/clients/{}/category"), ("routing", "/clients/{}/journey"),
        ("reporting", "/clients/{}/timeline"),
    )  # fmt: skip

    async def opens(whose: str, sub: str = "east-1") -> list[int]:
        found = []
        for service, path in doors:
            there = house.services[service]
            answer = await there.get(path.format(whose), headers=there.token("caseworker", sub=sub))
            found.append(answer.status_code)
        return found

    async def takes(whose: str) -> dict[str, Any]:
        path = f"/clients/{whose}/emergency-accesses"
        return await routing.done(path, body, headers=routing.token("caseworker", sub="east-1"))

    assert await opens(client) == [404] * 4
    taken, nobody = await takes(client), await takes(str(new_id()))
    await house.settle()
    assert taken.keys() == nobody.keys(), "an id that nobody has is answered alike"
    assert await opens(client) == [200] * 4
    assert await opens(client, "east-2") == [404] * 4
    assert await opens(other) == [404] * 4, "it opens one client"

    assigned = CaseworkerAssigned(
        occurred_on=routing.clock.today(), by="clock", caseworker_id="w-gm0626", role="any", occasion="transfer"
    )
    await routing.hear(UUID(client), assigned, municipality=VOORSCHOTEN)
    assert (await opens(client))[2] == 200, "another caseworker changes nothing about it"

    manager = routing.token("team_manager", sub="s-1")
    listed = (await routing.get("/emergency-accesses", headers=manager, reviewed=False)).json()["items"]
    by_client = {each["clientId"]: each for each in listed}
    assert (by_client[client]["opened"], by_client[client]["staffId"], by_client[client]["reason"]) == (
        True, "east-1", body["reason"],
    )  # fmt: skip
    assert by_client[nobody["clientId"]]["opened"] is False, "who fishes is seen"
    items = (await routing.get("/worklist", headers=manager, scope="team", clientId=client)).json()["items"]
    assert "emergency_access" in [each["reason"] for each in items]
    told = await house.get("reporting", f"/clients/{client}/timeline?kind=EmergencyAccessTaken")
    assert body["reason"] not in str(told)
    assert [each["by"] for each in told["items"]] == ["staff:east-1"]
    path = f"/emergency-accesses/{taken['id']}/reviews"
    both = routing.token("team_manager", "caseworker", sub="east-1")
    assert (await routing.post(path, {"justified": True}, headers=both)).status_code == 403, "not by who took it"
    assert (await routing.done(path, {"justified": True}, headers=manager))["justified"] is True
    items = (await routing.get("/worklist", headers=manager, scope="team", clientId=client)).json()["items"]
    assert "emergency_access" not in [each["reason"] for each in items]

    for service in house.services.values():
        async with service.office.database.in_background() as session:
            await session.execute(text("UPDATE openings SET until = until - interval '4 hours'"))
    assert await opens(client) == [404] * 4, "it is over"


async def test_access_is_taken_by_a_person_in_the_towns_of_the_token_only(house: House) -> None:
    routing = house.services["routing"]
    body, path = (
        {"municipality": LEIDSCHENDAM, "reason": "Staat aan de balie"},
        f"/clients/{new_id()}/emergency-accesses",
    )
    for token in (
        routing.token("caseworker", sub="east-1", municipalities=[VOORSCHOTEN]), routing.token("caseworker", sub=None),
        routing.token("front_end", sub=None),
    ):  # fmt: skip
        assert (await routing.post(path, body, headers=token)).status_code == 403
    unfounded = await routing.post(
        path, {**body, "reason": "zomaar"}, headers=routing.token("caseworker", sub="east-1")
    )
    assert unfounded.status_code == 400


@pytest.mark.parametrize("operation", _showing(OWN), ids=str)
async def test_a_partner_finds_nothing_of_another_partner(house: House, operation: Operation) -> None:
    ready = await house.ready(operation)
    other = house.headers(operation.service, "somebody-else")
    assert (await house.send(operation, ready, token=other)).status_code == 404
    assert (await house.send(operation, ready)).is_success


@pytest.mark.parametrize("role", ["policy_officer", "council_reader", "operator"])
def test_who_steers_or_runs_the_system_opens_no_client(role: str) -> None:
    opened = {each.id for each in _showing(CLIENT) if role in each.roles}
    assert opened <= {"listAlternatives", "readReceipt", "readReferral"}, "decisions and deliveries, without a person"


async def test_a_town_without_teams_is_one_team(house: House) -> None:
    assert ELSEWHERE not in {VOORSCHOTEN, LEIDSCHENDAM}
    client = await house.categorised()
    async with house.services["routing"].office.database.in_background() as session:
        await session.execute(text("UPDATE colleagues SET team = NULL, manages = '{}'"))
        await session.commit()
    token = house.services["routing"].token("caseworker", sub="nobody-knows")
    answer = await house.services["routing"].get(f"/clients/{client}/journey", headers=token)
    assert answer.status_code == 200
