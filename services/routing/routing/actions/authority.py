"""Who may keep the staff of a municipality: a manager that of the own teams, so that nobody widens their own sight."""

from collections.abc import Collection

from chassis.problems import Forbidden
from chassis.security import Role, Token
from chassis.work import Work
from routing.actions import roster


async def over_staff(
    work: Work, caller: Token, municipality: str, staff_id: str, teams: Collection[str | None] = ()
) -> None:
    """Forbidden unless the caller manages the team in which somebody is, and these, in which they come to be.

    Who stands in for a manager today manages the same teams, and whom nobody manages every manager keeps. Applications
    and operators keep all staff; so does a manager in a municipality that keeps no teams.
    """
    if caller.has(Role.FRONT_END, Role.OPERATOR):
        return
    people = await roster.today(work, [municipality])
    staff = people.people.values()
    if caller.has(Role.TEAM_MANAGER) and not any(each.active and each.team for each in staff):
        return
    mine = people.manages(municipality, caller.subject or "")
    now_in = {each.team for each in staff if each.id == staff_id}
    nobodys = bool(now_in) and not people.managers(municipality, staff_id) and (mine or not people.chiefs(municipality))
    known = {team for each in (now_in, teams) for team in each if team is not None} - (now_in if nobodys else set())
    if caller.has(Role.TEAM_MANAGER) and not (known or nobodys):
        raise Forbidden(f"In {municipality} an operator enters who is in no team; name a team that you manage.")
    if not caller.has(Role.TEAM_MANAGER) or not known <= mine:
        raise Forbidden(f"In {municipality} this is for the manager of the team, or for an operator.")


async def over_absence(work: Work, caller: Token, municipality: str, staff_id: str) -> None:
    """Forbidden unless it is the caller who is away, or somebody in a team that the caller manages."""
    if caller.subject != staff_id:
        await over_staff(work, caller, municipality, staff_id)
