"""`Idempotency-Key` on POST: the same request twice is done once, and both hear the first answer.

Of two at the same moment, the second waits for the first. The answer is stored in the transaction that it answers, so
it exists exactly when the change does. An answer of 400 and up changed nothing and is not kept: the repeat is tried
anew. Stored answers are sealed with a key made from the client's own, and forgotten after a day.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from chassis.problems import Conflict, Invalid, Unprocessable
from chassis.security import Token

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)

_STRING = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
_KEPT_HEADERS = ("content-type", "location", "etag", "link")

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")
_FIND = text("SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE scope = :scope AND key = :key")
_STORE = text(
    "INSERT INTO idempotency_keys (scope, key, fingerprint, status, headers, body)"
    " VALUES (:scope, :key, :fingerprint, :status, CAST(:headers AS jsonb), :body)"
)
_FORGET = text("DELETE FROM idempotency_keys WHERE created_at < clock_timestamp() - CAST(:kept_for AS interval)")


class StillRunning(Conflict):
    """The first request with this key has not been answered yet."""

    slug = "idempotency-key-in-use"
    title = "The first request with this Idempotency-Key is still running"


class AnswerLost(Conflict):
    """The first request was carried out; its answer cannot be read any more."""

    slug = "idempotency-answer-lost"
    title = "The request was carried out earlier; its answer is no longer available"


def key_of(request: Request) -> str | None:
    """The key, a quoted string as the draft standard asks; Invalid when it is something else."""
    values = request.headers.getlist(HEADER)
    if not values:
        return None
    found = _STRING.fullmatch(values[0].strip())
    if len(values) > 1 or not found:
        raise Invalid.at(f"#header/{HEADER}", 'is one text of 1 to 255 characters in double quotes: "8e03978e-..."')
    return re.sub(r"\\(.)", r"\1", found.group(1))


async def once(
    session: AsyncSession,
    request: Request,
    token: Token,
    key: str,
    *,
    secret: Callable[[bytes], bytes],
    act: Callable[[], Awaitable[Response]],
) -> Response:
    """The stored answer to this request, or the one that `act` gives now, stored with what it changed."""
    scope = f"{token.actor} {token.client} {request.method} {request.url.path}"
    name = sha256(key.encode()).hexdigest()
    lock = int.from_bytes(sha256(f"{scope} {name}".encode()).digest()[:8], signed=True)
    is_first = await session.scalar(_TRY_LOCK, {"lock": lock})
    seal = AESGCM(secret(key.encode()))
    fingerprint = await _fingerprint(request, token)
    stored = (await session.execute(_FIND, {"scope": scope, "key": name})).one_or_none()
    if stored is not None:
        if bytes(stored.fingerprint) != fingerprint:
            raise Unprocessable("This Idempotency-Key came earlier with another request; use a new key.")
        return _stored_answer(seal, scope, stored.status, dict(stored.headers), bytes(stored.body))
    if not is_first:
        raise StillRunning(headers={"Retry-After": "1"})
    response = await act()
    if response.status_code < 400:
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        nonce = os.urandom(12)
        values = {"scope": scope, "key": name, "fingerprint": fingerprint, "status": response.status_code}
        body = nonce + seal.encrypt(nonce, bytes(response.body), scope.encode())
        await session.execute(_STORE, values | {"headers": json.dumps(headers), "body": body})
    return response


def _stored_answer(seal: AESGCM, scope: str, status: int, headers: dict[str, str], body: bytes) -> Response:
    try:
        return Response(seal.decrypt(body[:12], body[12:], scope.encode()), status, headers)
    except InvalidTag:
        raise AnswerLost from None


async def _fingerprint(request: Request, token: Token) -> bytes:
    """What makes two requests the same: the query, the body, and what the caller may see."""
    print_ = sha256(request.scope.get("query_string", b"") + b"\n")
    print_.update(",".join(sorted(token.municipalities)).encode() + b"\n")
    print_.update(await request.body())
    return print_.digest()


async def forget_old(session: AsyncSession) -> None:
    """Drop the answers that nobody will ask for again."""
    await session.execute(_FORGET, {"kept_for": KEPT_FOR})
