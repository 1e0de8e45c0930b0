"""Optimistic locking: a strong ETag from a version, and `If-Match` on every change."""

import re
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import changes
from chassis.problems import Invalid, PreconditionFailed, PreconditionRequired

_TAGS = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e]*"\s*)*')
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e]*")')
_VERSION = re.compile(r'"(\d{1,9})"', re.ASCII)


class HasVersion(Protocol):
    """A row of which each change makes a new version: a mapped class with a `version_id_col`."""

    @property
    def version(self) -> Any:
        """The version, from 1 on."""


def etag(version: object) -> str:
    """The strong ETag of a version: `"7"`."""
    return f'"{version}"'


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether a reader has what this ETag is of; a weak comparison, as for every read (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    known = {found for _, found in _TAG.findall(if_none_match)}
    return if_none_match.strip() == "*" or tag in known


class Precondition:
    """What `If-Match` demands."""

    def __init__(self, header: str) -> None:
        self._any = header.strip() == "*"
        if not self._any and not _TAGS.fullmatch(header):
            raise Invalid.at("#header/If-Match", 'is the ETag of the version that is changed: "7"')
        self._strong = {tag for weak, tag in _TAG.findall(header) if not weak}

    async def check(self, session: AsyncSession, row: HasVersion) -> None:
        """PreconditionFailed unless this row has the version that the client knew; do it before changing anything.

        The refusal says who changed which fields since that version, and when: `changedBy`, `changedAt`, `changes`.
        """
        if self._any or etag(row.version) in self._strong:
            return
        told = await changes.since(session, row, self._known_before(row.version))
        by = f" by {told['changedBy']} at {told['changedAt']}" if told else ""
        raise PreconditionFailed(
            f"It was changed{by}; read it again and decide anew.", headers={"ETag": etag(row.version)}, **told
        )

    def _known_before(self, version: int) -> int:
        """The newest earlier version that the client names; who names none hears of the last change."""
        named = (int(found[1]) for tag in self._strong if (found := _VERSION.fullmatch(tag)))
        return max((each for each in named if each < version), default=version - 1)


async def if_match(request: Request) -> Precondition:
    """The precondition of a change; PreconditionRequired when the client names no version."""
    values = request.headers.getlist("if-match")
    if not values:
        raise PreconditionRequired("Read the resource and send its ETag along as If-Match.")
    return Precondition(",".join(values))


IfMatch = Annotated[Precondition, Depends(if_match)]
"""The precondition, as a parameter of a PUT, PATCH or DELETE; the endpoint calls `check` with the row it read."""
