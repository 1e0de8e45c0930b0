"""A person is registered once, also by a BSN that was corrected or that a merged registration had (INT-13)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import aliased

from chassis.work import Work
from intake.identity import Identity, bsn_index
from intake.names import kept_under
from intake.people import NewClient
from intake.rules import plain_bsn
from intake.tables import GONE, Client, EarlierNumber, merged_by_bsn
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
    registered, survivor = aliased(Client), aliased(Client)
    query = (
        select(EarlierNumber.bsn_index, registered, survivor)
        .join(registered, registered.id == EarlierNumber.client_id)
        .join(survivor, survivor.id == func.coalesce(registered.merged_into, registered.id))
        .where(EarlierNumber.municipality == municipality, EarlierNumber.bsn_index.in_(indexes))
        .where(survivor.state.not_in(GONE))
    )
    had: defaultdict[bytes, list[tuple[Client, Client]]] = defaultdict(list)
    for number, one, stays in await work.session.execute(query):
        had[number].append((one, stays))
    return _who_is_which(people, indexes, had, lambda client, person: all(_alike(vault, client, person)))


async def known_by_merger(
    work: Work, vault: Vault, municipality: str, people: Sequence[NewClient]
) -> Mapping[int, Client]:
    """Who of these people, by their place, is named by the number of a registration that was merged into a client.

    Whoever was registered under that number was this client, so what tells them apart may have been mistyped, but not
    all of it: somebody of another name, born on another day, has the number as their own.
    """
    indexes = [bsn_index(vault, municipality, plain_bsn(person.bsn)) for person in people]
    had: defaultdict[bytes, list[tuple[Client, Client]]] = defaultdict(list)
    for gone, survivor in await merged_by_bsn(work.session, [municipality], set(indexes)):
        had[gone.bsn_index].append((gone, survivor))
    return _who_is_which(people, indexes, had, lambda client, person: any(_alike(vault, client, person)))


def _who_is_which(
    people: Sequence[NewClient],
    numbers: Sequence[bytes],
    had: Mapping[bytes, Sequence[tuple[Client, Client]]],
    is_same: Callable[[Client, NewClient], bool],
) -> Mapping[int, Client]:
    """By the place of a person, the client who stays of a registration that had their number, and that is theirs."""
    found: dict[int, Client] = {}
    for place, (number, person) in enumerate(zip(numbers, people, strict=True)):
        for registered, survivor in had.get(number, ()):
            if is_same(registered, person) or is_same(survivor, person):
                found.setdefault(place, survivor)
    return found


def _alike(vault: Vault, client: Client, person: NewClient) -> tuple[bool, bool]:
    """Whether they were born on the same day, and whether their family names have a form in common."""
    known = Identity(vault, client)
    names = set(kept_under(known.name.prefix, known.name.family))
    return (
        known.birth_date == person.birth_date,
        not names.isdisjoint(kept_under(person.name.prefix, person.name.family)),
    )
