"""The relay: one leads, nothing is skipped, a zombie moves nothing. The broker here is a list that can be broken."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from chassis.bus import BackOff, Pump, Record
from chassis.relay import LeadLost, Relay
from opstap.postgres import EmbeddedPostgres
from tests.support.messaging import Service, client, kill_connections, moved
from tests.support.waiting import eventually


@dataclass
class Broker:
    """Keeps what it acknowledged."""

    records: list[Record] = field(default_factory=list)
    away: bool = False
    gate: asyncio.Event | None = None

    async def send(self, records: Sequence[Record]) -> None:
        if self.away:
            raise ConnectionError("no broker")
        if self.gate:
            await self.gate.wait()
        self.records += records

    @property
    def positions(self) -> list[int]:
        return [record.position for record in self.records]


async def cursor(service: Service) -> int:
    rows = await service.query("SELECT position FROM relay_cursor")
    return int(rows[0][0]) if rows else 0


async def test_what_was_acknowledged_moves_the_cursor(intake: Service) -> None:
    await intake.say(client(), moved("1"), moved("2"), moved("3"))
    broker = Broker()
    relay = Relay("intake", intake.database, broker, batch=2)
    assert [await relay.turn(), await relay.turn(), await relay.turn()] == [True, True, False]
    assert broker.positions == [1, 2, 3]
    assert await cursor(intake) == 3
    await relay.resign()


async def test_a_broker_that_is_away_moves_nothing_and_later_gets_everything(intake: Service) -> None:
    await intake.say(client(), moved("1"))
    broker = Broker(away=True)
    relay = Relay("intake", intake.database, broker)
    with pytest.raises(ConnectionError):
        await relay.turn()
    assert await cursor(intake) == 0
    assert not relay.leads, "another may have more luck"
    broker.away = False
    await intake.say(client(), moved("2"))
    assert await relay.turn()
    assert broker.positions == [1, 2]
    await relay.resign()


async def test_only_one_relay_leads_and_the_next_takes_over_when_it_resigns(intake: Service) -> None:
    await intake.say(client(), moved("1"))
    broker = Broker()
    one, two = (Relay("intake", intake.database, broker) for _ in range(2))
    assert await one.turn()
    assert not await two.turn()
    assert (one.leads, two.leads) == (True, False)
    await one.resign()
    await intake.say(client(), moved("2"))
    assert await two.turn()
    assert broker.positions == [1, 2]
    await two.resign()


async def test_when_the_leaders_connection_is_killed_another_takes_over(
    intake: Service, postgres_server: EmbeddedPostgres
) -> None:
    broker = Broker()
    relays = [Relay("intake", intake.database, broker) for _ in range(2)]
    pumps = [
        Pump(f"relay {number}", relay.turn, poll=0.05, back_off=BackOff(0.2)) for number, relay in enumerate(relays)
    ]
    for pump in pumps:
        pump.start()
    try:
        for kills in range(3):
            await intake.say(client(), moved("1"))
            await eventually(lambda: len(set(broker.positions)) == kills + 1)  # noqa: B023
            await eventually(lambda: sum(relay.leads for relay in relays) == 1)
            await kill_connections(postgres_server.admin_url, intake.urls.name, like="SELECT position FROM relay%")
    finally:
        await asyncio.gather(*(pump.stop() for pump in pumps))
        await asyncio.gather(*(relay.resign() for relay in relays))
    assert sorted(set(broker.positions)) == [1, 2, 3]


async def test_a_zombie_whose_session_is_gone_moves_no_cursor(
    intake: Service, postgres_server: EmbeddedPostgres
) -> None:
    await intake.say(client(), moved("1"))
    paused, broker = Broker(gate=asyncio.Event()), Broker()
    zombie, heir = Relay("intake", intake.database, paused), Relay("intake", intake.database, broker, batch=1)
    sending = asyncio.create_task(zombie.turn())
    await eventually(lambda: zombie.leads)
    await kill_connections(postgres_server.admin_url, intake.urls.name)
    await intake.database.close()
    await intake.say(client(), moved("2"))
    while 2 not in broker.positions:
        await heir.turn()
    assert paused.gate
    paused.gate.set()
    with pytest.raises(Exception, match="connection"):
        await sending
    assert await cursor(intake) == 2
    assert not zombie.leads
    assert broker.positions == [1, 2]
    await heir.resign()


async def test_a_cursor_that_somebody_else_moved_is_left_alone(intake: Service) -> None:
    await intake.say(client(), moved("1"), moved("2"))
    paused = Broker(gate=asyncio.Event())
    relay = Relay("intake", intake.database, paused, batch=1)
    sending = asyncio.create_task(relay.turn())
    await eventually(lambda: relay.leads)
    await eventually(lambda: _has_begun(intake))
    await intake.query("UPDATE relay_cursor SET position = 2 RETURNING position")
    assert paused.gate
    paused.gate.set()
    with pytest.raises(LeadLost):
        await sending
    assert await cursor(intake) == 2


async def _has_begun(service: Service) -> bool:
    return await service.count("relay_cursor") == 1


async def test_a_relay_that_was_cancelled_gives_its_lock_free(intake: Service) -> None:
    await intake.say(client(), moved("1"))
    hanging = Relay("intake", intake.database, Broker(gate=asyncio.Event()))
    sending = asyncio.create_task(hanging.turn())
    await eventually(lambda: hanging.leads)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    broker = Broker()
    next_one = Relay("intake", intake.database, broker)
    await eventually(next_one.turn)
    assert broker.positions == [1]
    await next_one.resign()


async def test_depth_and_age_are_told_while_the_broker_is_away(intake: Service) -> None:
    await intake.say(client(), moved("1"), moved("2"))
    relay = Relay("intake", intake.database, Broker(away=True))
    with pytest.raises(ConnectionError):
        await relay.turn()
    assert REGISTRY.get_sample_value("opstap_outbox_depth", {"service": "intake"}) == 2
    assert (REGISTRY.get_sample_value("opstap_outbox_oldest_seconds", {"service": "intake"}) or 0) > 0
