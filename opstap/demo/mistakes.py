"""Stories of mistakes: entered wrongly, or late, and put right. What follows is as if it had been right at once."""

from datetime import date
from typing import Any

from opstap.demo.stories import develops, due_after_the_longest_stay
from opstap.demo.world import Client


async def corrected(client: Client) -> None:
    """The assessment was entered wrongly: a correction, and a new decision."""
    await client.enters(distance_months=3)
    await client.days(10)
    body = {"facts": {"distance_months": 13}, "reason": "Drie en dertien verwisseld."}
    proposal = await client.post("diagnosis", f"/assessments/{client.assessment}/corrections", body)
    await client.post("diagnosis", f"/proposals/{proposal['id']}/confirmations")
    await client.days(1)
    assert (await client.journey())["category"] == "1C"
    client.walked("corrected")
    await develops(client)
    await client.days(120)
    await client.exits("education")


async def merged(client: Client) -> None:
    """Registered twice under two numbers: the two become one."""
    await client.enters(distance_months=7)
    double = await _registered_twice(client)
    await double.post("intake", f"/clients/{double.id}/mergers", {"into": client.id})
    await client.days(1)
    await develops(client)
    client.walked("merged")


async def taken_apart(client: Client) -> None:
    """Two people with one name were taken for one: each goes on as before, and what was done meanwhile stays."""
    await client.enters(distance_months=9)
    await develops(client)
    before = await _longest_stay(client)
    other = client.world.client(client.town.code)
    await other.enters(distance_months=15)
    await develops(other)
    await client.post("intake", f"/clients/{client.id}/mergers", {"into": other.id})
    await client.days(6)
    await other.uses("learn_work_place", "work", 1800)
    [merger] = (await client.get("intake", f"/clients/{client.id}/mergers"))["items"]
    body = {"reason": "Vader en zoon met dezelfde naam."}
    await client.post("intake", f"/mergers/{merger['id']}/reversals", body)
    await client.days(1)
    assert [(await each.journey())["category"] for each in (client, other)] == ["1B", "1C"]
    assert await _longest_stay(client) == before
    client.walked("taken_apart")
    await client.days(100)
    await client.exits("work")


async def wrong_bsn(client: Client) -> None:
    """The number was somebody else's: it is corrected, and whoever it is of is registered beside the client."""
    right = client.person.bsn
    of_another = client.world.people.person(client.town.name, client.world.today)
    client.person.bsn = of_another.bsn
    await client.enters(distance_months=8)
    await client.days(5)
    await client.patch("intake", f"/clients/{client.id}", {"bsn": right})
    found = await client.post("intake", "/client-searches", {"bsn": of_another.bsn})
    assert not found["items"]
    other = client.world.client(client.town.code, of_another)
    await other.registers()
    assert other.id != client.id
    await develops(client)
    client.walked("wrong_bsn")


async def registered_by_mistake(client: Client) -> None:
    """Somebody was taken for a resident: nothing of it remains open."""
    await client.registers()
    await client.notifies()
    await client.days(2)
    await client.post("intake", f"/clients/{client.id}/cancellations", {"reason": "Woont in een andere gemeente."})
    await client.days(2)
    assert not (await client.post("intake", "/client-searches", {"bsn": client.person.bsn}))["items"]
    client.walked("registered_by_mistake")


async def conversation_corrected(client: Client) -> None:
    """A conversation ended in another option than was entered: the partner is asked after all."""
    await client.enters(distance_months=30)
    await client.days(60)
    await client.talks(option=4)
    await client.days(5)
    [spoken] = (await client.journey())["conversations"]
    body = {
        "kind": spoken["kind"], "option": 1, "heldOn": spoken["heldOn"], "faceToFace": True,
        "reason": "Verkeerd aangevinkt.",
    }  # fmt: skip
    await client.post("routing", f"/conversations/{spoken['id']}/corrections", body)
    await client.days(1)
    assert (await client.referral("participation"))["state"] != "withdrawn"
    client.walked("conversation_corrected")


async def conversation_cancelled(client: Client) -> None:
    """A conversation was recorded with the wrong client: it never took place, and is due as it was."""
    await client.enters(distance_months=30)
    await client.days(60)
    before = await _conversation_due(client)
    await client.talks(option=4)
    await client.days(3)
    [spoken] = (await client.journey())["conversations"]
    reason = {"reason": "Bij de verkeerde klant ingevoerd."}
    await client.post("routing", f"/conversations/{spoken['id']}/cancellations", reason)
    await client.days(1)
    assert await _conversation_due(client) == before
    await client.talks(option=4)
    client.walked("conversation_cancelled")


async def exit_reverted(client: Client) -> None:
    """The exit was another client's: the journey goes on as it stood, and its term with it."""
    await client.enters(distance_months=14)
    await develops(client)
    before = await _longest_stay(client)
    left = await client.exits("work")
    await client.days(8)
    await client.post("routing", f"/exits/{left['id']}/reversals", {"reason": "Bij de verkeerde klant ingevoerd."})
    await client.days(1)
    assert (await client.journey())["state"] == "active"
    assert await _longest_stay(client) == before
    client.walked("exit_reverted")
    await client.days(150)
    await client.exits("work")


async def entered_late(client: Client) -> None:
    """Weeks of illness are entered when they are over: the longest stay shifts by just those days."""
    await client.enters(distance_months=16)
    await develops(client)
    before = await _longest_stay(client)
    await client.days(60)
    start, end = client.world.days(-40), client.world.days(-12)
    body = {"reason": "illness", "start": start.isoformat(), "end": end.isoformat()}
    await client.post("routing", f"/clients/{client.id}/suspensions", body)
    await client.days(1)
    assert await _longest_stay(client) == before + (end - start)
    client.walked("entered_late")
    await client.days(90)
    await client.exits("work")


async def exit_entered_late(client: Client) -> None:
    """The handover falls due, and then it turns out that the client left for work before: nothing is handed over."""
    await client.enters(distance_months=20)
    await develops(client)
    due = await due_after_the_longest_stay(client)
    await client.days(6)
    left = client.world.days(-30)
    await client.post("routing", f"/clients/{client.id}/exits", {"reason": "work", "on": left.isoformat()})
    await client.days(1)
    [handover] = [each for each in (await client.journey())["handovers"] if each["id"] == due["id"]]
    assert handover["state"] == "cancelled"
    client.walked("exit_entered_late")


async def _registered_twice(client: Client) -> Client:
    double = client.world.client(client.town.code)
    await double.registers()
    await client.days(2)
    return double


async def _deadline(client: Client, *kinds: str) -> dict[str, Any]:
    [found] = [
        each for each in (await client.journey())["deadlines"] if each["kind"] in kinds and each["state"] == "open"
    ]
    deadline: dict[str, Any] = found
    return deadline


async def _conversation_due(client: Client) -> date:
    return date.fromisoformat((await _deadline(client, "first_conversation", "review"))["dueOn"])


async def _longest_stay(client: Client) -> date:
    return date.fromisoformat((await _deadline(client, "longest_stay"))["dueOn"])
