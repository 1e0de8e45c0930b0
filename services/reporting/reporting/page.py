"""The report as a web page: in Dutch, in one file, with nothing from elsewhere."""

from collections.abc import Sequence

from chassis.pages import Pages
from policy import Pack
from policy.dutch import number
from reporting.charts import chart_of, written
from reporting.rules.sheets import Sheet
from reporting.rules.targets import Reached
from reporting.tables import Report
from reporting.words import LIGHTS, percent

_TITLES = {"council": "Rapportage aan de raad", "management": "Managementrapportage", "policy": "Beleidsrapportage"}

_PAGES = Pages("reporting")


def render(report: Report, pack: Pack, sheets: Sequence[Sheet], targets: Sequence[tuple[Reached, bool]]) -> str:
    """The whole page."""
    return _PAGES.render(
        "report.html",
        report=report,
        pack=pack,
        title=_TITLES[report.level],
        sheets=[(sheet, chart_of(sheet)) for sheet in sheets],
        targets=targets,
        some_hidden=_some_hidden(sheets, targets),
        smallest=pack.reporting.smallest_group,
        paragraphs=[part.strip() for part in (report.remarks or "").split("\n\n") if part.strip()],
        written=written,
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
