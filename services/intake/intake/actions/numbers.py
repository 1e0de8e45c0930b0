"""A person is registered once, also where a file or a form still names them by a BSN that was corrected (INT-13)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select

from chassis.work import Work
from intake.identity import Identity, bsn_index
from intake.names import kept_under
from intake.people import NewClient
from intake.rules import plain_bsn
from intake.tables import GONE, Client, EarlierNumber
from intake.vault import Vault


async def keep(work: Work, client: Client, old: bytes) -> None:
    """The client had this number by mistake, and has another now."""
    await forget(work, client, client.bsn_index)
    work.session.add(EarlierNumber(client_id=client.id, municipality=client.municipality, bsn_index=old))


async def forget(work: Work, client: Client, number: bytes | None = None) -> None:
    """What the client had before is somebody else's number after all: this one, or all of them."""
    mine = EarlierNumber.client_id == client.id
    which = (mine,) if number is None else (mine, EarlierNumber.bsn_index == number)
    await work.session.execute(delete(EarlierNumber).where(*which))


async def known_otherwise(
    work: Work, vault: Vault, municipality: str, people: Sequence[NewClient]
) -> Mapping[int, Client]:
    """Who of these people, by their place, is a client under another number; another person is named otherwise.

    Somebody who was born on the same day, whose family name has a form in common, and who is named by the number that
    turned out to be wrong, is the same; who really has that number is somebody else, and can be registered.
    """
    indexes = [bsn_index(vault, municipality, plain_bsn(person.bsn)) for person in people]
    query = (
        select(EarlierNumber.bsn_index, Client)
        .join(Client, Client.id == EarlierNumber.client_id)
        .where(
            EarlierNumber.municipality == municipality, EarlierNumber.bsn_index.in_(indexes), Client.state.not_in(GONE)
        )
    )
    had: defaultdict[bytes, list[Client]] = defaultdict(list)
    for number, client in await work.session.execute(query):
        had[number].append(client)
    found = {}
    for place, (number, person) in enumerate(zip(indexes, people, strict=True)):
        same = next((client for client in had.get(number, ()) if _is(vault, client, person)), None)
        if same is not None:
            found[place] = same
    return found


def _is(vault: Vault, client: Client, person: NewClient) -> bool:
    known = Identity(vault, client)
    names = set(kept_under(known.name.prefix, known.name.family))
    return known.birth_date == person.birth_date and not names.isdisjoint(
        kept_under(person.name.prefix, person.name.family)
    )
