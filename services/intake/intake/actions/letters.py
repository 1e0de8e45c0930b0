"""Letters in plain Dutch, from the pack's templates: where somebody stands, and who guides them (ROU-14).

A letter tells of two events that come from two services in either order, so it waits for the second. Who came in by an
import hears nothing of that import, and nobody writes to the dead. The name stays open in what is kept: it is filled in
when the letter is read, so that letters hold no identity data.
"""

from collections.abc import Iterable
from uuid import UUID

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from sqlalchemy import select

from chassis.work import Work
from contracts.intake import LetterSent
from contracts.model import Actor
from intake.actions.clients import pack_of
from intake.tables import AwaitedLetter, Client, Letter, Standing
from policy import Pack
from policy.letters import LetterId

NAME_STAYS_OPEN = "{{ name }}"
NOBODY_YET = "de gemeente"
"""Whom to call where no caseworker is known."""

_templates = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)


class AwaitedLetters:
    """The letters that await something, of the clients in hand."""

    def __init__(self, work: Work, rows: Iterable[AwaitedLetter]) -> None:
        self._work = work
        self._rows = {(row.client_id, row.kind): row for row in rows}

    @classmethod
    async def of(cls, work: Work, client_ids: Iterable[UUID]) -> "AwaitedLetters":
        """Those of these clients."""
        query = select(AwaitedLetter).where(AwaitedLetter.client_id.in_(set(client_ids)))
        return cls(work, await work.session.scalars(query))

    async def arrived(self, client: Client, kind: LetterId, awaits: str) -> bool:
        """Whether a letter of this kind awaited just this; then it awaits nothing more."""
        row = self._rows.get((client.id, kind))
        if row is None or row.awaits != awaits:
            return False
        await self.forget(client, kind)
        return True

    def wait(self, client: Client, kind: LetterId, awaits: str) -> None:
        """A letter of this kind awaits this."""
        row = self._rows.get((client.id, kind))
        if row is None:
            row = AwaitedLetter(client_id=client.id, kind=kind, municipality=client.municipality, awaits=awaits)
            self._rows[client.id, kind] = row
            self._work.session.add(row)
        row.awaits = awaits

    async def forget(self, client: Client, kind: LetterId) -> None:
        """No letter of this kind is awaited any more."""
        row = self._rows.pop((client.id, kind), None)
        if row is not None:
            await self._work.session.delete(row)


def write(work: Work, client: Client, standing: Standing, kind: LetterId, by: Actor) -> None:
    """Write a letter and send it; nobody writes to who died, left, or was never a client."""
    if client.state != "registered" or standing.track is None:
        return
    pack = pack_of(work, client.municipality)
    template = pack.letters.get(kind)
    if template is None:
        return
    values = {
        "name": NAME_STAYS_OPEN,
        "track_label": pack.tracks[standing.track].label if standing.track in pack.tracks else standing.track,
        "caseworker_name": _caseworker(pack, standing),
        "municipality_name": pack.name,
    }
    letter = Letter(
        id=work.ids(), client_id=client.id, municipality=client.municipality, kind=kind, sent_on=work.today,
        subject=_filled(template.subject, values), body=_filled(template.body, values),
        template=f"{pack.id} {pack.version} {kind} {template.version}",
    )  # fmt: skip
    work.session.add(letter)
    event = LetterSent(occurred_on=work.today, by=by, letter_id=letter.id, kind=kind)
    work.publish(client.id, client.municipality, event)


def addressed(text: str, name: str) -> str:
    """A letter's text with the name in it."""
    return text.replace(NAME_STAYS_OPEN, name)


def _filled(template: str, values: dict[str, str]) -> str:
    return _templates.from_string(template).render(values)


def _caseworker(pack: Pack, standing: Standing) -> str:
    """The caseworker's role and number: names of staff are not known here."""
    if standing.caseworker_id is None or standing.caseworker_role is None:
        return NOBODY_YET
    role = pack.roles.get(standing.caseworker_role)
    return f"{role.label if role else standing.caseworker_role} ({standing.caseworker_id})"
