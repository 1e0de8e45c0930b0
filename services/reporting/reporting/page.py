"""The report as a web page: in Dutch, in one file, with nothing from elsewhere."""

import base64
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from policy import Pack
from reporting.charts import chart_of, written
from reporting.rules.sheets import Sheet
from reporting.rules.targets import Reached
from reporting.tables import Report
from reporting.words import LIGHTS, day, number, percent

_STYLE = (files("reporting") / "templates" / "report.css").read_text()

_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may do with the page: use its one style sheet, and nothing else."""

_TITLES = {"council": "Rapportage aan de raad", "management": "Managementrapportage", "policy": "Beleidsrapportage"}

_PAGES = Environment(
    loader=PackageLoader("reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def render(report: Report, pack: Pack, sheets: Sequence[Sheet], targets: Sequence[tuple[Reached, bool]]) -> str:
    """The whole page."""
    return _PAGES.get_template("report.html").render(
        report=report,
        pack=pack,
        title=_TITLES[report.level],
        sheets=[(sheet, chart_of(sheet)) for sheet in sheets],
        targets=targets,
        style=Markup(_STYLE),  # noqa: S704 - our own file, and the policy above allows no other
        some_hidden=_some_hidden(sheets, targets),
        smallest=pack.reporting.smallest_group,
        paragraphs=[part.strip() for part in (report.remarks or "").split("\n\n") if part.strip()],
        day=day,
        written=written,
        number=number,
        reading=_reading,
        lights=LIGHTS,
    )


def _some_hidden(sheets: Sequence[Sheet], targets: Sequence[tuple[Reached, bool]]) -> bool:
    cells = (cell for sheet in sheets for row in sheet.rows for cell in row.cells)
    return any(cell.hidden for cell in cells) or any(hidden for _, hidden in targets)


def _reading(target: Reached) -> tuple[str, str]:
    """A target's norm and what came of it, in words."""
    bound = "minstens" if target.direction == "at_least" else "hoogstens"
    more = " meer dan gemiddeld" if target.unit == "percent_more" else ""
    write = number if target.unit == "number" else percent
    return f"{bound} {write(target.norm)}{more}", "" if target.value is None else write(target.value)
