"""Stories: what happens to clients, path by path, as the policies have it. Each is told by one client's way through."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from opstap.demo.world import Client

Story = Callable[[Client], Awaitable[None]]

TOLD: tuple[str, dict[str, Any]] = ("acknowledgements", {})
TAKEN: tuple[str, dict[str, Any]] = ("acceptances", {})
BEGUN: tuple[str, dict[str, Any]] = ("starts", {})


def ended(outcome: str) -> tuple[str, dict[str, Any]]:
    """The partner's last answer."""
    body = {"outcome": outcome} | ({"reason": "Past toch niet."} if outcome in ("returned", "stopped") else {})
    return ("ends", body)


async def work_within_3_months(client: Client) -> None:
    """Close to work: Focus op Werk, Academy, work; half a year of aftercare."""
    await client.enters(distance_months=2)
    focus = await client.starts("focus_op_werk")
    await client.days(1)
    await client.ends(focus)
    await client.starts("academy")
    await client.days(42)
    left = await client.exits("work")
    client.walked("work_within_3_months")
    if left["allowancesCheck"]:
        await client.days(14)
        await client.post("routing", f"/exits/{left['id']}/allowances-checks")


async def development_route_to_work(client: Client) -> None:
    """Within a year or two: a development route with instruments, part-time work on the way, and out to work."""
    await client.enters(distance_months=9)
    await develops(client)
    await client.uses("learn_work_place", "work", 1800)
    await client.post("routing", f"/clients/{client.id}/part-time-work", {"hoursPerWeek": 12, "incomePerMonth": 620})
    await client.days(200)
    await client.exits("work")
    client.walked("development_route_to_work")


async def handover_to_participation(client: Client) -> None:
    """No work after 24 months: handed over to participation, and a conversation there."""
    await client.enters(distance_months=20)
    await develops(client)
    await _handed_over_after_the_longest_stay(client)
    client.walked("handover_to_participation")
    await client.days(20)
    await client.talks(option=4)


async def handover_returned(client: Client) -> None:
    """The receiving team sends the file back first, then takes the client over."""
    await client.enters(distance_months=22)
    await develops(client)
    due = await due_after_the_longest_stay(client)
    await client.prepared(due["id"])
    await client.days(3)
    await client.post("routing", f"/handovers/{due['id']}/returns", {"reason": "Het dossier mist de afspraken."})
    await client.days(3)
    await client.prepared(due["id"])
    await client.days(3)
    await client.accepted(due["id"])
    client.walked("handover_returned")


async def handover_escalated(client: Client) -> None:
    """Nobody accepts in time: the team manager is asked, and sees to it."""
    await client.enters(distance_months=18)
    await develops(client)
    due = await due_after_the_longest_stay(client)
    await client.prepared(due["id"])
    await client.days(20)
    await client.accepted(due["id"])
    client.walked("handover_escalated")


async def welfare_one_to_one(client: Client) -> None:
    """Far from work: the welfare organisation takes the client on, one to one."""
    await client.enters(distance_months=30)
    await client.days(60)
    await client.talks(option=1)
    await client.days(1)
    referral = await client.referral("participation")
    await client.answers(
        referral, TOLD, TAKEN, BEGUN, ("progress-reports", {"note": "Het gaat goed."}), ended("completed")
    )
    client.walked("welfare_one_to_one")


async def welfare_declined(client: Client) -> None:
    """The organisation cannot take the client on, and says why."""
    await client.enters(distance_months=36)
    await client.days(70)
    await client.talks(option=3)
    await client.days(1)
    referral = await client.referral("participation")
    await client.answers(referral, TOLD, ("refusals", {"reason": "Er is geen plaats."}))
    client.walked("welfare_declined")


async def welfare_group(client: Client) -> None:
    """Far from work, where clients are told of in groups: waits until the group is full, then as everybody."""
    await client.enters(distance_months=60, can_volunteer=True)
    await client.days(90)
    await client.talks(option=2)
    await client.days(1)
    referral = await client.referral("participation")
    while referral["state"] in ("requested", "waiting"):
        await client.days(7)
        referral = await client.referral("participation")
    await client.answers(referral, TOLD, TAKEN, BEGUN, ended("completed"))
    client.walked("welfare_group")


async def option_5_back_to_reintegration(client: Client) -> None:
    """Wants to work after all: a new diagnosis, a handover back, and a route again."""
    await client.enters(distance_months=28)
    await client.days(100)
    await client.talks(option=5)
    await client.days(7)
    await client.is_categorised(distance_months=8)
    await client.days(1)
    await client.is_handed_over()
    await develops(client)
    client.walked("option_5_back_to_reintegration")


async def am_match_placed(client: Client) -> None:
    """Forty to seventy per cent with prospect of work: AM Match finds work."""
    await client.enters(work_capacity_pct=55, prospect_of_work=True)
    referral = await client.referral("guidance_to_work")
    await client.answers(referral, TOLD, TAKEN, BEGUN)
    await client.days(90)
    await client.answers(referral, ended("placed"))
    await client.days(2)
    await client.exits("work")
    client.walked("am_match_placed")


async def am_match_returned(client: Client) -> None:
    """AM Match finds none: the municipality goes on."""
    await client.enters(work_capacity_pct=48, prospect_of_work=True)
    referral = await client.referral("guidance_to_work")
    await client.answers(referral, TOLD, TAKEN, BEGUN)
    await client.days(120)
    await client.answers(referral, ended("returned"))
    await client.days(2)
    await client.starts("municipal_mediation")
    client.walked("am_match_returned")


async def sheltered_dzb(client: Client) -> None:
    """An indication for sheltered work: DZB has a place."""
    await client.enters(distance_months=36, indications=["sheltered_work_new"])
    referral = await client.referral("sheltered_work")
    await client.answers(referral, TOLD, TAKEN, BEGUN)
    await client.days(30)
    await client.answers(referral, ended("placed"))
    client.walked("sheltered_dzb")


async def diverted_at_gate(client: Client) -> None:
    """Helped to a vacancy before applying."""
    await client.registers()
    notification = await client.notifies()
    await client.days(3)
    await client.post("intake", f"/notifications/{notification}/diversions", {"divertedTo": "vacancy"})
    client.walked("diverted_at_gate")


async def benefit_refused(client: Client) -> None:
    """No right to benefit."""
    await client.enters(outcome="refused", distance_months=5)
    assert (await client.journey())["state"] == "exited"
    client.walked("benefit_refused")


async def suspended_and_resumed(client: Client) -> None:
    """Ill for some months: the terms stand still, and go on."""
    await client.enters(distance_months=15)
    await develops(client)
    await client.days(60)
    until = client.world.days(90)
    await client.is_categorised(distance_months=15, exemption={"reason": "ziekte", "until": until.isoformat()})
    await client.until(until + timedelta(days=3))
    await client.is_categorised(distance_months=12)
    await client.days(1)
    journey = await client.journey()
    assert journey["suspensions"]
    assert all(each["end"] for each in journey["suspensions"])
    client.walked("suspended_and_resumed")
    await client.days(100)
    await client.exits("work")


async def overridden(client: Client) -> None:
    """The professional decides otherwise than policy proposes, and says why."""
    await client.registers()
    await client.notifies()
    await client.days(1)
    await client.applies()
    await client.days(1)
    proposal = await client.is_assessed(distance_months=14)
    body = {"category": "1B", "reason": "Heeft al een toezegging van een werkgever voor het voorjaar."}
    await client.post("diagnosis", f"/proposals/{proposal['id']}/overrides", body)
    await client.has_intake()
    await client.days(1)
    await develops(client)
    client.walked("overridden")
    await client.days(150)
    await client.exits("work")


async def deceased(client: Client) -> None:
    """Dies on the way: everything open stops, and no letter is sent."""
    await client.enters(distance_months=11)
    await develops(client)
    await client.days(40)
    letters = (await client.get("intake", f"/clients/{client.id}/letters"))["items"]
    await client.post("intake", f"/clients/{client.id}/deaths")
    await client.days(30)
    assert (await client.journey())["state"] == "exited"
    assert len((await client.get("intake", f"/clients/{client.id}/letters"))["items"]) == len(letters)
    client.walked("deceased")


async def develops(client: Client) -> None:
    """Focus op Werk, and on to a development route."""
    focus = await client.starts("focus_op_werk")
    await client.days(1)
    await client.ends(focus)
    await client.starts("development_route")
    await client.days(1)


async def due_after_the_longest_stay(client: Client) -> dict[str, Any]:
    """The handover that falls due when the longest stay is over."""
    [longest] = [each for each in (await client.journey())["deadlines"] if each["kind"] == "longest_stay"]
    await client.until(client.world.today.fromisoformat(longest["dueOn"]))
    return await client.handover("due")


async def _handed_over_after_the_longest_stay(client: Client) -> None:
    await due_after_the_longest_stay(client)
    await client.days(2)
    await client.is_handed_over()
