"""What a case that is taken in leads to elsewhere: which terms are over at once, and who is to guide the client."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from chassis.csvfiles import Fault
from contracts.model import AgeBand
from intake.caseload import Case
from intake.people import NewClient
from policy import Pack, Situation, Suspension, reckon
from policy.running import LONGEST_STAY, REVIEW, PackOn, Spoken, Standing, running_terms

COLUMNS = {LONGEST_STAY: "route_started_on", REVIEW: "last_conversation_on"}
"""The column from which a term is reckoned; the others run from the day of the category."""


@dataclass(frozen=True)
class Colleagues:
    """The staff of a municipality, as far as routing told: of who is away it tells only when somebody stands in."""

    ids: Collection[str] = frozenset()
    roles: Collection[str] = frozenset()
    """Those of which somebody is at work."""


@dataclass(frozen=True)
class Forecast:
    """What follows from a case of somebody who is on the journey."""

    role: str | None
    """Of the caseworker whom policy names; nobody guides a client without a category."""
    named: bool
    """Whether the caseworker of the line guides the client, who is on the staff."""
    waits: bool
    """Whether nobody has the role: then the client stands on the list of the team's manager."""
    overdue: dict[str, date]
    """The last day of each kind of term that is over already."""

    def remarks(self, case: Case) -> Iterator[Fault]:
        """What is good to know of a line that is taken in all the same."""
        if self.role is not None and case.caseworker_id is not None and not self.named:
            instead = "nobody at work has" if self.waits else "another takes over in"
            yield Fault("caseworker_id", f"is nobody on the staff here: {instead} the role {self.role}")
        elif self.waits:
            yield Fault("caseworker_id", f"nobody at work has the role {self.role}: stands with the team's manager")
        for kind, day in self.overdue.items():
            yield Fault(
                COLUMNS.get(kind, "categorised_on"), f"{kind} was due on {day}: stands on a work list as overdue"
            )


@dataclass(frozen=True)
class Here:
    """A municipality on the day of an import."""

    pack: Pack
    pack_on: PackOn
    colleagues: Colleagues
    today: date

    def forecast(self, case: Case, person: NewClient, age_band: AgeBand) -> Forecast:
        """What follows from a completed case that is not closed."""
        situation = self._situation(case, person, age_band)
        role = self.pack.caseworker_role(situation) if case.category is not None else None
        named = role is not None and case.caseworker_id in self.colleagues.ids
        return Forecast(
            role=role,
            named=named,
            waits=role is not None and not named and role not in self.colleagues.roles,
            overdue=self._overdue(case, situation),
        )

    def _situation(self, case: Case, person: NewClient, age_band: AgeBand) -> Situation:
        exempted = case.exempted_until is not None and self.today <= case.exempted_until
        return Situation(
            category=case.category,
            track=case.track,
            age_band=age_band,
            starting_qualification=person.starting_qualification,
            permit_holder=person.permit_holder,
            without_benefit=person.without_benefit,
            prospect_of_work=case.prospect_of_work,
            indications=frozenset(case.indications),
            exempted=case.exempted_permanently or exempted,
        )

    def _overdue(self, case: Case, situation: Situation) -> dict[str, date]:
        terms = running_terms(self._standing(case, situation), self.pack, self.pack_on)
        last_days = {each.kind: reckon(each.start, each.term, each.suspensions).due_on for each in terms}
        return {kind: day for kind, day in last_days.items() if day is not None and day < self.today}

    def _standing(self, case: Case, situation: Situation) -> Standing:
        """As routing takes the client over: on the track since the first day that is known of it."""
        entered = [day for day in (case.categorised_on, case.route_started_on) if day is not None]
        return Standing(
            active=True,
            track=case.track,
            track_since=min(entered, default=self.today),
            category=case.category,
            conversations=() if case.last_conversation_on is None else (Spoken(case.last_conversation_on, None),),
            routes=self._routes(case, situation),
            suspensions=tuple(Suspension(each.start, each.end) for each in case.suspensions),
        )

    def _routes(self, case: Case, situation: Situation) -> tuple[tuple[str, date], ...]:
        """The route that is under way; one without a name is the first that policy opens."""
        if case.route_started_on is None or case.track is None:
            return ()
        opened = self.pack.routing.routes_for(situation) if case.category is not None else ()
        opens = any(each.track == case.track for each in opened)
        known = case.route or self.pack.routing.first_route or opens
        return ((case.track, case.route_started_on),) if known else ()
