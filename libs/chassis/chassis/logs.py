"""Logs: one JSON object per line on standard output, UTC, with the trace. No personal data, ever.

What a caller sent, what a table holds and what an exception says in words may be about a person. So an exception is
logged as its kinds and the places it went through, never its message; ids and codes are all that a line may carry.
"""

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from chassis import trace

Line = MutableMapping[str, Any]


def configure(level: str = "INFO", service: str = "opstap", out: TextIO = sys.stdout) -> None:
    """Send everything that this process logs, ours and the libraries', through one pipe."""

    def with_service(_: Any, __: str, line: Line) -> Line:
        line.setdefault("service", service)
        return line

    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        with_service,
        _with_trace,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _without_words,
    ]
    structlog.configure(
        processors=[*common, structlog.processors.JSONRenderer(default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("httpx", "httpcore", "aiokafka"):
        logging.getLogger(name).setLevel(logging.WARNING)  # httpx logs every URL that it calls
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"


def _with_trace(_: Any, __: str, line: Line) -> Mapping[str, Any]:
    trace_id = trace.trace_id()
    if trace_id:
        line.setdefault("trace_id", trace_id)
    return line


def _without_words(_: Any, __: str, line: Line) -> Mapping[str, Any]:
    """An exception as its kinds and places; its message stays out."""
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line.update(traced(error))
    return line


def traced(error: BaseException) -> dict[str, list[str]]:
    """What a log line may say of an exception: `log.error("unhandled", **traced(error))`."""
    places = traceback.extract_tb(error.__traceback__)[-12:]
    return {
        "error": [type(each).__name__ for each in _chain(error)],
        "where": [f"{place.filename}:{place.lineno} {place.name}" for place in places],
    }


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    next_: BaseException | None = error
    while next_ is not None and next_ not in found:
        found.append(next_)
        next_ = next_.__cause__ or next_.__context__
    return found
