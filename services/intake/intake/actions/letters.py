"""Letters in plain Dutch, from the pack's templates: where somebody stands, and who guides them (ROU-14).

A letter tells of two events that come from two services in either order, so it waits for the second. Who came in by an
import hears nothing of that import, and nobody writes to the dead. The name stays open in what is kept: it is filled in
when the letter is read, so that letters hold no identity data.

What a letter told may turn out to be wrong. Then the next letter is the one that corrects it, once, and as soon as it
can say what holds. Where a correction leaves what the client was told as it is, there is nothing to write.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid
from chassis.work import Work
from contracts.intake import LetterSent
from contracts.model import Actor
from intake.actions.policies import pack_of
from intake.tables import AwaitedLetter, Client, Letter, Standing, newest_letter
from policy import Pack
from policy.dutch import day
from policy.letters import Filled, LetterId, Template
from policy.letters import Letter as Written
from policy.readability import Reading

NAME_STAYS_OPEN = "{{ name }}"
NOBODY_YET = "de gemeente"
"""Whom to call where no caseworker is known."""
GOES_ON: Collection[LetterId] = ("categorised", "handover", "correction")
"""The letters that say on which track the client is guided, and by whom."""


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

    def awaited(self, client: Client, kind: LetterId) -> bool:
        """Whether a letter of this kind awaits something."""
        return (client.id, kind) in self._rows

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


async def tell(work: Work, client: Client, standing: Standing, kind: LetterId, by: Actor) -> None:
    """Write where the client stands now: in a letter of this kind, or in one that corrects what an earlier one told."""
    wrong = await work.session.get(Letter, standing.wrong_letter_id) if standing.wrong_letter_id else None
    standing.wrong_letter_id = None
    if wrong is None:
        write(work, client, standing, kind, by, tells_of=standing.assessment_id)
    elif says_the_same(wrong, standing):
        wrong.tells_of = standing.assessment_id
    else:
        write(work, client, standing, "correction", by, tells_of=standing.assessment_id, corrects=wrong)


def says_the_same(letter: Letter, standing: Standing) -> bool:
    """Whether what this letter told of track and kind of caseworker is what holds; a transfer is told by no letter."""
    return (letter.track, letter.caseworker_role) == (standing.track, standing.caseworker_role)


def write(
    work: Work,
    client: Client,
    standing: Standing,
    kind: LetterId,
    by: Actor,
    *,
    tells_of: UUID | None,
    corrects: Letter | None = None,
) -> None:
    """Write a letter and send it; nobody writes to who died, left, or was never a client."""
    if client.state != "registered" or (standing.track is None and kind != "withdrawal"):
        return
    pack = pack_of(work, client.municipality)
    template = pack.letters.get(kind)
    if template is None:
        return
    filled = template.filled(values_for(pack, standing, standing.track) | _of_the_wrong(corrects))
    goes_on = kind in GOES_ON
    letter = Letter(
        id=work.ids(), client_id=client.id, municipality=client.municipality, kind=kind, sent_on=work.today,
        subject=filled.subject, body=filled.body, template=named(pack, template), pack_digest=pack.digest,
        corrects=corrects.id if corrects else None, tells_of=tells_of,
        track=standing.track if goes_on else None, caseworker_id=standing.caseworker_id if goes_on else None,
        caseworker_role=standing.caseworker_role if goes_on else None,
    )  # fmt: skip
    work.session.add(letter)
    event = LetterSent(occurred_on=work.today, by=by, letter_id=letter.id, kind=kind, corrects=letter.corrects)
    work.publish(client.id, client.municipality, event)


async def withdraw(work: Work, client: Client) -> None:
    """Say that what was written to this client was a mistake: somebody who was never to be registered got letters."""
    wrong = await newest_letter(work.session, client.id)
    if wrong is not None:
        nothing = Standing(client_id=client.id)
        write(work, client, nothing, "withdrawal", work.actor, tells_of=None, corrects=wrong)


@dataclass(frozen=True)
class Preview:
    """A letter that was not sent; the name stays open in it."""

    filled: Filled
    template: str
    pack_digest: str
    complaints: tuple[str, ...]


@dataclass(frozen=True)
class LastTold:
    """The letter that a client had last, and where they stood: the track, and who guides them."""

    letter: Letter | None
    stood: tuple[str | None, str | None]

    @classmethod
    async def of(cls, work: Work, client: Client, standing: Standing) -> "LastTold":
        """As it is now."""
        return cls(await newest_letter(work.session, client.id), (standing.track, standing.caseworker_id))

    def is_wrong(self, standing: Standing) -> bool:
        """Whether the letter told something else than what holds by this standing, of somebody who is guided."""
        if self.letter is None or standing.track is None or standing.exited_on is not None:
            return False
        return self.letter.track is None or self.stood != (standing.track, standing.caseworker_id)


async def tell_of_merger(work: Work, client: Client, standing: Standing, before: Sequence[LastTold]) -> None:
    """Two clients are one: of what the two were told, the last that does not hold for who they are is corrected."""
    wrong = [each.letter for each in before if each.letter is not None and each.is_wrong(standing)]
    wrong = await _not_yet_corrected(work, client, wrong)
    if not wrong:
        return
    last, awaited = max(wrong, key=lambda letter: letter.id), await AwaitedLetters.of(work, [client.id])
    if standing.caseworker_id is not None and not any(awaited.awaited(client, kind) for kind in GOES_ON):
        write(work, client, standing, "correction", work.actor, tells_of=standing.assessment_id, corrects=last)
        return
    standing.wrong_letter_id = last.id
    if not awaited.awaited(client, "handover"):
        awaited.wait(client, "categorised", "caseworker")


async def _not_yet_corrected(work: Work, client: Client, letters: Sequence[Letter]) -> list[Letter]:
    """Those of which this client was not told that they are wrong."""
    query = select(Letter.corrects).where(
        Letter.client_id == client.id, Letter.corrects.in_([letter.id for letter in letters])
    )
    corrected = set(await work.session.scalars(query))
    return [letter for letter in letters if letter.id not in corrected]


async def preview_of(work: Work, client: Client, kind: LetterId, track: str | None, draft: Template | None) -> Preview:
    """The letter that this client would get now, by the pack in force or by a draft of its template.

    What corrects a letter corrects the one that went out last; where none did, one of today.
    """
    standing = await work.session.get(Standing, client.id) or Standing(client_id=client.id)
    pack, on_track = pack_of(work, client.municipality), track or standing.track
    if on_track is None and kind != "withdrawal":
        raise Invalid.at("#/track", "is needed: this client is on no track yet")
    if track is not None and track not in pack.tracks:
        raise Invalid.at("#/track", f"is one of {', '.join(pack.tracks)}")
    template = draft or pack.letters[kind]
    values = values_for(pack, standing, on_track)
    wrong = await newest_letter(work.session, client.id) or Letter(
        sent_on=work.today, subject=pack.letters["exit"].filled(values).subject
    )
    values |= _of_the_wrong(wrong)
    complaints = Reading.of_letter(template, values["track_meaning"]).complaints
    return Preview(template.filled(values), named(pack, template), pack.digest, complaints)


def addressed(text: str, name: str) -> str:
    """A letter's text with the name in it."""
    return text.replace(NAME_STAYS_OPEN, name)


def named(pack: Pack, template: Template) -> str:
    """How a template is referred to; a draft has no version yet."""
    version = f"{template.id} {template.version}" if isinstance(template, Written) else "draft"
    return f"{pack.id} {pack.version} {version}"


def values_for(pack: Pack, standing: Standing, track: str | None) -> dict[str, str]:
    """What the placeholders stand for, for who is on this track; a track of an earlier policy goes by its id."""
    known = pack.tracks.get(track or "")
    return {
        "name": NAME_STAYS_OPEN,
        "track_label": known.label if known else track or "",
        "track_meaning": known.meaning if known else "",
        "caseworker_name": _caseworker(pack, standing),
        "municipality_name": pack.name,
    }


def _of_the_wrong(letter: Letter | None) -> dict[str, str]:
    """How a letter that corrects another refers to it."""
    return {} if letter is None else {"letter_date": day(letter.sent_on), "letter_subject": letter.subject}


def _caseworker(pack: Pack, standing: Standing) -> str:
    """The caseworker's role and number: names of staff are not known here."""
    if standing.caseworker_id is None or standing.caseworker_role is None:
        return NOBODY_YET
    role = pack.roles.get(standing.caseworker_role)
    return f"{role.label if role else standing.caseworker_role} ({standing.caseworker_id})"
