"""A development issuer of access tokens: for one machine and for tests, never for production.

Its key is made at first start and kept in a folder, readable by its owner only.
"""

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HOUR = 3600


class Issuer:
    """Signs access tokens as an OpenID Connect provider would."""

    def __init__(self, folder: Path, *, url: str = "http://127.0.0.1:8000/issuer", audience: str = "opstap") -> None:
        self.url = url.rstrip("/")
        self.audience = audience
        self.jwks_file = folder / "jwks.json"
        self._key = _load_or_make(folder / "issuer-key.json")
        _write(self.jwks_file, json.dumps(self.jwks()))

    def jwks(self) -> dict[str, Any]:
        """The public key, as receivers of tokens need it."""
        return {"keys": [self._key.as_dict(private=False, use="sig")]}

    def issue(
        self,
        sub: str | None,
        roles: list[str],
        municipalities: list[str],
        *,
        azp: str = "opstap-front-end",
        team: str | None = None,
        partner: str | None = None,
        lifetime: int = HOUR,
        algorithm: str = "RS256",
        **claims: Any,
    ) -> str:
        """An access token. `sub` is a pseudonym of a person, or None for an application; lifetime in seconds.

        `claims` overrides what the token would say, so that a test can spoil it.
        """
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": self.audience,
            "azp": azp,
            "sub": sub,
            "iat": now,
            "exp": now + lifetime,
            "jti": secrets.token_urlsafe(16),
            "roles": roles,
            "municipalities": municipalities,
            "team": team,
            "partner": partner,
        }
        whole = {name: value for name, value in (said | claims).items() if value is not None}
        header = {"alg": algorithm, "kid": self._key.kid, "typ": "at+jwt"}
        return jwt.encode(header, whole, self._key, algorithms=[algorithm])

    def app(self) -> Starlette:
        """The issuer over HTTP: discovery, keys, and a token for whoever asks for a role."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks.json", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks.json",
                "token_endpoint": f"{self.url}/token",
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256", "PS256"],
            }
        )

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(self.jwks())

    async def _token(self, request: Request) -> Response:
        said = dict(parse_qsl((await request.body()).decode(errors="replace")))
        roles, municipalities = said.get("roles", "").split(), said.get("municipalities", "").split()
        if not roles:
            wrong = {"error": "invalid_request", "error_description": "give roles and municipalities, by spaces"}
            return JSONResponse(wrong, status_code=400, headers={"Cache-Control": "no-store"})
        token = self.issue(
            said.get("sub"),
            roles,
            municipalities,
            azp=said.get("client_id", "opstap-front-end"),
            team=said.get("team"),
            partner=said.get("partner"),
        )
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": HOUR}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _load_or_make(file: Path) -> RSAKey:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        key = RSAKey.generate_key(2048, private=True)
        key.ensure_kid()
        _write(file, json.dumps(key.as_dict(private=True)))
    key = RSAKey.import_key(json.loads(file.read_text()))
    key.ensure_kid()
    return key


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    beside.replace(file)
