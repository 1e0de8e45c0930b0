"""Who guides the client: a table of which the first row that holds decides, and rows that add somebody (ROU-1)."""

from typing import Literal

from policy.references import RoleId
from policy.section import Id, Section, Text
from policy.tables import TableRule


class Role(Section):
    """A role that a caseworker can have."""

    id: Id
    label: Text


class CaseworkerRule(TableRule):
    """In this situation, a caseworker of this role."""

    role: RoleId


class Caseworkers(Section):
    """The first rule of ``assigned`` that holds names the caseworker; every rule of ``besides`` that holds adds one."""

    assigned: tuple[CaseworkerRule, ...]
    besides: tuple[CaseworkerRule, ...] = ()
    access: Literal["team", "municipality"] = "team"
    """Whose clients a member of staff sees: their team's, where there are teams, or all of the municipality."""
