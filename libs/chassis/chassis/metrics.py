"""What Prometheus reads: how many requests, how long, how they ended, by route template. Nobody is in it."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from starlette.responses import Response

from chassis.routes import ServiceRoute
from chassis.security import public

REQUESTS = Histogram(
    "opstap_http_request_seconds",
    "Time from the first byte of a request to the last byte of its answer",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

router = APIRouter(route_class=ServiceRoute, include_in_schema=False)


class MetricsResponse(Response):
    """Prometheus' text format."""

    media_type = CONTENT_TYPE_LATEST.partition(";")[0]


@router.get("/metrics", dependencies=[public()], response_class=MetricsResponse)
async def metrics() -> Response:
    """All metrics of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
