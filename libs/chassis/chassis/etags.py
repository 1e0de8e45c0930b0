"""Optimistic locking: a strong ETag from a version, and `If-Match` on every change."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from chassis.problems import Invalid, PreconditionFailed, PreconditionRequired

_TAGS = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e]*"\s*)*')
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e]*")')


def etag(version: object) -> str:
    """The strong ETag of a version: `"7"`."""
    return f'"{version}"'


class Precondition:
    """What `If-Match` demands."""

    def __init__(self, header: str) -> None:
        self._any = header.strip() == "*"
        if not self._any and not _TAGS.fullmatch(header):
            raise Invalid.at("#header/If-Match", 'is the ETag of the version that is changed: "7"')
        self._strong = {tag for weak, tag in _TAG.findall(header) if not weak}

    def check(self, version: object, *, changed_by: str | None = None, changed_at: datetime | None = None) -> None:
        """PreconditionFailed unless this is the version that the client knew; do it before changing anything."""
        if self._any or etag(version) in self._strong:
            return
        members = {"changedBy": changed_by, "changedAt": _utc(changed_at) if changed_at else None}
        by = f" by {changed_by}" if changed_by else ""
        at = f" at {_utc(changed_at)}" if changed_at else ""
        raise PreconditionFailed(
            f"It was changed{by}{at}; read it again and decide anew.",
            headers={"ETag": etag(version)},
            **{name: value for name, value in members.items() if value},
        )


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def if_match(request: Request) -> Precondition:
    """The precondition of a change; PreconditionRequired when the client names no version."""
    values = request.headers.getlist("if-match")
    if not values:
        raise PreconditionRequired("Read the resource and send its ETag along as If-Match.")
    return Precondition(",".join(values))


IfMatch = Annotated[Precondition, Depends(if_match)]
"""The precondition, as a parameter of a PUT, PATCH or DELETE; the endpoint calls `check` with the version it read."""
