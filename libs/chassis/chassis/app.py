"""Assembly: routers, identity, transactions and background tasks become one app that answers by the rules."""

import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from chassis import feed, health, metrics, openapi
from chassis.background import Background, Repeated
from chassis.clock import Settle, nothing_is_due
from chassis.edge import Edge
from chassis.idempotency import forget_old
from chassis.problems import Problem, of_http_exception, of_validation, render
from chassis.routes import Service, permission_of
from chassis.security import TokenVerifier
from chassis.settings import ServiceSettings
from chassis.work import Office

LARGEST_BODY = 1024 * 1024
VERSION = "1.0.0"

Check = Callable[[], Awaitable[bool]]


def create_app(
    *,
    service: str,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    office: Office,
    settings: ServiceSettings,
    verifier: TokenVerifier,
    background: Sequence[Background] = (),
    ready: Mapping[str, Check] | None = None,
    settle: Settle = nothing_is_due,
    larger_bodies: Mapping[str, int] | None = None,
    version: str = VERSION,
) -> FastAPI:
    """The HTTP side of a service, under `/v1`. ValueError when a route declares no permission.

    `background` runs as long as the app; `ready` are further checks of readiness by name; `settle` is called before
    and after the civil clock is moved over HTTP; `larger_bodies` are the paths, such as `/v1/imports`, that read a
    larger body as it comes, with the limit of each.
    """
    tasks = (*background, Repeated("forget answers", 3600, lambda: _forget_answers(office)))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for task in tasks:
                stack.push_async_callback(task.stop)
                await task.start()
            gc.collect()
            gc.freeze()
            yield

    app = FastAPI(
        title=title,
        description=openapi.described(description),
        version=version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        servers=[{"url": f"{settings.public_url.rstrip('/')}/{service}/v1", "description": title}],
    )
    app.state.service = Service.of(service, version, office, settings, verifier)
    app.state.health = health.Health(office, tasks, ready or {}, settle)
    _let_browsers_in(app, settings.allowed_origins)
    app.add_middleware(
        Edge,
        service=service,
        version=version,
        public_url=settings.public_url,
        largest_body=LARGEST_BODY,
        larger_bodies=larger_bodies,
    )
    app.include_router(health.router)
    app.include_router(metrics.router)
    for router in routers:
        app.include_router(router, prefix="/v1")
    app.include_router(health.feed, prefix="/v1")
    if settings.movable_clock:
        app.include_router(health.civil_clock, prefix="/v1")
    _answer_errors(app, settings.public_url)
    for each in iter_route_contexts(app.routes):
        if isinstance(each.original_route, APIRoute):
            permission_of(each.original_route)
    _publish_openapi(app)
    return app


def _let_browsers_in(app: FastAPI, origins: Sequence[str]) -> None:
    """Pages of these origins may call (ADR /core/transport/cors); tokens stand in a header, so no cookies go along."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID",
            "traceparent",
        ],
        expose_headers=["API-Version", "ETag", "Link", "Location", "Retry-After"],
    )  # fmt: skip


def _answer_errors(app: FastAPI, public_url: str) -> None:
    async def problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return render(error, public_url)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        found = of_http_exception(error)
        if found.status == 405:
            found.headers = {"Allow": ", ".join(_methods(app, request))}
        return render(found, public_url)

    async def validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(of_validation(error), public_url)

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)


def _methods(app: FastAPI, request: Request) -> list[str]:
    """All methods of a path: the framework names those of its first route only."""
    path = get_route_path(request.scope)
    found: set[str] = set()
    for each in iter_route_contexts(app.routes):
        if each.methods and each.path_regex.match(path):
            found |= each.methods
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def _publish_openapi(app: FastAPI) -> None:
    plain = app.openapi
    finished: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not finished:
            finished.update(openapi.finish(plain(), app))
        return finished

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way to extend the document

    async def serve(_: Request) -> Response:
        return JSONResponse(document(), headers={"Access-Control-Allow-Origin": "*"})

    app.add_route("/v1/openapi.json", serve, methods=["GET"], include_in_schema=False)


async def _forget_answers(office: Office) -> None:
    async with office.in_background() as work:
        await forget_old(work.session)


class _Server(uvicorn.Server):
    """Ends streams first when it stops: they would not end by themselves."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await feed.close_all()
        await super().shutdown(sockets)


def server(app: ASGIApp, *, host: str, port: int) -> uvicorn.Server:
    """Uvicorn as we run it: it names nothing of itself, believes no proxy headers, and finishes what it began."""
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            access_log=False,
            log_config=None,
            lifespan="on",
            timeout_graceful_shutdown=20,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )


def serve(app: FastAPI, *, host: str = "0.0.0.0", port: int = 8000) -> None:  # noqa: S104 - in a container, behind a gateway
    """Run one service until it is told to stop."""
    uvloop.run(server(app, host=host, port=port).serve())
