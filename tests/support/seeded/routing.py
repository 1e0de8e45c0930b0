from typing import Any

from tests.support.seeded.house import LEIDSCHENDAM, VOORSCHOTEN, House, Ready
from tests.support.seeded.valid import of_client, plain, valid

plain("routing", "listClientsWithoutCaseworker", "listStaff", "listHandovers")
plain("routing", "enterStaff", body={"id": "s-9", "municipalities": [VOORSCHOTEN], "roles": ["work_consultant"]})
plain("routing", "followWorklist", query={"scope": "municipality"})
of_client("routing", "followClient")
plain("routing", "listChoices", query={"municipality": VOORSCHOTEN})
plain("routing", "readWorklist", "countWorklist", query={"scope": "municipality"})
plain("routing", "listAbsences")


@valid("routing", "readStaff")
async def _read_staff(house: House) -> Ready:
    return Ready({"staff_id": await _newcomer(house)})


@valid("routing", "changeStaff")
async def _change_staff(house: House) -> Ready:
    return Ready({"staff_id": await _newcomer(house)}, {"hoursPerWeek": 28.5}, headers={"If-Match": "*"})


@valid("routing", "importStaff")
async def _import_staff(house: House) -> Ready:
    house.newcomers += 1
    line = f"new-{house.newcomers},{VOORSCHOTEN},trainer"
    return Ready(body=f"id,municipalities,roles\n{line}\n", headers={"Content-Type": "text/csv"})


async def _newcomer(house: House, **more: Any) -> str:
    """Somebody new on the staff of Voorschoten, whose roles no client there needs."""
    house.newcomers += 1
    body = {"id": f"new-{house.newcomers}", "municipalities": [VOORSCHOTEN], "roles": ["trainer"], **more}
    await house.done("routing", "/staff", body)
    return str(body["id"])


async def _absence(house: House) -> dict[str, Any]:
    newcomer = await _newcomer(house)
    return {"municipality": VOORSCHOTEN, "staffId": newcomer, "firstDay": house.day(1), "lastDay": house.day(9)}


@valid("routing", "enterAbsence")
async def _enter_absence(house: House) -> Ready:
    return Ready(body=await _absence(house))


@valid("routing", "endAbsence")
async def _end_absence(house: House) -> Ready:
    absence = await house.done("routing", "/absences", await _absence(house))
    return Ready({"absence_id": absence["id"]}, {"lastDay": absence["firstDay"]})


@valid("routing", "chooseDeputy")
async def _choose_deputy(house: House) -> Ready:
    absence = await house.done("routing", "/absences", await _absence(house))
    return Ready({"absence_id": absence["id"]}, {"deputyId": await _newcomer(house)})


@valid("routing", "cancelAbsence")
async def _cancel_absence(house: House) -> Ready:
    absence = await house.done("routing", "/absences", await _absence(house))
    return Ready({"absence_id": absence["id"]}, {"reason": "Bij de verkeerde collega"})


@valid("routing", "transferClients")
async def _transfer_clients(house: House) -> Ready:
    return Ready({"staff_id": await _newcomer(house)}, {"municipality": VOORSCHOTEN, "note": "Warm overgedragen"})


@valid("routing", "transferClient")
async def _transfer_client(house: House) -> Ready:
    client = await house.categorised(LEIDSCHENDAM)
    colleague = await _newcomer(house, municipalities=[LEIDSCHENDAM], roles=["work_consultant"])
    return Ready({"client_id": client}, {"toId": colleague, "note": "Kent de familie"})


for _operation in ("readJourney", "listDeadlines", "listAgreements"):
    of_client("routing", _operation, categorised=True)
for _operation, _body in {
    "startRoute": {"route": "focus_op_werk"},
    "useInstrument": {"instrument": "schooling", "goal": "work", "cost": 100},
    "suspend": {"reason": "illness"},
    "holdConversation": {"kind": "face_to_face"},
    "agree": {"agreed": "Komt dinsdag"},
    "workPartTime": {"hoursPerWeek": 12, "incomePerMonth": 480.5},
    "leave": {"reason": "work"},
}.items():
    of_client("routing", _operation, _body, categorised=True)


@valid("routing", "moveDeadline")
async def _move_deadline(house: House) -> Ready:
    client = await house.categorised()
    await house.done("routing", f"/clients/{client}/routes", {"route": "focus_op_werk"})
    open_now = [
        each
        for each in (await house.get("routing", f"/clients/{client}/deadlines"))["items"]
        if each["state"] == "open"
    ]
    return Ready({"deadline_id": open_now[0]["id"]}, {"to": house.day(30), "reason": "Op vakantie"})


@valid("routing", "endRoute")
async def _end_route(house: House) -> Ready:
    path = f"/clients/{await house.categorised()}/routes"
    return Ready({"route_id": (await house.done("routing", path, {"route": "focus_op_werk"}))["id"]}, {})


@valid("routing", "endInstrument")
async def _end_instrument(house: House) -> Ready:
    path = f"/clients/{await house.categorised()}/instruments"
    used = await house.done("routing", path, {"instrument": "schooling", "goal": "work"})
    return Ready({"use_id": used["id"]}, {})


async def with_ips(house: House) -> tuple[str, str]:
    """A client for whom an instrument is used that has a usual and a longest time, and its use."""
    client = await house.categorised()
    body = {"instrument": "ips", "goal": "work", "facts": {"mental_health_problems": True}}
    return client, str((await house.done("routing", f"/clients/{client}/instruments", body))["id"])


@valid("routing", "extendInstrument")
async def _extend_instrument(house: House) -> Ready:
    _, use = await with_ips(house)
    return Ready({"use_id": use}, {"until": house.day(900), "reason": "Gaat goed"})


@valid("routing", "endSuspension")
async def _end_suspension(house: House) -> Ready:
    path = f"/clients/{await house.categorised()}/suspensions"
    return Ready({"suspension_id": (await house.done("routing", path, {"reason": "illness"}))["id"]}, {})


@valid("routing", "readHandover")
async def _read_handover(house: House) -> Ready:
    return Ready({"handover_id": await house.handover()})


@valid("routing", "prepareHandover")
async def _prepare_handover(house: House) -> Ready:
    return Ready({"handover_id": await house.handover()}, {"note": "Dossier besproken"})


@valid("routing", "acceptHandover")
async def _accept_handover(house: House) -> Ready:
    return Ready({"handover_id": await house.handover("preparations")}, {})


@valid("routing", "returnHandover")
async def _return_handover(house: House) -> Ready:
    return Ready({"handover_id": await house.handover("preparations")}, {"reason": "De afspraken ontbreken"})


async def _agreement(house: House, client: str) -> str:
    return str((await house.done("routing", f"/clients/{client}/agreements", {"agreed": "Komt dinsdag"}))["id"])


async def _broken(house: House, client: str) -> str:
    """An agreement that was not kept."""
    agreement = await _agreement(house, client)
    await house.done("routing", f"/agreements/{agreement}/misses")
    return agreement


@valid("routing", "keepAgreement", "missAgreement", "extendAgreement")
async def _answer_agreement(house: House) -> Ready:
    return Ready({"agreement_id": await _agreement(house, await house.categorised())}, {})


@valid("routing", "correctAgreement")
async def _correct_agreement(house: House) -> Ready:
    body = {"agreed": "Komt woensdag", "reason": "De verkeerde dag"}
    return Ready({"agreement_id": await _agreement(house, await house.categorised())}, body)


@valid("routing", "revertAgreement")
async def _revert_agreement(house: House) -> Ready:
    broken = await _broken(house, await house.categorised())
    return Ready({"agreement_id": broken}, {"reason": "Was er wel"})


@valid("routing", "takeStep")
async def _take_step(house: House) -> Ready:
    return Ready({"agreement_id": await _broken(house, await house.categorised())}, {"step": "talk"})


async def _conversation(house: House) -> str:
    path = f"/clients/{await house.categorised()}/conversations"
    return str((await house.done("routing", path, {"kind": "face_to_face"}))["id"])


@valid("routing", "correctConversation")
async def _correct_conversation(house: House) -> Ready:
    body = {"kind": "telephone", "heldOn": house.today, "faceToFace": False, "reason": "Het was aan de telefoon"}
    return Ready({"conversation_id": await _conversation(house)}, body)


@valid("routing", "cancelConversation")
async def _cancel_conversation(house: House) -> Ready:
    return Ready({"conversation_id": await _conversation(house)}, {"reason": "Bij een andere klant"})


async def _job(house: House) -> str:
    path = f"/clients/{await house.categorised()}/part-time-work"
    return str((await house.done("routing", path, {"hoursPerWeek": 12, "incomePerMonth": 600}))["id"])


@valid("routing", "correctPartTimeWork")
async def _correct_part_time_work(house: House) -> Ready:
    body = {"hoursPerWeek": 16, "incomePerMonth": 800, "reason": "Loonstrook"}
    return Ready({"work_id": await _job(house)}, body)


@valid("routing", "endPartTimeWork")
async def _end_part_time_work(house: House) -> Ready:
    return Ready({"work_id": await _job(house)}, {})


@valid("routing", "imposeMeasure")
async def _impose_measure(house: House) -> Ready:
    client = await house.categorised()
    await house.done("routing", f"/agreements/{await _broken(house, client)}/steps", {"step": "talk"})
    await _broken(house, client)
    body = {"ground": "Kwam niet", "percentage": 20, "startsOn": house.day(1), "endsOn": house.day(30)}
    return Ready({"client_id": client}, body)


@valid("routing", "revertExit")
async def _revert_exit(house: House) -> Ready:
    return Ready({"exit_id": (await house.exit())[1]}, {"reason": "De verkeerde klant"})


@valid("routing", "checkAllowances")
async def _check_allowances(house: House) -> Ready:
    return Ready({"exit_id": (await house.exit())[1]}, {})


@valid("routing", "comeBack")
async def _come_back(house: House) -> Ready:
    return Ready({"client_id": (await house.exit())[0]}, {})


@valid("routing", "readExtract")
async def _read_extract(house: House) -> Ready:
    return Ready({"client_id": await house.categorised()})


TAKEN = {"municipality": VOORSCHOTEN, "reason": "Staat aan de balie zonder onderdak"}
of_client("routing", "takeEmergencyAccess", TAKEN)
plain("routing", "listEmergencyAccesses")


async def emergency(house: House) -> tuple[str, str]:
    """A client whom somebody of another team opened, and that access."""
    client = await house.client()
    token = house.services["routing"].token("caseworker", sub="somebody")
    path = f"/clients/{client}/emergency-accesses"
    taken = await house.services["routing"].done(path, TAKEN, headers=token)
    await house.settle()
    return client, str(taken["id"])


@valid("routing", "reviewEmergencyAccess")
async def _review_emergency_access(house: House) -> Ready:
    _, access = await emergency(house)
    return Ready({"access_id": access}, {"justified": True})
