"""Within a service: no row without the event that says so, and no event without its row."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from contracts import Envelope, Event, diagnosis, intake, partners, reporting, routing
from opstap.verify.evidence import Evidence
from opstap.verify.findings import Difference


@dataclass(frozen=True)
class Entity:
    """Rows of a table that come into being together with an event."""

    table: str
    events: tuple[type[Event], ...]
    field: str | None = None
    """Where the event names the row; without it, its subject does."""
    told: str = "true"
    """Which rows must be told of, as SQL; of the others an event may tell."""

    def id_in(self, envelope: Envelope[Event]) -> UUID | None:
        """The row that an event made."""
        found: UUID | None = getattr(envelope.data, self.field) if self.field else envelope.subject
        return found


ENTITIES = (
    Entity("clients", (intake.ClientRegistered,)),
    Entity("applications", (intake.ApplicationFiled,), "application_id"),
    Entity("intakes", (intake.IntakeHeld,), "intake_id"),
    Entity("integration_plans", (intake.IntegrationPlanMade,), "plan_id"),
    Entity("letters", (intake.LetterSent,), "letter_id"),
    Entity("assessments", (diagnosis.AssessmentCompleted,), "assessment_id"),
    Entity("exemptions", (diagnosis.ExemptionGranted,), "exemption_id"),
    Entity("indication_requests", (diagnosis.IndicationRequested,), "request_id"),
    Entity("routes", (routing.RouteStarted,), "route_id"),
    Entity("instrument_uses", (routing.InstrumentStarted,), "instrument_use_id"),
    Entity("handovers", (routing.HandoverDue,), "handover_id"),
    Entity("referrals", (routing.ReferralRequested,), "referral_id", told="entered_by <> 'import'"),
    Entity("conversations", (routing.ConversationHeld, routing.ReviewHeld), "conversation_id"),
    Entity("agreements", (routing.AgreementMade,), "agreement_id"),
    Entity("measures", (routing.MeasureImposed,), "measure_id"),
    Entity("emergency_accesses", (routing.EmergencyAccessTaken,), "access_id", told="opened"),
    Entity("exits", (routing.ClientExited,), "exit_id"),
    Entity("partner_groups", (partners.GroupFilled,)),
    Entity("reports", (reporting.ReportPublished,), "report_id", told="level = 'council'"),
)


async def rows_and_events(evidence: Evidence) -> list[Difference]:
    """I1, I2, I7: what a service keeps and what it said of it came into being in one transaction."""
    return [difference for entity in ENTITIES for difference in await _compare(evidence, entity)]


async def _compare(evidence: Evidence, entity: Entity) -> list[Difference]:
    service = entity.events[0].producer
    said: Mapping[UUID | None, Envelope[Event]] = {entity.id_in(each): each for each in evidence.events(*entity.events)}
    query = f"SELECT id, {entity.told} AS told FROM {entity.table}"  # noqa: S608 - ours
    rows = await evidence.rows(service, query)
    told, there = {row["id"] for row in rows if row["told"]}, {row["id"] for row in rows}
    names = " or ".join(event.__name__ for event in entity.events)
    owners = await _owners(evidence, service, entity) if told - said.keys() else {}
    without_event = [
        Difference(
            "rows_and_events", service, f"{entity.table} {id}", f"{names} in the outbox", "no such event",
            f"restore the outbox of {service} from its backup", owners.get(id),
        )
        for id in sorted(told - said.keys())
    ]  # fmt: skip
    without_row = [
        Difference(
            "rows_and_events", service, f"event {each.id} ({type(each.data).__name__})", f"row {id} in {entity.table}",
            "no such row", f"restore {entity.table} of {service} from its backup", evidence.families.now(each.subject),
        )
        for id, each in said.items()
        if id not in there
    ]  # fmt: skip
    return without_event + without_row


async def _owners(evidence: Evidence, service: str, entity: Entity) -> dict[UUID, UUID]:
    """Whose rows they are, where rows are a client's."""
    if entity.table == "clients":
        return {row["id"]: row["id"] for row in await evidence.rows(service, "SELECT id FROM clients")}
    if entity.events[0].about != "client":
        return {}
    rows = await evidence.rows(service, f"SELECT id, client_id FROM {entity.table}")  # noqa: S608 - ours
    return {row["id"]: row["client_id"] for row in rows}
