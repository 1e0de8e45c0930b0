"""The figures: how many, of whom, in a period and on its last day (REP-2 to REP-5).

A client is counted once, also when registered twice, and never when registered by mistake. A figure on a day means at
the end of that day.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from contracts.diagnosis import (
    AssessmentCompleted,
    AssessmentInDoubt,
    ClientCategorised,
    IndicationDecided,
    IndicationRequested,
)
from contracts.intake import (
    ApplicationDiverted,
    ApplicationFiled,
    ApplicationWithdrawn,
    BenefitDecided,
    InformationSessionHeld,
    NotificationReceived,
)
from contracts.partners import (
    PartnerSignalled,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralClosed,
    ReferralDeclined,
    ReferralEnded,
    ReferralOverdue,
    ReferralProgressed,
    ReferralSent,
    ReferralStarted,
    ReferralWaiting,
)
from contracts.routing import (
    AgreementMissed,
    ConversationHeld,
    HandoverAccepted,
    HandoverCancelled,
    HandoverDue,
    HandoverEscalated,
    HandoverPrepared,
    HandoverReturned,
    InstrumentStarted,
    MeasureImposed,
    ParticipationRecorded,
    PartTimeWorkRecorded,
    ReviewHeld,
)
from reporting.rules.counts import Caseload, Contact, Cost, Exemptions, Figures, Gate, Place, Referrals, Shift
from reporting.rules.history import Book, Fact, History, SpellKind
from reporting.rules.told import REFERRAL_ENDS, Span, Told

UNDECIDED, IN_DOUBT = "undecided", "in_doubt"
"""Where clients without a category are counted."""


def share(part: int, whole: int) -> Decimal | None:
    """A percentage in one decimal; None of nobody."""
    return (Decimal(100 * part) / whole).quantize(Decimal("0.1")) if whole else None


def category_of(history: History, on: date) -> str:
    """The category on a day, or where those without one are counted."""
    placed = history.placement(on)
    if placed is None:
        return UNDECIDED
    return placed.category or (IN_DOUBT if placed.status == IN_DOUBT else UNDECIDED)


def track_of(history: History, on: date) -> str | None:
    """The track on which a client was guided on a day."""
    placed = history.placement(on)
    return placed.track if placed else None


def caseload(known: Book, told: Told, span: Span | None = None) -> Caseload:
    """The caseload over a period, or over a part of it."""
    span = span or told.span
    spells = [(history, spell) for history in known.histories.values() for spell in history.of("benefit")]
    ended = [spell for _, spell in spells if span.has(spell.until)]
    return Caseload(
        since=span.since,
        until=span.until,
        start=sum(spell.holds(span.eve) for _, spell in spells),
        inflow=sum(span.has(spell.since) for _, spell in spells),
        outflow=len(ended),
        end=sum(spell.holds(span.until) for _, spell in spells),
        outflow_by_reason=dict(sorted(Counter(spell.reason or "other" for spell in ended).items())),
        notifications=sum(
            span.has(fact.occurred_on) for fact in _of(known, told.by_kind[NotificationReceived.__name__])
        ),
        households_start=_households(known, History.on_benefit, span.eve),
        households_end=_households(known, History.on_benefit, span.until),
    )


def _of(known: Book, facts: Iterable[Fact]) -> Iterator[Fact]:
    """The facts that count: not of those registered by mistake."""
    return (fact for fact in facts if known.who(fact.client_id) is not None)


def _households(known: Book, there: Callable[[History, date], bool], on: date) -> int:
    """Households of which somebody was there; who has no household on record is one alone."""
    return len({each.traits.household_id or each.client_id for each in known.histories.values() if there(each, on)})


def figures(municipality: str, known: Book, told: Told) -> Figures:
    """Everything that is counted over the period."""
    return _Reckoning(municipality, known, told).all()


class _Reckoning:
    """What several figures of one period share."""

    def __init__(self, municipality: str, known: Book, told: Told) -> None:
        self.municipality, self.known, self.told, self.span = municipality, known, told, told.span
        self.present = [each for each in known.histories.values() if each.is_client(told.span.until)]

    def facts(self, kind: type) -> list[Fact]:
        """What of this kind counts in the period."""
        return list(_of(self.known, self.told.by_kind[kind.__name__]))

    def count(self, kind: type, what: str | None = None) -> int:
        """How many events of this kind, with this word when asked."""
        return sum(what is None or fact.what == what for fact in self.facts(kind))

    def words(self, *kinds: type) -> dict[str, int]:
        """How many by their word."""
        return dict(sorted(Counter(fact.what for kind in kinds for fact in self.facts(kind) if fact.what).items()))

    def who(self, *kinds: type) -> set[UUID]:
        """The clients to whom something of these kinds happened in the period."""
        return {now for kind in kinds for fact in self.facts(kind) if (now := self.known.who(fact.client_id))}

    def all(self) -> Figures:
        """Every figure."""
        end = self.span.until
        places = tuple(self.places())
        hours, income = self.part_time()
        return Figures(
            municipality=self.municipality,
            since=self.span.since,
            until=end,
            clients=len(self.present),
            on_benefit=sum(each.on_benefit(end) for each in self.known.histories.values()),
            households=_households(self.known, History.is_client, end),
            caseload=caseload(self.known, self.told),
            caseload_by_year=tuple(caseload(self.known, self.told, year) for year in self.span.years),
            places=places,
            exemptions=self.exemptions(),
            shifts=tuple(self.shifts()),
            handovers=self.handovers(),
            handovers_due_to=dict(sorted(Counter(fact.track or "" for fact in self.facts(HandoverDue)).items())),
            contact=tuple(self.contact()),
            conversations=self.conversations(),
            conversation_options=self.words(ConversationHeld, ReviewHeld),
            participation=self.participation(),
            referrals=tuple(self.referrals()),
            exits=self.exits("client"),
            exits_from_part_time_to_work=self.exits_from_part_time(),
            part_time=len(self.who(PartTimeWorkRecorded)),
            part_time_income=income,
            part_time_hours=hours,
            agreements_missed=self.words(AgreementMissed),
            measures=self.count(MeasureImposed),
            costs=tuple(self.costs()),
            gate=self.gate(),
            assessments=self.assessments(),
            indications={
                "requested": self.count(IndicationRequested),
                "granted": self.count(IndicationDecided, "granted"),
                "refused": self.count(IndicationDecided, "refused"),
            },
            information_sessions=self.information_sessions(),
            by_category=_added((place.category, place.clients) for place in places),
            by_track=_added((place.track or UNDECIDED, place.clients) for place in places),
        )

    def information_sessions(self) -> dict[str, int]:
        """Who was at a session and who was not; of who was recorded otherwise first, as recorded last."""
        told = sorted(self.facts(InformationSessionHeld), key=lambda fact: fact.recorded_at)
        came = Counter({(fact.client_id, fact.ref): fact.what for fact in told}.values())
        return {"attended": came["attended"], "absent": came["absent"]}

    def places(self) -> Iterator[Place]:
        """Clients by category and track at the end of the period."""
        end = self.span.until
        stand = [(category_of(each, end), track_of(each, end), each.on_benefit(end)) for each in self.present]
        clients = Counter((category, track) for category, track, _ in stand)
        benefit = Counter((category, track) for category, track, on_benefit in stand if on_benefit)
        for category, track in sorted(clients, key=lambda place: (place[0], place[1] or "")):
            place = category, track
            yield Place(category, track, clients[place], benefit[place])

    def exemptions(self) -> Exemptions:
        """Exemptions in force at the end of the period among all clients."""
        held = [held for each in self.present if (held := each.exemption(self.span.until))]
        permanent = sum(each.permanent for each in held)
        return Exemptions(len(held), len(held) - permanent, permanent, share(len(held), len(self.present)))

    def shifts(self) -> Iterator[Shift]:
        """Changes of track in the period, both ways."""
        ways = Counter(
            (before.track, after.track)
            for history in self.known.histories.values()
            for before, after in pairwise(history.placements)
            if before.until == after.since and self.span.has(after.since)
            if before.track and after.track and before.track != after.track
        )
        return (Shift(before, after, ways[before, after]) for before, after in sorted(ways))

    def handovers(self) -> dict[str, int]:
        """Steps of handovers in the period."""
        steps = {
            "due": HandoverDue, "prepared": HandoverPrepared, "accepted": HandoverAccepted,
            "returned": HandoverReturned, "escalated": HandoverEscalated, "cancelled": HandoverCancelled,
        }  # fmt: skip
        counted = {name: self.count(kind) for name, kind in steps.items()}
        needless = sum(fact.corrects is not None for fact in self.facts(HandoverCancelled))
        return counted | {"cancelled": counted["cancelled"] - needless}

    def contact(self) -> Iterator[Contact]:
        """By track: with whom a conversation was held in the period."""
        spoken = self.who(ConversationHeld, ReviewHeld)
        on_track: defaultdict[str, list[UUID]] = defaultdict(list)
        for each in self.present:
            if track := track_of(each, self.span.until):
                on_track[track].append(each.client_id)
        for track, clients in sorted(on_track.items()):
            met = sum(client in spoken for client in clients)
            yield Contact(track, len(clients), met, len(clients) - met)

    def conversations(self) -> dict[str, int]:
        """Conversations and reviews held, and how."""
        held = [*self.facts(ConversationHeld), *self.facts(ReviewHeld)]
        return {
            "conversations": self.count(ConversationHeld),
            "reviews": self.count(ReviewHeld),
            "face_to_face": sum(bool(fact.told.get("faceToFace", True)) for fact in held),
            "home_visits": sum(bool(fact.told.get("homeVisit")) for fact in held),
        }

    def latest(self, kind: type) -> dict[UUID, Fact]:
        """By client, the last of a kind that holds until the next."""
        remembered = [fact for fact in self.told.before if fact.kind == kind.__name__]
        return {now: fact for fact in [*remembered, *self.facts(kind)] if (now := self.known.who(fact.client_id))}

    def participation(self) -> dict[str, int]:
        """By form: clients at the end of the period who take part in society."""
        last = self.latest(ParticipationRecorded)
        forms = (last[each.client_id].what or "none" for each in self.present if each.client_id in last)
        return dict(sorted(Counter(forms).items()))

    def part_time(self) -> tuple[dict[str, int], dict[str, int]]:
        """By band of hours, and by band of income: who worked part-time in the period, as last recorded in it."""
        last = {now: fact for fact in self.facts(PartTimeWorkRecorded) if (now := self.known.who(fact.client_id))}
        hours = Counter(fact.told.get("hoursBand", "") for fact in last.values())
        income = Counter(fact.what or "" for fact in last.values())
        return dict(sorted(hours.items())), dict(sorted(income.items()))

    def exits(self, kind: SpellKind) -> dict[str, int]:
        """Journeys that ended in the period, by reason."""
        ended = (
            spell.reason or "other"
            for each in self.known.histories.values()
            for spell in each.of(kind)
            if self.span.has(spell.until)
        )
        return dict(sorted(Counter(ended).items()))

    def exits_from_part_time(self) -> int:
        """Exits to work of clients who had worked part-time during that journey."""
        worked = defaultdict(list)
        for fact in [*self.told.before, *self.facts(PartTimeWorkRecorded)]:
            if fact.kind == PartTimeWorkRecorded.__name__ and (now := self.known.who(fact.client_id)):
                worked[now].append(fact.occurred_on)
        return sum(
            any(spell.since <= day and spell.until is not None and day <= spell.until for day in worked[each.client_id])
            for each in self.known.histories.values()
            for spell in each.of("client")
            if spell.reason == "work" and self.span.has(spell.until)
        )

    def referrals(self) -> Iterator[Referrals]:
        """By partner: the steps of the period."""
        steps = (
            ReferralSent, ReferralAcknowledged, ReferralAccepted, ReferralDeclined, ReferralStarted,
            ReferralProgressed, ReferralEnded, ReferralClosed, ReferralOverdue, PartnerSignalled, ReferralWaiting,
        )  # fmt: skip
        taken: Counter[tuple[str, str]] = Counter()
        partners = set()
        for kind in steps:
            for fact in self.facts(kind):
                partners.add(fact.partner or "")
                taken[fact.partner or "", kind.__name__] += 1
                if kind is ReferralEnded:
                    taken[fact.partner or "", fact.what or ""] += 1
        waiting = Counter(fact.partner or "" for fact in self.waiting())
        for partner in sorted(partners | waiting.keys()):
            outcomes = {name: taken[partner, name] for name in ("placed", "completed", "stopped", "returned", "failed")}
            yield Referrals(
                partner=partner,
                sent=taken[partner, ReferralSent.__name__],
                accepted=taken[partner, ReferralAccepted.__name__],
                declined=taken[partner, ReferralDeclined.__name__],
                started=taken[partner, ReferralStarted.__name__],
                **outcomes,
                withdrawn=taken[partner, ReferralClosed.__name__],
                overdue=taken[partner, ReferralOverdue.__name__],
                waiting=waiting[partner],
                acknowledged=taken[partner, ReferralAcknowledged.__name__],
                progressed=taken[partner, ReferralProgressed.__name__],
                signalled=taken[partner, PartnerSignalled.__name__],
            )

    def waiting(self) -> Iterator[Fact]:
        """Who waits for a group at the end of the period: waiting, and neither sent nor ended since."""
        gone = {
            fact.ref
            for fact in self.told.within + self.told.before
            if fact.kind in (ReferralSent.__name__, *REFERRAL_ENDS)
        }
        waits = [fact for fact in self.told.before if fact.kind == ReferralWaiting.__name__]
        return (fact for fact in _of(self.known, [*waits, *self.facts(ReferralWaiting)]) if fact.ref not in gone)

    def costs(self) -> Iterator[Cost]:
        """Spending by instrument, goal, track and category of the client on the day it began."""
        uses: defaultdict[tuple[str, str, str | None, str], list[Fact]] = defaultdict(list)
        for fact in self.facts(InstrumentStarted):
            history = self.known.history(fact.client_id)
            track = track_of(history, fact.occurred_on) if history else None
            category = category_of(history, fact.occurred_on) if history else UNDECIDED
            uses[fact.instrument or "", fact.goal or "", track, category].append(fact)
        for (instrument, goal, track, category), facts in sorted(
            uses.items(), key=lambda each: tuple(map(str, each[0]))
        ):
            who = frozenset(now for fact in facts if (now := self.known.who(fact.client_id)))
            amount = sum((Decimal(fact.amount or 0) for fact in facts), Decimal(0))
            yield Cost(instrument, goal, track, category, len(facts), who, amount)

    def gate(self) -> Gate:
        """Notifications and what came of them in the period."""
        notifications, diverted = self.count(NotificationReceived), self.count(ApplicationDiverted)
        return Gate(
            notifications=notifications,
            applications=self.count(ApplicationFiled),
            diverted=diverted,
            withdrawn=self.count(ApplicationWithdrawn),
            granted=self.count(BenefitDecided, "granted"),
            refused=self.count(BenefitDecided, "refused"),
            diverted_share_pct=share(diverted, notifications),
        )

    def assessments(self) -> dict[str, int]:
        """Assessments, and how professionals decided on what policy proposed."""
        decided = self.facts(ClientCategorised)
        bases = Counter(fact.told.get("basis") for fact in decided)
        return {
            "completed": self.count(AssessmentCompleted),
            "in_doubt": self.count(AssessmentInDoubt),
            "decided": len(decided) - bases["import"],
            "reconfirmed": sum(fact.told.get("confirmed") == "reconfirmed" for fact in decided),
            "overridden": bases["override"],
            "corrected": bases["correction"],
        }


def _added(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    added: Counter[str] = Counter()
    for name, number in counts:
        added[name] += number
    return dict(sorted(added.items()))
