"""Who is let in: everything that is not exactly right is refused."""

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import APIRouter
from fastapi.routing import APIRoute, iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from chassis.app import create_app
from chassis.problems import Forbidden, Unauthorized, Unavailable
from chassis.routes import ServiceRoute, WorkInHand
from chassis.security import FetchedKeys, FixedKeys, Role, Token, TokenVerifier, allow, declared_permission, in_scope
from opstap.issuer import Issuer
from opstap.postgres import free_port
from tests.support.answers import assert_headers, assert_problem
from tests.support.notes import Notes


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def unsigned(notes: Notes) -> str:
    return f"{part({'alg': 'none', 'kid': notes.issuer.jwks()['keys'][0]['kid']})}.{part(claims_of(notes.token()))}."


def signed_with_the_public_key(notes: Notes) -> str:
    public = notes.issuer.jwks()["keys"][0]
    key = OctKey.import_key(json.dumps(public).ljust(64))
    return jwt.encode({"alg": "HS256", "kid": public["kid"]}, claims_of(notes.token()), key, algorithms=["HS256"])


def with_its_own_key_inside(notes: Notes) -> str:
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": notes.issuer.jwks()["keys"][0]["kid"], "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims_of(notes.token()), key, algorithms=["RS256"])


def of_a_stranger_with_our_kid(notes: Notes) -> str:
    header = {"alg": "RS256", "kid": notes.issuer.jwks()["keys"][0]["kid"]}
    return jwt.encode(header, claims_of(notes.token()), RSAKey.generate_key(2048), algorithms=["RS256"])


def of_an_unknown_key(notes: Notes) -> str:
    key = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "kid": "other"}, claims_of(notes.token()), key, algorithms=["RS256"])


def without_kid(notes: Notes) -> str:
    header = {"alg": "RS256", "typ": "at+jwt"}
    return jwt.encode(header, claims_of(notes.token()), notes.issuer._key, algorithms=["RS256"])


def as_id_token(notes: Notes) -> str:
    header = {"alg": "RS256", "typ": "id+jwt", "kid": notes.issuer._key.kid}
    return jwt.encode(header, claims_of(notes.token()), notes.issuer._key, algorithms=["RS256"])


def spoilt(notes: Notes) -> str:
    head, body, signature = notes.token().split(".")
    return f"{head}.{part(claims_of(f'.{body}.') | {'roles': ['operator']})}.{signature}"


FORGED = [
    unsigned, signed_with_the_public_key, with_its_own_key_inside, of_a_stranger_with_our_kid, of_an_unknown_key,
    without_kid, as_id_token, spoilt,
]  # fmt: skip


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
async def test_a_forged_token_is_refused(notes: Notes, forge: Any) -> None:
    answer = await notes.http.get("/v1/notes", headers={"Authorization": f"Bearer {forge(notes)}"})
    assert_problem(answer, 401)
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


NOW = int(time.time())
WRONG_CLAIMS: list[dict[str, Any]] = [
    {"aud": "somebody-else"}, {"aud": ["one", "two"]}, {"aud": ""}, {"iss": "https://issuer.example"}, {"azp": ""},
    {"azp": "a b"}, {"jti": ""}, {"jti": 7}, {"exp": NOW - 60}, {"exp": "tomorrow"}, {"iat": NOW + 3600},
    {"iat": True}, {"nbf": NOW + 3600}, {"exp": NOW + 86_400}, {"roles": "operator"}, {"roles": [1]},
    {"municipalities": "GM0001"}, {"municipalities": ["GM0001,GM0002"]}, {"municipalities": ["*"]},
    {"sub": "Jan de Vries"}, {"sub": 7}, {"roles": ["partner"]}, {"partner": "p-1"}, {"team": ["a"]},
]  # fmt: skip


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=", ".join)
async def test_a_token_with_a_wrong_claim_is_refused(notes: Notes, claims: dict[str, Any]) -> None:
    answer = await notes.http.get("/v1/notes", headers={"Authorization": f"Bearer {notes.token(**claims)}"})
    assert_problem(answer, 401)


@pytest.mark.parametrize("claim", ["iss", "aud", "azp", "exp", "iat", "jti"])
async def test_a_token_without_a_claim_it_needs_is_refused(notes: Notes, claim: str) -> None:
    claims = claims_of(notes.token())
    del claims[claim]
    header = {"alg": "RS256", "kid": notes.issuer._key.kid}
    token = jwt.encode(header, claims, notes.issuer._key, algorithms=["RS256"])
    assert_problem(await notes.http.get("/v1/notes", headers={"Authorization": f"Bearer {token}"}), 401)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic amFuOmph", "Bearer a.b", "Bearer a.b.c", "Bearer " + "a" * 9000, "x"]
)
async def test_what_is_no_token_is_refused(notes: Notes, header: str) -> None:
    answer = await notes.http.get("/v1/notes", headers={"Authorization": header})
    assert_problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@given(value=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=300))
async def test_no_text_breaks_the_reading_of_tokens(notes: Notes, value: str) -> None:
    with pytest.raises(Unauthorized):
        await notes.app.state.service.verifier.verify(value)


@given(header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5u"]), st.integers()))
async def test_no_header_breaks_the_reading_of_tokens(notes: Notes, header: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        await notes.app.state.service.verifier.verify(f"{part(header)}.{part({})}.{part({})}")


async def test_a_token_in_the_url_is_refused_even_beside_a_good_one(notes: Notes) -> None:
    answer = await notes.http.get("/v1/notes", params={"access_token": notes.token()}, headers=notes.bearer())
    assert_problem(answer, 401)


async def test_two_tokens_are_refused(notes: Notes) -> None:
    twice = [("Authorization", f"Bearer {notes.token()}")] * 2
    assert_problem(await notes.http.get("/v1/notes", headers=twice), 401)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_both_algorithms_of_the_profile_are_read(notes: Notes, algorithm: str) -> None:
    answer = await notes.http.get("/v1/notes", headers=notes.bearer(algorithm=algorithm))
    assert answer.status_code == 200


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("GET", "/v1/notes", {"caseworker", "team_manager"}),
        ("POST", "/v1/notes", {"caseworker", "team_manager"}),
        ("DELETE", "/v1/notes/0197f3a0-0000-7000-8000-000000000000", {"team_manager"}),
        ("GET", "/v1/events", {"operator"}),
        ("PUT", "/v1/civil-clock", {"operator"}),
    ],
)
async def test_each_route_is_open_to_its_roles_only(
    notes: Notes, role: Role, method: str, path: str, roles: set[str]
) -> None:
    partner = "p-1" if role is Role.PARTNER else None
    answer = await notes.http.request(method, path, headers=notes.bearer(role, partner=partner))
    if role in roles:
        assert answer.status_code not in {401, 403}
    else:
        assert_problem(answer, 403)
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_permission_comes_before_the_reading_of_a_body(notes: Notes) -> None:
    assert_problem(await notes.http.post("/v1/notes", content=b"not json"), 401)


async def test_public_routes_ask_nothing(notes: Notes) -> None:
    answer = await notes.http.get("/v1/greetings", headers={"Authorization": "nonsense"})
    assert (answer.status_code, answer.json()) == (200, "hello")


async def test_the_actor_is_staff_a_partner_or_an_application(notes: Notes) -> None:
    read = notes.app.state.service.verifier.verify
    assert (await read(notes.token("caseworker", sub="jan"))).actor == "staff:jan"
    assert (await read(notes.token("partner", sub="client-7", partner="p-7"))).actor == "partner:p-7"
    assert (await read(notes.token("front_end", sub=None, azp="portal"))).actor == "app:portal"
    assert (await read(notes.token("front_end", sub="portal", azp="portal"))).actor == "app:portal"


async def test_roles_of_other_systems_are_left_aside(notes: Notes) -> None:
    token: Token = await notes.app.state.service.verifier.verify(notes.token("caseworker", "root", team="t-1"))
    assert token.roles == {Role.CASEWORKER}
    assert token.team == "t-1"


def test_a_municipality_outside_the_token_is_forbidden() -> None:
    token = Token(actor="staff:jan", client="x", roles=frozenset(), municipalities=frozenset({"GM0001"}))
    in_scope(token, "GM0001")
    with pytest.raises(Forbidden):
        in_scope(token, "GM0002")


def made_of(notes: Notes, router: APIRouter) -> None:
    state = notes.app.state.service
    create_app(
        service="toy",
        title="Toy",
        description="",
        routers=[router],
        office=state.office,
        settings=notes.settings,
        verifier=state.verifier,
    )


async def endpoint(work: WorkInHand) -> None: ...


def test_a_route_without_a_permission_is_refused_at_creation(notes: Notes) -> None:
    router = APIRouter(route_class=ServiceRoute)
    router.get("/things")(endpoint)
    with pytest.raises(ValueError, match="GET /things declares no permission"):
        made_of(notes, router)


def test_a_route_that_checks_nothing_is_refused_at_creation(notes: Notes) -> None:
    router = APIRouter()
    router.get("/things", dependencies=[allow(Role.OPERATOR)])(endpoint)
    with pytest.raises(TypeError, match="no ServiceRoute"):
        made_of(notes, router)


def test_a_route_with_two_permissions_is_refused_at_creation() -> None:
    router = APIRouter(route_class=ServiceRoute, dependencies=[allow(Role.OPERATOR)])
    with pytest.raises(ValueError, match="more than one permission"):
        router.get("/things", dependencies=[allow(Role.CASEWORKER)])(endpoint)


def test_a_nested_router_is_refused_too(notes: Notes) -> None:
    inner, outer = APIRouter(route_class=ServiceRoute), APIRouter(route_class=ServiceRoute)
    inner.get("/things")(endpoint)
    outer.include_router(inner, prefix="/nested")
    with pytest.raises(ValueError, match="declares no permission"):
        made_of(notes, outer)


def test_a_permission_names_a_role() -> None:
    with pytest.raises(ValueError, match="at least one role"):
        allow()


def test_every_route_of_an_app_can_be_asked_for_its_permission(notes: Notes) -> None:
    found = {
        each.path_format: declared_permission(each.original_route)
        for each in iter_route_contexts(notes.app.routes)
        if isinstance(each.original_route, APIRoute)
    }
    assert all(found.values())
    open_to_all = {path for path, permission in found.items() if permission and permission.roles is None}
    assert open_to_all == {"/health/live", "/health/ready", "/metrics", "/v1/greetings"}


async def test_keys_are_fetched_kept_and_fetched_again_for_a_new_one(folder: Path) -> None:
    issuer, port = Issuer(folder / "old"), free_port()
    server = uvicorn.Server(uvicorn.Config(issuer.app(), port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=20)) as client:
        assert (await client.get(f"{url}/jwks.json")).status_code == 200
        form = {"roles": "caseworker", "municipalities": "GM0001", "sub": "jan"}
        token = (await client.post(f"{url}/token", data=form)).json()["access_token"]
    keys = FetchedKeys(f"{url}/jwks.json", at_most_every=0)
    verifier = TokenVerifier(issuer=issuer.url, audience="opstap", keys=keys)
    assert (await verifier.verify(token)).actor == "staff:jan"
    renewed = Issuer(folder / "new")
    with pytest.raises(Unauthorized):
        await verifier.verify(renewed.issue("jan", ["caseworker"], []))
    issuer._key = renewed._key
    assert (await verifier.verify(renewed.issue("jan", ["caseworker"], []))).actor == "staff:jan"
    server.should_exit = True
    await serving
    assert (await verifier.verify(renewed.issue("piet", ["caseworker"], []))).actor == "staff:piet"


async def test_an_issuer_that_was_never_reached_is_our_trouble_and_not_the_callers(notes: Notes) -> None:
    keys = FetchedKeys(f"http://127.0.0.1:{free_port()}/jwks.json")
    verifier = TokenVerifier(issuer=notes.issuer.url, audience="opstap", keys=keys)
    with pytest.raises(Unavailable):
        await verifier.verify(notes.token())


async def test_keys_come_from_a_file(notes: Notes) -> None:
    keys = FixedKeys.from_file(notes.issuer.jwks_file)
    verifier = TokenVerifier(issuer=notes.issuer.url, audience="opstap", keys=keys)
    assert (await verifier.verify(notes.token())).client == "opstap-front-end"


async def test_a_refusal_carries_the_headers_of_every_answer(notes: Notes) -> None:
    assert_headers(await notes.http.get("/v1/notes"))
