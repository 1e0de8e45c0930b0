"""Events as tests let a service hear them, with what they say most often."""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from contracts.diagnosis import ClientCategorised, Traits
from contracts.intake import BenefitDecided, ClientRegistered
from contracts.routing import CaseworkerAssigned, ClientExited, ExitReverted, HandoverAccepted

STAFF = "staff:s-1"


def registered(on: date = date(2023, 1, 2), *, household: UUID | None = None, **more: Any) -> ClientRegistered:
    told: dict[str, Any] = {
        "origin": "front_end", "age_band": "28-44", "household_kind": "single", "permit_holder": False,
        "without_benefit": False, **more,
    }  # fmt: skip
    return ClientRegistered(occurred_on=on, by="app:front-end", household_id=household or new_id(), **told)


def granted(on: date, benefit_from: date | None = None) -> BenefitDecided:
    return BenefitDecided(occurred_on=on, by=STAFF, outcome="granted", benefit_from=benefit_from)


def categorised(on: date, category: str | None, track: str | None, **more: Any) -> ClientCategorised:
    traits: dict[str, Any] = {
        "scheme": "distance-to-work", "status": "decided" if category else "in_doubt", "basis": "assessment",
        "confirmed": "changed", **more,
    }  # fmt: skip
    return ClientCategorised(
        occurred_on=on, by=STAFF, assessment_id=new_id(), old_category=None, old_track=None, receipt=None,
        traits=Traits(category=category, track=track, **traits),
    )  # fmt: skip


def corrected(wrong: ClientCategorised, on: date, category: str, track: str, **more: Any) -> ClientCategorised:
    """The decision that takes the place of another, whose assessment was wrong."""
    right = categorised(on, category, track, basis="correction", **more)
    return right.model_copy(update={"corrects": wrong.assessment_id})


def assigned(on: date, role: str, caseworker: str, occasion: Any = "categorised") -> CaseworkerAssigned:
    return CaseworkerAssigned(occurred_on=on, by=STAFF, caseworker_id=caseworker, role=role, occasion=occasion)


def accepted(on: date, to_track: str) -> HandoverAccepted:
    return HandoverAccepted(occurred_on=on, by=STAFF, handover_id=new_id(), to_track=to_track)


def reverted(exit: ClientExited, on: date) -> ExitReverted:
    return ExitReverted(occurred_on=on, by=STAFF, exit_id=exit.exit_id)


def exited(on: date, reason: Any = "work", exit_id: UUID | None = None) -> ClientExited:
    return ClientExited(occurred_on=on, by=STAFF, exit_id=exit_id or new_id(), reason=reason)
