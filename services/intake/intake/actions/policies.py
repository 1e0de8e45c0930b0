"""The policy that is in force where somebody is a client."""

from chassis.work import Work
from intake.problems import NoPolicy
from policy import Intake, NoPolicyInForce, Pack, UnknownMunicipality


def pack_of(work: Work, municipality: str) -> Pack:
    """The municipality's policy as it is today."""
    try:
        return work.policies.in_force(municipality, work.today)
    except (NoPolicyInForce, UnknownMunicipality):
        raise NoPolicy(f"There is no policy pack for {municipality} on {work.today}.") from None


def intake_policy(work: Work, municipality: str) -> Intake:
    """What the municipality's policy says of the gate and the intake."""
    return pack_of(work, municipality).intake
