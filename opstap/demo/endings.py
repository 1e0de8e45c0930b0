"""How clients' time here ends: by moving, by pension age, by enforcement; and a death that was none."""

from dataclasses import replace

from opstap.demo.stories import develops
from opstap.demo.world import Client
from policy.pension import months_after, pension_age, pension_day

DAYS_TO_PENSION = 150


async def moved_away(client: Client) -> None:
    """Moves in mid-journey: everything stops, and the next municipality gets a file of what it needs."""
    await client.enters(distance_months=11)
    await develops(client)
    await client.days(60)
    await client.post("intake", f"/clients/{client.id}/departures", {"toMunicipality": "GM0518"})
    await client.days(3)
    path = f"/clients/{client.id}/transfer-file?purpose=transfer"
    file = await client.get("intake", path)
    assert (file["toMunicipality"], file["category"], file["stay"] is None) == ("GM0518", "1B", False)
    line = await client.world.api.text("intake", path, client.town.token, accept="text/csv")
    assert client.person.bsn in line
    client.walked("moved_away")


async def pension_age_reached(client: Client) -> None:
    """Is guided until pension age: the caseworker sees it coming, and on the day the journey ends."""
    day = client.world.days(DAYS_TO_PENSION)
    client.person = replace(client.person, birth_date=months_after(day, -pension_age(day.year)))
    await client.enters(distance_months=30)
    await client.until(pension_day(client.person.birth_date))
    await client.days(1)
    [left] = (await client.journey())["exits"]
    assert left["reason"] == "pension_age"
    client.walked("pension_age_reached")


async def enforced(client: Client) -> None:
    """Benefit ends by enforcement: a named person decides, on a ground that stays where it is."""
    await client.enters(distance_months=6)
    await develops(client)
    await client.days(50)
    body = {"reason": "enforcement", "ground": "Verzwegen inkomsten, vastgesteld na onderzoek."}
    await client.post("routing", f"/clients/{client.id}/exits", body)
    await client.days(20)
    client.walked("enforced")


async def death_taken_back(client: Client) -> None:
    """A namesake died: the death is taken back after some days, and everything goes on as it stood."""
    await client.enters(distance_months=11)
    await develops(client)
    await client.days(40)
    await client.post("intake", f"/clients/{client.id}/deaths")
    await client.days(6)
    await client.post("intake", f"/clients/{client.id}/restorations", {"reason": "Een naamgenoot was overleden."})
    await client.days(2)
    journey = await client.journey()
    assert (journey["state"], journey["caseworkerId"] is None) == ("active", False)
    await client.days(60)
    await client.exits("work")
    client.walked("death_taken_back")
