"""What the services say to each other: events, their envelope and their topics.

The producer of an event owns its model; consumers import it. Nothing here reads or writes anything.
"""

from contracts.catalogue import EVENTS, PRODUCERS, UnknownEventType, event_class, events_of
from contracts.envelope import Envelope, UndecodableEvent, decode, encode
from contracts.model import Actor, Event, Model, ReceiptReference

__all__ = [
    "EVENTS",
    "PRODUCERS",
    "Actor",
    "Envelope",
    "Event",
    "Model",
    "ReceiptReference",
    "UndecodableEvent",
    "UnknownEventType",
    "decode",
    "encode",
    "event_class",
    "events_of",
]
