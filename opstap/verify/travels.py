"""Diagnosis' own projection of the clients' ways: what it keeps of routes, referrals and costs is what it heard."""

import json
from uuid import UUID

from diagnosis.trials.course import TOLD
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Comparison, Difference, only
from opstap.verify.standing import Fields


async def kept(evidence: Evidence) -> list[Difference]:
    """I9: each event of a way that was handled is kept once, in its own words, with the client as who they go now."""
    rows = await evidence.rows("diagnosis", "SELECT event_id, client_id, municipality, type, data FROM travels")
    found = only([{**row, "said": _written(row["data"])} for row in rows], "event_id")
    clients: dict[UUID, UUID] = {id: row["client_id"] for id, row in found.items()}
    expected: dict[UUID, Fields] = {}
    for each in evidence.events(*TOLD):
        if each.id in evidence.heard["diagnosis"] or each.id in found:
            now = clients[each.id] = evidence.families.now(each.subject)
            if each.id not in found and not evidence.families.stands(each):
                continue  # it fell with a merger that was undone
            expected[each.id] = {
                "client_id": {now},
                "municipality": {each.municipality},
                "type": {each.data.type()},
                "said": {_written(each.data.model_dump_json(by_alias=True))},
            }
    remedy = "restore travels of diagnosis from its backup"
    return list(Comparison("kept", "diagnosis", "kept event", remedy).differ(expected, found, clients))


def _written(data: str) -> str:
    """The same event in the same letters."""
    return json.dumps(json.loads(data), sort_keys=True)
