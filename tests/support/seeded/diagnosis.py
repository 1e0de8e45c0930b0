from typing import Any

from tests.support.seeded.house import VOORSCHOTEN, House, Ready
from tests.support.seeded.valid import of_client, plain, valid
from tests.support.service import POLICIES

plain("diagnosis", "listQuestionnaires", "listProposals", "listInvitations")
plain("diagnosis", "listChoices", query={"municipality": VOORSCHOTEN})
plain("diagnosis", "askForReassessments", body={"municipality": VOORSCHOTEN, "categories": ["1A"]})
for _operation in ("listAssessments", "readCategory", "listExemptions", "listIndicationRequests"):
    of_client("diagnosis", _operation, categorised=True)
of_client("diagnosis", "makeAssessment", {"questionnaire": "diagnose", "facts": {"distance_months": 8}})
of_client("diagnosis", "requestIndication", {"kind": "job_agreement"})


async def _proposed(house: House) -> dict[str, Any]:
    return await house.proposal(await house.client())


@valid("diagnosis", "readAssessment")
async def _read_assessment(house: House) -> Ready:
    return Ready({"assessment_id": (await _proposed(house))["assessmentId"]})


@valid("diagnosis", "correctAssessment")
async def _correct_assessment(house: House) -> Ready:
    body = {"facts": {"distance_months": 13}, "reason": "Drie en dertien verwisseld"}
    return Ready({"assessment_id": (await _proposed(house))["assessmentId"]}, body)


@valid("diagnosis", "readProposal", "listAlternatives")
async def _read_proposal(house: House) -> Ready:
    return Ready({"proposal_id": (await _proposed(house))["id"]})


@valid("diagnosis", "confirmProposal")
async def _confirm_proposal(house: House) -> Ready:
    return Ready({"proposal_id": (await _proposed(house))["id"]}, {})


@valid("diagnosis", "overrideProposal")
async def _override_proposal(house: House) -> Ready:
    body = {"category": "1A", "reason": "Heeft een toezegging van een werkgever"}
    return Ready({"proposal_id": (await _proposed(house))["id"]}, body)


@valid("diagnosis", "confirmProposals")
async def _confirm_proposals(house: House) -> Ready:
    proposal = (await _proposed(house))["id"]
    await house.get("diagnosis", f"/proposals/{proposal}")
    return Ready(body={"proposalIds": [proposal]})


@valid("diagnosis", "readReceipt")
async def _read_receipt(house: House) -> Ready:
    return Ready({"receipt_id": (await _proposed(house))["receipt"]["receiptId"]})


async def _exemption(house: House) -> str:
    client = await house.categorised(distance_months=8, exemption={"reason": "ziekte", "until": house.day(90)})
    [exemption] = (await house.get("diagnosis", f"/clients/{client}/exemptions"))["items"]
    return str(exemption["id"])


@valid("diagnosis", "readExemption")
async def _read_exemption(house: House) -> Ready:
    return Ready({"exemption_id": await _exemption(house)})


@valid("diagnosis", "endExemption")
async def _end_exemption(house: House) -> Ready:
    return Ready({"exemption_id": await _exemption(house)}, {})


async def _indication_request(house: House) -> str:
    path = f"/clients/{await house.client()}/indication-requests"
    return str((await house.done("diagnosis", path, {"kind": "job_agreement"}))["id"])


@valid("diagnosis", "readIndicationRequest")
async def _read_indication_request(house: House) -> Ready:
    return Ready({"request_id": await _indication_request(house)})


@valid("diagnosis", "recordIndicationDecision")
async def _record_indication_decision(house: House) -> Ready:
    return Ready({"request_id": await _indication_request(house)}, {"granted": True})


plain("diagnosis", "listPolicyTrials")


def _draft() -> dict[str, Any]:
    """The policy in force, as a draft."""
    name = "voorschoten/2024-01-01.yaml"
    return {"municipality": VOORSCHOTEN, "on": "2024-02-01", "files": {name: (POLICIES / name).read_text()}}


@valid("diagnosis", "askForPolicyTrial")
async def _ask_for_policy_trial(_: House) -> Ready:
    return Ready(body=_draft())


@valid("diagnosis", "readPolicyTrial", "listPolicyTrialMoves")
async def _read_policy_trial(house: House) -> Ready:
    return Ready({"trial_id": (await house.done("diagnosis", "/policy-trials", _draft()))["id"]})


@valid("diagnosis", "readExtract")
async def _read_extract(house: House) -> Ready:
    return Ready({"client_id": await house.categorised()})
