"""Who calls, and what they may: OAuth 2 access tokens by the NL GOV profile, and the permission each route declares."""

import asyncio
import json
import math
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol

import httpx
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from starlette.routing import BaseRoute

from chassis.problems import Forbidden, Unauthorized, Unavailable
from chassis.settings import ServiceSettings

ALGORITHMS = ("RS256", "PS256")
LONGEST_LIFE = 6 * 3600
LEEWAY = 10
LONGEST_TOKEN = 8192

_NAME = re.compile(r"[\w.-]{1,200}", re.ASCII)
_MUNICIPALITY = re.compile(r"GM\d{4}", re.ASCII)
_TYPES = (None, "jwt", "at+jwt", "application/at+jwt")


class Role(StrEnum):
    """What a token's holder is on the platform."""

    FRONT_END = "front_end"
    """An application for residents or staff, without a person."""
    CASEWORKER = "caseworker"
    TEAM_MANAGER = "team_manager"
    POLICY_OFFICER = "policy_officer"
    OPERATOR = "operator"
    PARTNER = "partner"
    COUNCIL_READER = "council_reader"
    SERVICE = "service"
    """Another service of the platform, in its own name (`azp`): for the few questions that must be answered at once."""


_ROLES = frozenset(role.value for role in Role)

STAFF = (Role.CASEWORKER, Role.TEAM_MANAGER)
"""Who guides residents."""


@dataclass(frozen=True, slots=True)
class Token:
    """A verified access token."""

    actor: str
    """As `contracts.Actor`: `staff:<sub>`, `partner:<partner>` or `app:<azp>`."""
    client: str
    """The application that holds the token (`azp`)."""
    roles: frozenset[Role]
    municipalities: frozenset[str]
    subject: str | None = None
    team: str | None = None
    partner: str | None = None
    expires_at: float = math.inf
    """Seconds since the epoch: what is followed for longer ends then."""

    def has(self, *roles: Role) -> bool:
        """Whether the holder has one of these roles."""
        return not self.roles.isdisjoint(roles)


class Keys(Protocol):
    """Where the issuer's public keys come from; never from a token."""

    async def current(self, *, unknown: bool = False) -> KeySet:
        """The keys; `unknown` says that a token named a key that is not among them."""
        ...


class FixedKeys:
    """Keys set beforehand."""

    def __init__(self, jwks: dict[str, Any]) -> None:
        self._keys = KeySet.import_key_set({"keys": jwks["keys"]})

    @classmethod
    def from_file(cls, path: Path) -> "FixedKeys":
        """Keys from a JWKS file."""
        return cls(json.loads(path.read_text()))

    async def current(self, *, unknown: bool = False) -> KeySet:  # noqa: ARG002 - there are no others
        """The keys."""
        return self._keys


class FetchedKeys:
    """Keys fetched from the issuer, kept, and fetched again when old or when a token names a new one."""

    def __init__(self, url: str, *, keep: float = 600, at_most_every: float = 10) -> None:
        self._url = url
        self._keep = keep
        self._pause = at_most_every
        self._keys: KeySet | None = None
        self._tried_at = -keep
        self._fetched_at = -keep
        self._lock = asyncio.Lock()

    async def current(self, *, unknown: bool = False) -> KeySet:
        """The keys; Unavailable when the issuer was never reached."""
        if self._stale(unknown=unknown):
            async with self._lock:
                if self._stale(unknown=unknown):
                    await self._fetch()
        if self._keys is None:
            raise Unavailable("The issuer of access tokens cannot be reached.")
        return self._keys

    def _stale(self, *, unknown: bool) -> bool:
        now = time.monotonic()
        if now - self._tried_at < self._pause:
            return False
        return unknown or self._keys is None or now - self._fetched_at > self._keep

    async def _fetch(self) -> None:
        self._tried_at = time.monotonic()
        try:
            async with httpx.AsyncClient(timeout=5, follow_redirects=False) as client:
                answer = (await client.get(self._url)).raise_for_status()
            self._keys = KeySet.import_key_set({"keys": answer.json()["keys"]})
            self._fetched_at = time.monotonic()
        except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError):
            return  # the keys we have stay good; without any, the caller hears that the issuer is away


class TokenVerifier:
    """Reads access tokens; everything that is not exactly right is refused."""

    def __init__(self, *, issuer: str, audience: str, keys: Keys) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    @classmethod
    def from_settings(cls, settings: ServiceSettings) -> "TokenVerifier":
        """The verifier for the issuer that the settings trust."""
        keys: Keys
        if settings.jwks:
            keys = FixedKeys.from_file(settings.jwks)
        else:
            keys = FetchedKeys(settings.jwks_url or f"{settings.issuer.rstrip('/')}/jwks.json")
        return cls(issuer=settings.issuer, audience=settings.audience, keys=keys)

    async def of_request(self, request: Request) -> Token:
        """The token of a request; Unauthorized without one that can be trusted."""
        if "access_token" in request.query_params:
            raise _refused("an access token never goes into a URL; it stands in the Authorization header")
        headers = request.headers.getlist("authorization")
        if not headers:
            raise Unauthorized(headers={"WWW-Authenticate": 'Bearer realm="opstap"'})
        scheme, _, value = headers[0].partition(" ")
        if len(headers) > 1 or scheme.lower() != "bearer" or not value.strip():
            raise _refused("the Authorization header holds one Bearer token")
        return await self.verify(value.strip())

    async def verify(self, value: str) -> Token:
        """What a compact JWT says, once its signature and all its claims hold."""
        if len(value) > LONGEST_TOKEN:
            raise _refused("the token is too long")
        decoded = await self._decode(value)
        return _read(decoded.header, decoded.claims, self._issuer, self._audience)

    async def _decode(self, value: str) -> jwt.Token:
        try:
            return jwt.decode(value, await self._keys.current(), algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            pass
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise _refused("the token is not signed by a key of the issuer") from None
        try:
            return jwt.decode(value, await self._keys.current(unknown=True), algorithms=ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise _refused("the token is not signed by a key of the issuer") from None


def _read(header: dict[str, Any], claims: dict[str, Any], issuer: str, audience: str) -> Token:
    if not isinstance(header.get("kid"), str):
        raise _refused("the token does not name its key")
    type_ = header.get("typ")
    if (type_.lower() if isinstance(type_, str) else type_) not in _TYPES:
        raise _refused("this is not an access token")
    if claims.get("iss") != issuer:
        raise _refused("the token is of another issuer")
    meant_for = claims.get("aud")
    if audience not in (meant_for if isinstance(meant_for, list) else [meant_for]):
        raise _refused("the token is for another audience")
    _check_times(claims)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise _refused("the token has no jti")
    client = _name(claims, "azp")
    if client is None:
        raise _refused("the token has no azp")
    roles = frozenset(Role(role) for role in _texts(claims, "roles") if role in _ROLES)
    municipalities = frozenset(_texts(claims, "municipalities"))
    if not all(_MUNICIPALITY.fullmatch(each) for each in municipalities):
        raise _refused("the token names a municipality that cannot be")
    subject, partner = _name(claims, "sub"), _name(claims, "partner")
    if (Role.PARTNER in roles) != (partner is not None):
        raise _refused("a partner's token, and no other, names its partner")
    return Token(
        actor=_actor(client, subject, partner),
        client=client,
        roles=roles,
        municipalities=municipalities,
        subject=subject,
        team=_name(claims, "team"),
        partner=partner,
        expires_at=_moment(claims, "exp"),
    )


def _actor(client: str, subject: str | None, partner: str | None) -> str:
    if partner is not None:
        return f"partner:{partner}"
    if subject is None or subject == client:
        return f"app:{client}"
    return f"staff:{subject}"


def _check_times(claims: dict[str, Any]) -> None:
    now = time.time()
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    starts = _moment(claims, "nbf") if "nbf" in claims else issued
    if expires <= now - LEEWAY:
        raise _refused("the token has expired")
    if max(issued, starts) > now + LEEWAY:
        raise _refused("the token is not valid yet")
    if expires - issued > LONGEST_LIFE:
        raise _refused(f"the token lives longer than {LONGEST_LIFE // 3600} hours")


def _moment(claims: dict[str, Any], claim: str) -> float:
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _refused(f"the token has no {claim}")
    return value


def _name(claims: dict[str, Any], claim: str) -> str | None:
    value = claims.get(claim)
    if value is None:
        return None
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _refused(f"the token's {claim} is not a name")
    return value


def _texts(claims: dict[str, Any], claim: str) -> list[str]:
    value = claims.get(claim, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _refused(f"the token's {claim} is not a list of texts")
    return value


def _refused(why: str) -> Unauthorized:
    challenge = f'Bearer realm="opstap", error="invalid_token", error_description="{why}"'
    return Unauthorized(f"The access token is refused: {why}.", headers={"WWW-Authenticate": challenge})


@dataclass(frozen=True, eq=False)
class Permission:
    """What a route asks of its caller; `roles` is None for a public route."""

    roles: frozenset[Role] | None

    async def __call__(self) -> None:
        """Nothing: the route checks before it reads a body or opens a transaction. This only declares."""

    async def check(self, request: Request, verifier: TokenVerifier) -> Token | None:
        """The caller's token; Unauthorized or Forbidden when the caller may not pass. None on a public route."""
        if self.roles is None:
            return None
        token = await verifier.of_request(request)
        if not token.has(*self.roles):
            needed = ", ".join(sorted(self.roles))
            challenge = 'Bearer realm="opstap", error="insufficient_scope"'
            raise Forbidden(f"This needs one of the roles {needed}.", headers={"WWW-Authenticate": challenge})
        return token


def allow(*roles: Role) -> Any:
    """The permission of a route: `@router.get("/clients", dependencies=[allow(Role.CASEWORKER)])`."""
    if not roles:
        raise ValueError("allow() names at least one role; public() is for everybody")
    return Depends(Permission(frozenset(roles)))


def public() -> Any:
    """Marks one of the few routes that anybody may call, without a token and without a transaction."""
    return Depends(Permission(None))


def declared_permission(route: BaseRoute) -> Permission | None:
    """The permission that a route declares, for the route itself and for tests that walk them all."""
    dependant = getattr(route, "dependant", None)
    found = list(_permissions(dependant)) if dependant else []
    if len(found) > 1:
        raise ValueError(f"{getattr(route, 'path', route)} declares more than one permission")
    return found[0] if found else None


def _permissions(dependant: Dependant) -> list[Permission]:
    inner = [permission for each in dependant.dependencies for permission in _permissions(each)]
    return [dependant.call, *inner] if isinstance(dependant.call, Permission) else inner


def token_in_hand(request: Request) -> Token:
    """The verified token of the request."""
    token: Token | None = getattr(request.state, "token", None)
    if token is None:
        raise RuntimeError("a public route has no caller")
    return token


async def _caller(request: Request) -> Token:
    return token_in_hand(request)


Caller = Annotated[Token, Depends(_caller)]
"""The verified token, as a parameter of an endpoint."""


def in_scope(token: Token, municipality: str) -> None:
    """Forbidden when a municipality that the request names lies outside the token."""
    if municipality not in token.municipalities:
        raise Forbidden(f"The access token is not for municipality {municipality}.")


def derive_key(settings: ServiceSettings, purpose: str, salt: bytes = b"") -> bytes:
    """A 256-bit key of its own for one purpose, equal in all processes of a service.

    It comes from the database's address and password, so it is as secret as those and changes with them; it is meant
    for what lives for a day (cursors, stored answers), never for identity data.
    """
    secret = settings.database_url.get_secret_value().encode()
    return HKDF(algorithm=SHA256(), length=32, salt=salt or None, info=f"opstap {purpose}".encode()).derive(secret)
