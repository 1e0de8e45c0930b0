"""Asking another service something that must be answered now: over HTTP, in time or not at all."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import structlog

_log = structlog.get_logger("asking")


class Silent(Exception):
    """The other service gave no answer in time, or none that can be used."""


class OtherService:
    """A service that is asked with an access token of the asker's own, read for each question so that it can change."""

    def __init__(
        self,
        name: str,
        url: str,
        token_file: Path,
        *,
        timeout: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`timeout` in seconds holds for the whole of a question; `transport` is another way than the network."""
        self.name, self._url, self._token_file, self._timeout = name, url.rstrip("/"), token_file, timeout
        self._transport = transport
        self._trusted = httpx.create_ssl_context()  # once: reading the certificates takes longer than a question

    async def get(self, path: str, **query: str) -> Mapping[str, Any] | None:
        """What stands there; None when there is no such thing. Silent when there is no answer."""
        try:
            async with asyncio.timeout(self._timeout):
                token = (await asyncio.to_thread(self._token_file.read_text)).strip()
                async with self._client() as http:
                    headers = {"Authorization": f"Bearer {token}"}
                    answer = await http.get(f"{self._url}/v1{path}", params=query, headers=headers)
                    found: Mapping[str, Any] = answer.json() if answer.status_code == httpx.codes.OK else {}
        except (httpx.HTTPError, TimeoutError, OSError, ValueError) as error:
            _log.warning("no answer", service=self.name, error=type(error).__name__)
            raise Silent(self.name) from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            _log.warning("no answer", service=self.name, status=answer.status_code)
            raise Silent(self.name)
        return found

    def _client(self) -> httpx.AsyncClient:
        """Without a timeout of its own: the one of the question is around it."""
        return httpx.AsyncClient(timeout=None, verify=self._trusted, transport=self._transport)  # noqa: S113
