"""Between services: every published event was handled once by each of its hearers, or is parked and listed."""

from collections.abc import Iterator

from contracts import Envelope, Event
from opstap.verify.evidence import Evidence, Parked
from opstap.verify.findings import Difference


async def readable(evidence: Evidence) -> list[Difference]:
    """I7: every row of an outbox is an event that the contracts know."""
    remedy = "run the version of Opstap that wrote it, or restore the row from a backup"
    return [
        Difference("readable", row.producer, f"event {row.event_id}", "an event", row.why, remedy, row.subject)
        for row in evidence.unreadable
    ]


async def handled_once(evidence: Evidence) -> list[Difference]:
    """I3, I4: what a producer said stands in the inbox of each who hears it (once, by its key), or in its parking."""
    return [
        difference
        for hearer, types in evidence.hearers.items()
        for producer in sorted({each.producer for each in types})
        for difference in _lost(evidence, producer, hearer)
    ]


async def no_ghosts(evidence: Evidence) -> list[Difference]:
    """I7: what was handled or parked had been said, by that producer about that client."""
    said = {envelope.id: envelope for envelopes in evidence.said.values() for envelope in envelopes}
    known = said.keys() | {row.event_id for row in evidence.unreadable}
    differences = []
    for hearer, inbox in evidence.heard.items():
        for event_id, heard in inbox.items():
            if event_id not in known:
                what = f"event {event_id} ({heard.type})"
                remedy = f"restore the outbox of {heard.producer} from its backup: a row went missing"
                expected, found = f"a row in the outbox of {heard.producer}", f"only the inbox of {hearer} knows it"
                client = evidence.families.now(heard.subject)
                differences.append(Difference("no_ghosts", hearer, what, expected, found, remedy, client))
            elif event_id in said:
                differences += _told_otherwise(evidence, hearer, said[event_id])
    return differences


async def at_the_head(evidence: Evidence) -> list[Difference]:
    """I3: nothing is still on its way, and no cursor stands beyond what there is."""
    heads = {producer: said[-1].sequence if said else 0 for producer, said in evidence.said.items()}
    on_the_bus = [
        (hearer, producer, position)
        for hearer, cursors in evidence.cursors.items()
        for producer, position in cursors.items()
        if producer in heads
    ]
    relayed = [(producer, producer, position) for producer, position in evidence.relayed.items()]
    return [
        difference
        for service, producer, position in [*on_the_bus, *relayed]
        for difference in _off_the_head(service, producer, position, heads[producer])
    ]


def parked(evidence: Evidence) -> list[Difference]:
    """I12: what waits for an operator."""
    return [_parked(service, each) for service, rows in evidence.parked.items() for each in rows]


def _lost(evidence: Evidence, producer: str, hearer: str) -> Iterator[Difference]:
    inbox, types = evidence.heard[hearer], evidence.hearers[hearer]
    parked = {each.event_id for each in evidence.parked[hearer]}
    reached = evidence.cursors[hearer].get(producer)
    for envelope in evidence.said[producer]:
        if type(envelope.data) not in types or envelope.id in inbox or envelope.id in parked:
            continue
        if reached is not None and envelope.sequence > reached:
            return  # on its way: `at_the_head` tells
        client = evidence.families.now(envelope.subject)
        name = type(envelope.data).__name__
        yield Difference(
            "handled_once", hearer, f"event {envelope.id} ({name} of {producer})", "handled once", "never handled",
            f"opstap events replay --to {hearer} --client {envelope.subject}", client,
        )  # fmt: skip


def _told_otherwise(evidence: Evidence, hearer: str, said: Envelope[Event]) -> Iterator[Difference]:
    heard = evidence.heard[hearer][said.id]
    client = said.subject
    spoken = (said.data.producer, said.data.type(), client)
    if (heard.producer, heard.type, heard.subject) != spoken:
        remedy = f"compare the backups of {said.data.producer} and {hearer}: one of the two rows was changed"
        found = f"heard as {heard.type} of {heard.producer} about {heard.subject}"
        yield Difference("no_ghosts", hearer, f"event {said.id}", " ".join(map(str, spoken)), found, remedy, client)


def _off_the_head(service: str, producer: str, position: int, head: int) -> Iterator[Difference]:
    what = f"cursor of {producer}"
    if position < head:
        remedy = "let the system run until it has settled, and verify again"
        yield Difference("at_the_head", service, what, f"at {head}", f"at {position}: events are on their way", remedy)
    elif position > head:
        remedy = f"restore the outbox of {producer} from its backup: its last rows went missing"
        yield Difference("at_the_head", service, what, f"at {head}", f"at {position}, beyond the last event", remedy)


def _parked(service: str, each: Parked) -> Difference:
    retry = f"opstap parked retry {service} --producer {each.producer} --client {each.key}"
    what = f"event {each.event_id} ({each.type or 'unknown'} of {each.producer}, client {each.key})"
    remedy = "none: it was given up, with a reason" if each.state == "discarded" else retry
    return Difference("parked", service, what, "handled", f"{each.state}: {each.error or 'behind another'}", remedy)
