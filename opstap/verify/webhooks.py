"""Webhooks: what partners tells a partner was delivered, or is listed; and the partners' own ledgers agree."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts import Envelope
from contracts.partners import (
    GroupChanged,
    GroupFilled,
    ReferralClosed,
    ReferralOverdue,
    ReferralSent,
    ReferredPersonCorrected,
)
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Difference

Ledgers = Mapping[str, Mapping[str, int]]
"""By endpoint (its id, its URL or the last part of that): how often each `webhook-id` was received."""

LISTENING = ("active", "disabled")

_ENDPOINTS = "SELECT id, municipality, partner, url, events, state FROM endpoints"
_DELIVERIES = (
    "SELECT d.id, d.endpoint_id, d.event_id, d.event_type, d.subject, d.attempts, d.state, d.recorded_at,"
    " d.body IS NOT NULL AS kept,"
    " EXISTS (SELECT FROM attempts a WHERE a.delivery_id = d.id AND a.failure IS NULL) AS arrived FROM deliveries d"
)
_STILL_OPEN = (  # an endpoint that begins to listen is told of these as well
    "SELECT sent_event FROM referrals WHERE sent_event IS NOT NULL"
    " AND state IN ('sent', 'acknowledged', 'accepted', 'started', 'held')"
)
_STRAY_ATTEMPTS = (
    "SELECT DISTINCT delivery_id AS id FROM attempts a"
    " WHERE NOT EXISTS (SELECT FROM deliveries d WHERE d.id = a.delivery_id)"
)


@dataclass
class Post:
    """What partners keeps of its webhooks."""

    endpoints: Mapping[UUID, Mapping[str, Any]]
    deliveries: list[Mapping[str, Any]]
    clients: Mapping[UUID, UUID]
    """Of each event whose it is."""

    @classmethod
    async def of(cls, evidence: Evidence) -> "Post":
        """As it stands in the tables."""
        endpoints = {row["id"]: row for row in await evidence.rows("partners", _ENDPOINTS)}
        clients = {
            each.id: evidence.families.now(each.subject)
            for each in evidence.said["partners"]
            if each.data.about == "client"
        }
        return cls(endpoints, await evidence.rows("partners", _DELIVERIES), clients)

    def of_endpoint(self) -> Mapping[UUID, Collection[Mapping[str, Any]]]:
        """The deliveries of each endpoint."""
        found: defaultdict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self.deliveries:
            found[row["endpoint_id"]].append(row)
        return found


async def each_has_its_deliveries(evidence: Evidence) -> list[Difference]:
    """I6: every event that an endpoint listens to has a delivery, from the first that it was told of on."""
    post = await Post.of(evidence)
    deliveries = post.of_endpoint()
    still_open = {row["sent_event"] for row in await evidence.rows("partners", _STILL_OPEN)}
    told = list(_told(evidence))
    return [
        difference
        for endpoint in post.endpoints.values()
        if endpoint["state"] in LISTENING
        for difference in _undelivered(post, endpoint, deliveries.get(endpoint["id"], ()), told, still_open)
    ]


async def deliveries_stand(evidence: Evidence) -> list[Difference]:
    """I6, I7: each delivery is of an event; what counts as delivered has an attempt that arrived, and its bytes."""
    post = await Post.of(evidence)
    known = {each.id for each in evidence.said["partners"]}
    backup = "restore the tables of partners from the backup"
    differences = []
    for row in post.deliveries:
        what = f"delivery {row['id']} of event {row['event_id']}"
        if row["event_id"] not in known:
            found = "no such event"
            differences.append(_difference(post, "deliveries_stand", what, "its event", found, row["event_id"], backup))
        if row["state"] == "delivered" and not (row["arrived"] and row["kept"]):
            again = f"POST /v1/deliveries/{row['id']}/replays"
            expected, found = "an attempt that arrived, and its bytes", "none"
            differences.append(_difference(post, "deliveries_stand", what, expected, found, row["event_id"], again))
    for row in await evidence.rows("partners", _STRAY_ATTEMPTS):
        what = f"delivery {row['id']}"
        differences.append(_difference(post, "deliveries_stand", what, "its row", "only its attempts", None, backup))
    return differences


async def under_way(evidence: Evidence) -> list[Difference]:
    """I6: what is not delivered yet, or was given up, with what to do about it."""
    post = await Post.of(evidence)
    listed = []
    for row in post.deliveries:
        if row["state"] in {"delivered", "called_back"}:
            continue
        endpoint = post.endpoints.get(row["endpoint_id"], {"state": "unknown", "url": "?"})
        found = f"{row['state']}; the endpoint is {endpoint['state']}"
        remedy = "wait: it is tried again" if row["state"] == "pending" else f"POST /v1/deliveries/{row['id']}/replays"
        if endpoint["state"] == "disabled":
            remedy = f"approve the endpoint again: POST /v1/endpoints/{row['endpoint_id']}/approvals"
        what = f"delivery {row['id']} of event {row['event_id']} to {endpoint['url']}"
        listed.append(_difference(post, "under_way", what, "delivered", found, row["event_id"], remedy))
    return listed


async def by_their_own_account(evidence: Evidence, ledgers: Ledgers) -> list[Difference]:
    """I6: each partner received what we count as delivered, and nothing that we did not send."""
    post = await Post.of(evidence)
    deliveries = post.of_endpoint()
    differences: list[Difference] = []
    for endpoint_id, endpoint in post.endpoints.items():
        ledger = _ledger_of(endpoint, ledgers)
        if ledger is None:
            if deliveries.get(endpoint_id):
                what, remedy = f"endpoint {endpoint_id} ({endpoint['url']})", "ask the partner for it"
                differences.append(_difference(post, "by_their_own_account", what, "a ledger", "none", None, remedy))
        else:
            differences += _unaccounted(post, endpoint, deliveries.get(endpoint_id, ()), ledger)
    return differences


def read_ledgers(file: Path) -> Ledgers:
    """The partners' own ledgers, from a JSON file `{endpoint: {webhook-id: times}}`."""
    ledgers: Ledgers = json.loads(file.read_text())
    return ledgers


def _told(evidence: Evidence) -> Iterator[Envelope[Any]]:
    """What partners tells partners: of a closed referral only whom it had told of it."""
    sent: set[UUID] = set()
    for each in evidence.events(
        ReferralSent, ReferralOverdue, ReferralClosed, ReferredPersonCorrected, GroupFilled, GroupChanged
    ):
        if isinstance(each.data, ReferralSent):
            sent.add(each.data.referral_id)
        if not isinstance(each.data, ReferralClosed) or each.data.referral_id in sent:
            yield each


def _concerns(each: Envelope[Any], endpoint: Mapping[str, Any]) -> bool:
    place = (each.municipality, each.data.partner)
    return each.data.type() in endpoint["events"] and place == (endpoint["municipality"], endpoint["partner"])


def _undelivered(
    post: Post,
    endpoint: Mapping[str, Any],
    deliveries: Collection[Mapping[str, Any]],
    told: Collection[Envelope[Any]],
    still_open: Collection[UUID],
) -> Iterator[Difference]:
    """What the endpoint should have been told: all since its first message, and the referrals that are open."""
    there = {row["event_id"] for row in deliveries}
    unheard = {
        row["subject"]
        for row in deliveries
        if (row["state"], row["attempts"], row["event_type"]) == ("called_back", 0, ReferralSent.type())
    }  # withdrawn before they went out, so that their end is none of its business
    listens_since = min((row["recorded_at"] for row in deliveries), default=datetime.max.replace(tzinfo=UTC))
    for each in told:
        due = each.id in still_open or listens_since < each.recorded_at
        if isinstance(each.data, ReferralClosed) and each.data.referral_id in unheard:
            continue
        if due and each.id not in there and _concerns(each, endpoint):
            what = f"event {each.id} ({type(each.data).__name__})"
            expected, remedy = f"a delivery to {endpoint['url']}", "restore the deliveries of partners from the backup"
            yield _difference(post, "each_has_its_deliveries", what, expected, "none", each.id, remedy)


def _ledger_of(endpoint: Mapping[str, Any], ledgers: Ledgers) -> Mapping[str, int] | None:
    names = (str(endpoint["id"]), endpoint["url"], endpoint["url"].rstrip("/").rpartition("/")[2])
    return next((ledgers[name] for name in names if name in ledgers), None)


def _unaccounted(
    post: Post, endpoint: Mapping[str, Any], deliveries: Collection[Mapping[str, Any]], ledger: Mapping[str, int]
) -> Iterator[Difference]:
    sent = {str(row["event_id"]): row for row in deliveries}
    for message, row in sent.items():
        if row["state"] == "delivered" and not ledger.get(message):
            what, remedy = f"delivery {row['id']} of event {message}", f"POST /v1/deliveries/{row['id']}/replays"
            found = f"not in the ledger of {endpoint['url']}"
            yield _difference(post, "by_their_own_account", what, "received", found, row["event_id"], remedy)
    for message in ledger.keys() - sent.keys():
        found = f"received by {endpoint['url']}"
        remedy = "restore the deliveries of partners from the backup; if there was none, the secret leaked: rotate it"
        event = UUID(message) if _is_id(message) else None
        yield _difference(post, "by_their_own_account", f"message {message}", "a delivery", found, event, remedy)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _difference(
    post: Post, check: str, what: str, expected: str, found: str, event: UUID | None, remedy: str
) -> Difference:
    client = post.clients.get(event) if event else None
    return Difference(check, "partners", what, expected, found, remedy, client)
