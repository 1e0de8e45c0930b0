"""Pages by cursor: stable while rows are added, opaque and sealed, with the next page in the `Link` header.

>>> @router.get("/clients", dependencies=[allow(Role.CASEWORKER)])
>>> async def list_clients(work: WorkInHand, page: Page) -> Items[ClientAnswer]:
>>>     rows = await page.scalars(work.session, select(Client), Client.registered_on, Client.id)
>>>     return Items(items=[ClientAnswer.model_validate(row) for row in rows])
"""

import base64
import json
import os
from collections.abc import Callable, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, Query, Request, Response
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from chassis.problems import Invalid
from chassis.routes import service_of

LARGEST_PAGE = 200
USUAL_PAGE = 50

T = TypeVar("T")
Column = ColumnElement[Any] | InstrumentedAttribute[Any]

_READ: dict[str, Callable[[Any], Any]] = {
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "UUID": UUID,
    "int": int,
    "str": str,
    "bool": bool,
}


class PageRequest:
    """The page that the caller asks for."""

    def __init__(self, request: Request, response: Response, limit: int, cursor: str | None) -> None:
        self.limit = limit
        self._request = request
        self._response = response
        self._seal = AESGCM(service_of(request).cursor_key)
        self._after = self._open(cursor) if cursor else None

    @property
    def after(self) -> tuple[Any, ...] | None:
        """The sort values of the last row that the caller saw; None on the first page."""
        return self._after

    async def scalars(
        self, session: AsyncSession, query: Select[T], *order: Column, descending: bool = False
    ) -> Sequence[T]:
        """The mapped rows of this page, ordered by these columns, of which the last is unique and none is null."""
        chosen = self.select(query, *order, descending=descending).add_columns(*order)
        rows = (await session.execute(chosen)).all()
        width = len(order)
        self._link([tuple(row)[-width:] for row in rows])
        return [row[0] for row in rows[: self.limit]]

    def select(self, query: Select[Any], *order: Column, descending: bool = False) -> Select[Any]:
        """The query for this page and one row more; give its rows to `cut`."""
        if self._after is not None:
            if len(self._after) != len(order):
                raise _altered()
            columns, values = tuple_(*order), tuple_(*map(literal, self._after))
            query = query.where(columns < values if descending else columns > values)
        ordered = [column.desc() if descending else column.asc() for column in order]
        return query.order_by(*ordered).limit(self.limit + 1)

    def cut(self, rows: Sequence[T], key: Callable[[T], tuple[Any, ...]]) -> Sequence[T]:
        """The rows of this page; `key` gives a row's sort values, as given to `select`. Sets the Link header."""
        self._link([key(row) for row in rows[: self.limit + 1]])
        return rows[: self.limit]

    def _link(self, keys: Sequence[tuple[Any, ...]]) -> None:
        if len(keys) > self.limit:
            others = [(name, value) for name, value in self._request.query_params.multi_items() if name != "cursor"]
            query = urlencode([*others, ("cursor", self._close(keys[self.limit - 1]))])
            self._response.headers.append("Link", f'<{self._request.url.path}?{query}>; rel="next"')

    def _close(self, values: tuple[Any, ...]) -> str:
        plain = json.dumps([[type(value).__name__, _written(value)] for value in values], separators=(",", ":"))
        nonce = os.urandom(12)
        sealed = nonce + self._seal.encrypt(nonce, plain.encode(), self._context())
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _open(self, cursor: str) -> tuple[Any, ...]:
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            plain = self._seal.decrypt(sealed[:12], sealed[12:], self._context())
        except (ValueError, InvalidTag):
            raise _altered() from None
        return tuple(_READ[kind](value) for kind, value in json.loads(plain))

    def _context(self) -> bytes:
        """What a cursor belongs to: this path with these filters; the size of the page may change."""
        query = self._request.query_params.multi_items()
        filters = sorted((name, value) for name, value in query if name not in {"cursor", "limit"})
        return sha256(f"{self._request.url.path}?{urlencode(filters)}".encode()).digest()


def _written(value: Any) -> Any:
    if type(value).__name__ not in _READ and not isinstance(value, UUID):
        raise TypeError(f"a cursor holds no {type(value).__name__}")
    return value if isinstance(value, (int, str)) else str(value)


def _altered() -> Invalid:
    return Invalid.at("#query/cursor", "is not a cursor of this list with these filters; begin at the first page")


async def page_request(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many at most")] = USUAL_PAGE,
    cursor: Annotated[
        str | None, Query(max_length=2000, description="Where to go on: from the `Link` header of the page before")
    ] = None,
) -> PageRequest:
    """The page that a request asks for."""
    return PageRequest(request, response, limit, cursor)


Page = Annotated[PageRequest, Depends(page_request)]
"""The page asked for, as a parameter of an endpoint."""
