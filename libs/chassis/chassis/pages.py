"""Web pages of a service: in Dutch, in one file, with nothing from elsewhere and without scripts.

A template extends `page.html`, which gives every page its frame and its one style sheet:

>>> PAGES = Pages("reporting")
>>> HTMLResponse(PAGES.render("report.html", report=report), headers=HEADERS)
"""

import base64
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from fastapi import Request
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from policy.dutch import day, euros, number

_STYLE = (files("chassis") / "templates" / "page.css").read_text()
_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may do with a page: use its one style sheet, and nothing else."""

HEADERS: Mapping[str, str] = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Content-Language": "nl"}
"""What goes with every page."""


class Pages:
    """The templates of a service, in the frame that all services share."""

    def __init__(self, package: str) -> None:
        self._templates = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("chassis")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            style=Markup(_STYLE),  # noqa: S704 - our own file, and the policy above allows no other
            day=day,
            number=number,
            euros=euros,
        )

    def render(self, template: str, **values: Any) -> str:
        """The whole page."""
        return self._templates.get_template(template).render(**values)


def prefers_page(request: Request) -> bool:
    """Whether the caller names `text/html` before, or without, JSON in its Accept header."""
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return next((each == "text/html" for each in accepted if each in {"text/html", "application/json"}), False)
