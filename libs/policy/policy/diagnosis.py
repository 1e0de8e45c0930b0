"""Exemptions and doubt (DIA-7, DIA-9)."""

from typing import Annotated, Literal

from pydantic import Field

from policy.references import InstrumentId
from policy.section import Section, Source

ExemptionEffect = Literal["suspend", "handover"]


class ExemptionPolicy(Section):
    """What an exemption does to the route, and up to which age of the youngest child a single parent may have one."""

    temporary: ExemptionEffect
    permanent: ExemptionEffect
    single_parent_child_under: Annotated[int, Field(ge=1)] | None = None
    source: Source


class Doubt(Section):
    """What the work consultant can order, in this order, when the outcome is in doubt."""

    instruments: tuple[InstrumentId, ...]
    source: Source


class Diagnosis(Section):
    """How exemptions and doubt are dealt with."""

    exemption: ExemptionPolicy
    in_doubt: Doubt | None = None
