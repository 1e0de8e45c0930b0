"""Saying what happened to a client; what stands about the client on the work lists follows."""

from chassis.work import Work
from contracts import Event
from routing.actions import worklist
from routing.tables import Journey


def say(work: Work, journey: Journey, event: Event) -> None:
    """Publish an event of this client."""
    work.publish(journey.client_id, journey.municipality, event)
    worklist.changed(work, journey.client_id)
