"""Letters in plain Dutch, from the pack's templates: where somebody stands, and who guides them (ROU-14).

A letter tells of two events that come from two services in either order, so it waits for the second. Who came in by an
import hears nothing of that import, and nobody writes to the dead. The name stays open in what is kept: it is filled in
when the letter is read, so that letters hold no identity data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid
from chassis.work import Work
from contracts.intake import LetterSent
from contracts.model import Actor
from intake.actions.clients import open_client, pack_of
from intake.tables import AwaitedLetter, Client, Letter, Standing
from policy import Pack
from policy.letters import Filled, LetterId, Template
from policy.letters import Letter as Written
from policy.readability import Reading

NAME_STAYS_OPEN = "{{ name }}"
NOBODY_YET = "de gemeente"
"""Whom to call where no caseworker is known."""


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
    filled = template.filled(values_for(pack, standing, standing.track))
    letter = Letter(
        id=work.ids(), client_id=client.id, municipality=client.municipality, kind=kind, sent_on=work.today,
        subject=filled.subject, body=filled.body, template=named(pack, template), pack_digest=pack.digest,
    )  # fmt: skip
    work.session.add(letter)
    event = LetterSent(occurred_on=work.today, by=by, letter_id=letter.id, kind=kind)
    work.publish(client.id, client.municipality, event)


@dataclass(frozen=True)
class Preview:
    """A letter that was not sent; the name stays open in it."""

    filled: Filled
    template: str
    pack_digest: str
    complaints: tuple[str, ...]


async def preview_of(
    work: Work, client_id: UUID, kind: LetterId, track: str | None, draft: Template | None
) -> tuple[Client, Preview]:
    """The letter that this client would get now, by the pack in force or by a draft of its template."""
    client = await open_client(work, client_id)
    standing = await work.session.get(Standing, client.id) or Standing(client_id=client.id)
    pack, on_track = pack_of(work, client.municipality), track or standing.track
    if on_track is None:
        raise Invalid.at("#/track", "is needed: this client is on no track yet")
    if track is not None and track not in pack.tracks:
        raise Invalid.at("#/track", f"is one of {', '.join(pack.tracks)}")
    template = draft or pack.letters[kind]
    values = values_for(pack, standing, on_track)
    complaints = Reading.of_letter(template, values["track_meaning"]).complaints
    return client, Preview(template.filled(values), named(pack, template), pack.digest, complaints)


def addressed(text: str, name: str) -> str:
    """A letter's text with the name in it."""
    return text.replace(NAME_STAYS_OPEN, name)


def named(pack: Pack, template: Template) -> str:
    """How a template is referred to; a draft has no version yet."""
    version = f"{template.id} {template.version}" if isinstance(template, Written) else "draft"
    return f"{pack.id} {pack.version} {version}"


def values_for(pack: Pack, standing: Standing, track: str) -> dict[str, str]:
    """What the placeholders stand for, for who is on this track; a track of an earlier policy goes by its id."""
    known = pack.tracks.get(track)
    return {
        "name": NAME_STAYS_OPEN,
        "track_label": known.label if known else track,
        "track_meaning": known.meaning if known else "",
        "caseworker_name": _caseworker(pack, standing),
        "municipality_name": pack.name,
    }


def _caseworker(pack: Pack, standing: Standing) -> str:
    """The caseworker's role and number: names of staff are not known here."""
    if standing.caseworker_id is None or standing.caseworker_role is None:
        return NOBODY_YET
    role = pack.roles.get(standing.caseworker_role)
    return f"{role.label if role else standing.caseworker_role} ({standing.caseworker_id})"
