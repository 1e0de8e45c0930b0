"""All events there are, by type and by producer."""

from types import ModuleType

from contracts import diagnosis, intake, partners, reporting, routing
from contracts.model import Event

_MODULES: dict[str, ModuleType] = {
    "intake": intake,
    "diagnosis": diagnosis,
    "routing": routing,
    "partners": partners,
    "reporting": reporting,
}

PRODUCERS: tuple[str, ...] = tuple(_MODULES)
"""The services that publish, each on a topic of its own."""


class UnknownEventType(LookupError):
    """No event of this type is known here: the producer is newer than this consumer."""


_BASES = frozenset({"IntakeEvent", "DiagnosisEvent", "RoutingEvent", "PartnersEvent", "ReferralEvent"})


def events_of(producer: str) -> tuple[type[Event], ...]:
    """The event classes that a producer owns, in the order of its module."""
    return tuple(
        value
        for name, value in vars(_MODULES[producer]).items()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event and name not in _BASES
    )


EVENTS: dict[str, type[Event]] = {event.type(): event for producer in PRODUCERS for event in events_of(producer)}


def event_class(event_type: str) -> type[Event]:
    """The class for a CloudEvents type, or UnknownEventType."""
    try:
        return EVENTS[event_type]
    except KeyError:
        raise UnknownEventType(f"no event of type {event_type!r} is known here") from None
