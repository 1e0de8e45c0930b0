"""What forms offer: lists of what can be chosen by the policy in force, each with its words, for who builds a screen.

Each service tells of its own part of the pack. The `ETag` is of the pack and the words: who kept an answer asks again
with `If-None-Match`, and hears `304` as long as it holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Protocol

from fastapi import Depends, Header, Query, Response

from chassis.etags import etag, is_known
from chassis.models import AnswerModel, Day
from chassis.problems import Invalid, NotFound
from chassis.routes import WorkInHand
from chassis.security import Caller, in_scope
from contracts.words import word
from policy import NoPolicyInForce, Pack, UnknownMunicipality

CACHED = "private, no-cache"
"""Kept by who asked, and asked anew each time: a pack comes into force overnight."""
KNOWN: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "Of this answer: see `If-None-Match`", "schema": {"type": "string"}}}},
    304: {"description": "What the reader kept still holds"},
    404: {"description": "The municipality has no policy on the day"},
}
"""What a resource of choices answers besides, for its description."""


class NoPolicyThen(NotFound):
    """Nothing can be chosen where there is no policy."""

    slug = "no-policy-on-that-day"
    title = "The municipality has no policy on that day"


class Choice(AnswerModel):
    """Something to choose: the code to send, and the words to show."""

    id: str
    label: str


class PolicyChoices(AnswerModel):
    """What can be chosen in a municipality on a day, by which policy."""

    municipality: str
    on: date
    policy: str
    policy_version: str


class Labelled(Protocol):
    """A part of a pack with a name for people."""

    @property
    def label(self) -> str:
        """What it is called."""
        ...


def labelled(parts: Mapping[str, Labelled]) -> list[Choice]:
    """Parts of a pack, in its order."""
    return [Choice(id=id, label=part.label) for id, part in parts.items()]


def named(names: Mapping[str, str]) -> list[Choice]:
    """Codes of a pack with their names, in its order."""
    return [Choice(id=id, label=label) for id, label in names.items()]


def worded(codes: Iterable[str]) -> list[Choice]:
    """Codes that are the same everywhere, with our word for each."""
    return [Choice(id=code, label=word(code)) for code in codes]


@dataclass(frozen=True, slots=True)
class Asked:
    """The policy that a reader asks about, and the answer that the reader kept."""

    pack: Pack
    on: date
    kept: str | None

    @property
    def of_policy(self) -> dict[str, Any]:
        """How every answer begins."""
        pack = self.pack
        return {
            "municipality": pack.municipality, "on": self.on, "policy": pack.id, "policy_version": pack.version
        }  # fmt: skip

    def answer(self, choices: PolicyChoices) -> Response:
        """The whole answer, or that what the reader kept still holds."""
        body = choices.model_dump_json(by_alias=True)
        tag = etag(sha256(f"{self.pack.digest} {body}".encode()).hexdigest()[:32])
        headers = {"ETag": tag, "Cache-Control": CACHED}
        if is_known(self.kept, tag):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)


async def _asked(
    work: WorkInHand,
    caller: Caller,
    municipality: Annotated[
        str | None,
        Query(pattern=r"^GM[0-9]{4}$", description="Needed when the access token is for several municipalities"),
    ] = None,
    on: Annotated[Day | None, Query(description="By the policy of this day; today when it is left out")] = None,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", description="The `ETag` of the answer that was kept")
    ] = None,
) -> Asked:
    if municipality is None and len(caller.municipalities) != 1:
        raise Invalid.at("#query/municipality", "is needed: the access token is not for exactly one municipality")
    where, day = municipality or min(caller.municipalities), on or work.today
    in_scope(caller, where)
    try:
        return Asked(work.policies.in_force(where, day), day, if_none_match)
    except (NoPolicyInForce, UnknownMunicipality) as reason:
        raise NoPolicyThen(str(reason)) from reason


AskedFor = Annotated[Asked, Depends(_asked)]
"""The policy, as a parameter of the endpoint."""
