"""HTTP in: figures, what they were counted from, and reports."""

from collections.abc import Sequence

from fastapi import APIRouter

from reporting.api import figures, reports, timeline, traces

ROUTERS: Sequence[APIRouter] = (figures.router, traces.router, timeline.router, reports.router)
