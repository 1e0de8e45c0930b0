"""W3C Trace Context: a trace taken over from the caller, or a new one, carried through requests and events."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_HEADER = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current() -> str | None:
    """The `traceparent` of the work in hand."""
    return _current.get()


def trace_id() -> str | None:
    """The trace's own id, 32 hexadecimal digits."""
    header = current()
    return header.split("-")[1] if header else None


def follow(header: str | None) -> str:
    """Go on in the caller's trace, or begin one; the header's last part (sampled) is passed on as set."""
    header = child(header)
    _current.set(header)
    return header


def child(header: str | None) -> str:
    """The next step in a trace, or the first of a new one."""
    known = _HEADER.match(header or "")
    trace = known.group(1) if known and set(known.group(1)) != {"0"} else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-01"


@contextmanager
def following(header: str | None) -> Iterator[str]:
    """Go on in a trace for a while, and afterwards in the one before."""
    before = _current.set(None)
    try:
        yield follow(header)
    finally:
        _current.reset(before)
