from tests.support.seeded.house import VOORSCHOTEN, House, Ready
from tests.support.seeded.operations import OPERATIONS
from tests.support.seeded.valid import of_client, plain, valid

plain("intake", "listChoices", query={"municipality": VOORSCHOTEN})


@valid("intake", "registerClient")
async def _register_client(house: House) -> Ready:
    return Ready(body=house.person())


@valid("intake", "searchClients")
async def _search_clients(house: House) -> Ready:
    person = house.person()
    await house.done("intake", "/clients", person)
    return Ready(body={"familyName": person["name"]["family"], "birthYear": int(person["birthDate"][:4])})


@valid("intake", "correctClient")
async def _correct_client(house: House) -> Ready:
    return Ready({"client_id": await house.client()}, {"language": "fr"}, headers={"If-Match": "*"})


@valid("intake", "mergeClient")
async def _merge_client(house: House) -> Ready:
    return Ready({"client_id": await house.client()}, {"into": await house.client()})


@valid("intake", "readMerger")
async def _read_merger(house: House) -> Ready:
    return Ready({"merger_id": await _merger(house)})


@valid("intake", "revertMerger")
async def _revert_merger(house: House) -> Ready:
    return Ready({"merger_id": await _merger(house)}, {"reason": "Twee zussen"})


async def _merger(house: House) -> str:
    survivor = await house.client()
    await house.done("intake", f"/clients/{await house.client()}/mergers", {"into": survivor})
    [merger] = (await house.get("intake", f"/clients/{survivor}/mergers"))["items"]
    made: str = merger["id"]
    return made


@valid("intake", "readIdentity")
async def _read_identity(house: House) -> Ready:
    return Ready({"client_id": await house.client()}, query={"fields": "name,contact", "purpose": "participation"})


for _operation in (
    "readClient", "listMergers", "listNotifications", "listApplications", "listIntakes", "listLanguageTests",
    "listLetters",
):  # fmt: skip
    of_client("intake", _operation)
for _operation in ("recordDeath", "recordDeparture", "addNotification"):
    of_client("intake", _operation, {})
of_client("intake", "cancelRegistration", {"reason": "De verkeerde persoon"})
of_client("intake", "addLanguageTest", {"passed": True})


@valid("intake", "restoreRegistration")
async def _restore_registration(house: House) -> Ready:
    client = await house.client()
    await house.done("intake", f"/clients/{client}/deaths")
    return Ready({"client_id": client}, {"reason": "De verkeerde persoon"})


@valid("intake", "readTransferFile")
async def _read_transfer_file(house: House) -> Ready:
    client = await house.categorised()
    await house.done("intake", f"/clients/{client}/departures", {"toMunicipality": "GM1916"})
    await house.settle()
    return Ready({"client_id": client}, query={"purpose": "transfer"})


@valid("intake", "readNotification")
async def _read_notification(house: House) -> Ready:
    return Ready({"notification_id": (await house.notification())[1]})


@valid("intake", "divertNotification")
async def _divert_notification(house: House) -> Ready:
    return Ready({"notification_id": (await house.notification())[1]}, {"divertedTo": "vacancy"})


@valid("intake", "fileApplication")
async def _file_application(house: House) -> Ready:
    return Ready({"client_id": (await house.notification())[0]}, {})


@valid("intake", "readApplication")
async def _read_application(house: House) -> Ready:
    return Ready({"application_id": (await house.application())[1]})


@valid("intake", "withdrawApplication")
async def _withdraw_application(house: House) -> Ready:
    return Ready({"application_id": (await house.application())[1]}, {})


@valid("intake", "decideApplication")
async def _decide_application(house: House) -> Ready:
    return Ready({"application_id": (await house.application())[1]}, {"outcome": "refused", "reason": "Vermogen"})


_SESSION = {"municipality": VOORSCHOTEN, "heldOn": "2024-02-01", "place": "Gemeentehuis", "capacity": 20}
plain("intake", "planSession", body=_SESSION)
plain("intake", "listSessions")


@valid("intake", "readSession")
async def _read_session(house: House) -> Ready:
    return Ready({"session_id": (await house.done("intake", "/information-sessions", _SESSION))["id"]})


@valid("intake", "recordAttendances")
async def _record_attendances(house: House) -> Ready:
    session = (await house.done("intake", "/information-sessions", _SESSION))["id"]
    return Ready({"session_id": session}, {"attended": [await house.client()], "absent": [await house.client()]})


@valid("intake", "addIntake")
async def _add_intake(house: House) -> Ready:
    client = await house.client()
    await house.proposal(client)
    return Ready({"client_id": client}, {"signals": ["debts"], "languageProof": False})


@valid("intake", "readIntake")
async def _read_intake(house: House) -> Ready:
    client = await house.client()
    await house.proposal(client)
    return Ready({"intake_id": (await house.done("intake", f"/clients/{client}/intakes"))["id"]})


@valid("intake", "addIntegrationPlan", "listIntegrationPlans")
async def _add_integration_plan(house: House) -> Ready:
    return Ready({"client_id": await house.client(permitHolder=True)}, {})


@valid("intake", "readIntegrationPlan")
async def _read_integration_plan(house: House) -> Ready:
    plan = await house.done("intake", f"/clients/{await house.client(permitHolder=True)}/integration-plans")
    return Ready({"plan_id": plan["id"]})


@valid("intake", "readLanguageTest")
async def _read_language_test(house: House) -> Ready:
    test = await house.done("intake", f"/clients/{await house.client()}/language-tests", {"passed": False})
    return Ready({"language_test_id": test["id"]})


@valid("intake", "readLetter")
async def _read_letter(house: House) -> Ready:
    [letter, *_] = (await house.get("intake", f"/clients/{await house.categorised()}/letters"))["items"]
    return Ready({"letter_id": letter["id"]})


@valid("intake", "previewLetter")
async def _preview_letter(house: House) -> Ready:
    return Ready({"client_id": await house.categorised()}, {"kind": "handover"})


def _caseload(house: House) -> str:
    person = house.person()
    columns = "municipality,bsn,family_name,birth_date\n"
    return f"{columns}{VOORSCHOTEN},{person['bsn']},Ven,1970-03-02\n"


@valid("intake", "importCaseload")
async def _import_caseload(house: House) -> Ready:
    return Ready(body=_caseload(house), headers={"Content-Type": "text/csv"})


@valid("intake", "readImport")
async def _read_import(house: House) -> Ready:
    [importing] = [each for each in OPERATIONS if each.id == "importCaseload"]
    of_voorschoten = house.headers("intake", municipalities=[VOORSCHOTEN])
    made = await house.send(importing, await house.ready(importing), token=of_voorschoten)
    assert made.is_success, made.text
    return Ready({"import_id": made.json()["id"]})
