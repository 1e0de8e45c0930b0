"""The tables of a report: figures under Dutch headings, and what of them the council may see."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from policy import Pack
from policy.dutch import day
from reporting.rules.figures import Caseload, Figures, share
from reporting.rules.suppression import OUTSIDE, Number, hidden, is_small
from reporting.rules.targets import Reached
from reporting.words import word

Key = tuple[str, str, str]
"""Sheet, row and column of a number."""
Unit = Literal["number", "euros", "percent"]
Level = Literal["council", "management", "policy"]
Sums = Literal["none", "columns", "rows", "cross", "chain"]
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what its numbers are."""

    id: str
    label: str
    unit: Unit = "number"


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in a table, or the place of one that is hidden."""

    value: int | Decimal | None
    people: int | None = None
    """Of how many it tells, where that is not the number itself."""
    parts: tuple[Key, ...] = ()
    """The numbers that a percentage was reckoned from; it is hidden with each of them."""
    hidden: bool = False

    @property
    def group(self) -> int:
        """The size of the group it tells of."""
        return int(self.value or 0) if self.people is None else self.people


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    id: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Sheet:
    """A table of a report."""

    id: str
    title: str
    head: str
    """What the rows are."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    sums: Sums = "none"
    """How its numbers add up: `columns` to a last row, `rows` to a last column, `cross` to both, `chain` from each
    row's start over inflow and outflow to its end, which is the next row's start."""
    same: Mapping[Key, Key] = field(default_factory=dict)
    """Numbers that stand in another table as well."""
    totals_only: bool = False
    """Whether of a cross only the totals are published: then less needs to be hidden."""
    chart: str | None = None
    """The column that is drawn."""
    note: str = ""
    total_label: str = "Totaal"
    """What the totals are, where they stand alone."""

    def keyed(self) -> Iterator[tuple[Key, Column, Cell]]:
        """Every number with its place."""
        for row in self.rows:
            for column, cell in zip(self.columns, row.cells, strict=True):
                yield (self.id, row.id, column.id), column, cell

    def numbers(self, smallest: int) -> Iterator[Number[Key]]:
        """Its numbers as a network of sums; percentages follow from the others."""
        for key, column, cell in self.keyed():
            if column.unit == "percent" or cell.value is None:
                continue
            tail, head = _ends(self, key)
            small = is_small(cell.group, smallest)
            cents = int(cell.value * 100) if column.unit == "euros" else int(cell.value)
            total = TOTAL in key[1:]
            yield Number(self.name_of(key), cents, tail, head, small, total, total or not self.totals_only)

    def name_of(self, key: Key) -> Key:
        """The one name of a number that stands in two places."""
        return self.same.get(key, key)


def _ends(sheet: Sheet, key: Key) -> tuple[object, object]:
    """Between which sums of its table a number runs."""
    _, row, column = key
    match sheet.sums:
        case "columns":
            return (OUTSIDE, (column,)) if row == TOTAL else ((column,), OUTSIDE)
        case "rows":
            return (OUTSIDE, (row,)) if column == TOTAL else ((row,), OUTSIDE)
        case "cross":
            return _cross(row, column)
        case "chain":
            return _chain(sheet, row, column)
    return OUTSIDE, OUTSIDE


def _cross(row: str, column: str) -> tuple[object, object]:
    """A cell runs from its row to its column, a row's total into the row, a column's total out of the column."""
    rows, columns = ("all rows",), ("all columns",)
    if row == TOTAL:
        return (columns, rows) if column == TOTAL else (("column", column), columns)
    return (rows, ("row", row)) if column == TOTAL else (("row", row), ("column", column))


def _chain(sheet: Sheet, row: str, column: str) -> tuple[object, object]:
    rows = [each.id for each in sheet.rows]
    following = rows.index(row) + 1
    match column:
        case "start" | "inflow":
            return OUTSIDE, (row,)
        case "outflow":
            return (row,), OUTSIDE
        case "end":
            return (row,), (rows[following],) if following < len(rows) else OUTSIDE
    return OUTSIDE, OUTSIDE


def publish(sheets: Sequence[Sheet], smallest: int) -> list[Sheet]:
    """The tables as the council may see them."""
    hide: frozenset[Key] = frozenset()
    while True:
        found = frozenset().union(hide, *(hidden(_once(sheet.numbers(smallest)), hide) for sheet in sheets))
        if found == hide:
            return [_totals(_without(sheet, hide)) for sheet in sheets]
        hide = found


def _once(numbers: Iterable[Number[Key]]) -> list[Number[Key]]:
    """A number that stands twice in one table runs between the sums of its first place."""
    return list({number.key: number for number in reversed(list(numbers))}.values())


def _without(sheet: Sheet, hide: frozenset[Key]) -> Sheet:
    rows = []
    for row in sheet.rows:
        keys = [(sheet.id, row.id, column.id) for column in sheet.columns]
        cells = [
            Cell(None, hidden=True)
            if sheet.name_of(key) in hide or any(sheet.name_of(part) in hide for part in cell.parts)
            else replace(cell, people=None, parts=())
            for key, cell in zip(keys, row.cells, strict=True)
        ]
        rows.append(replace(row, cells=tuple(cells)))
    return replace(sheet, rows=tuple(rows))


def _totals(sheet: Sheet) -> Sheet:
    """Without the columns that are not published; the totals of columns have a table of their own."""
    if not sheet.totals_only:
        return sheet
    rows = tuple(replace(row, cells=row.cells[-1:]) for row in sheet.rows)
    return replace(sheet, columns=(replace(sheet.columns[-1], label=sheet.total_label),), rows=rows, sums="columns")


def _last_row(sheet: Sheet, id: str, title: str, head: str) -> Sheet:
    """The totals of a cross's columns as a table of their own."""
    rows = tuple(
        Row(column.id, column.label, (cell,)) for column, cell in zip(sheet.columns, sheet.rows[-1].cells, strict=True)
    )
    same: dict[Key, Key] = {(id, row.id, TOTAL): (sheet.id, TOTAL, row.id) for row in rows}
    columns = (Column(TOTAL, sheet.total_label, sheet.columns[-1].unit),)
    return Sheet(id, title, head, columns, rows, "columns", same, chart=TOTAL)


def publish_target(target: Reached, smallest: int) -> tuple[Reached, bool]:
    """A target as the council may see it, and whether it is hidden: it may tell of no small group, nor of the rest."""
    rest = None if target.sample is None or target.part is None else target.sample - target.part
    if any(is_small(group, smallest) for group in (target.part, target.sample, rest) if group is not None):
        return replace(target, value=None, part=None, sample=None, light="none"), True
    return target, False


def sheets_of(figures: Figures, pack: Pack, level: Level) -> list[Sheet]:
    """The tables of a report, in its order; management and policy see some that cannot be published."""
    sheets = [
        _caseload(figures.caseload_by_year),
        *_crosses(_places(figures, pack), level, "tracks", "Klanten naar spoor", "Spoor"),
        _exemptions(figures),
        _contact(figures, pack),
        _counts("participation", "Hoe klanten meedoen", "Vorm", figures.participation, chart=True),
        _shifts(figures, pack),
        _steps("handovers", "Overdrachten tussen de sporen", "Stap", figures.handovers, HANDOVERS),
        _totalled("exits", "Uitstroom naar reden", "Reden", figures.exits),
        _totalled(
            "part-time",
            "Deeltijdwerk naast de uitkering: inkomen per maand",
            "Euro per maand",
            figures.part_time_income,
        ),
        _referrals(figures, pack),
        _gate(figures),
        _steps("measures", "Afspraken en maatregelen", "Stap", _measures(figures), MEASURES),
        *_crosses(_costs(figures, pack, "goal"), level, "costs-goal", "Uitgaven aan instrumenten naar doel", "Doel"),
    ]
    if level != "council":
        sheets += [
            _costs(figures, pack, "track"),
            _costs(figures, pack, "category"),
            _partner_input(figures, pack),
            _totalled("outflow", "Uit de uitkering naar reden", "Reden", figures.caseload.outflow_by_reason),
            _steps("assessments", "Diagnoses", "Wat", figures.assessments, ASSESSMENTS),
            _steps("conversations", "Gesprekken", "Wat", figures.conversations, CONVERSATIONS),
            _steps("indications", "Indicaties bij UWV", "Wat", figures.indications, INDICATIONS),
            _steps("sessions", "Voorlichting", "Wat", figures.information_sessions, SESSIONS),
        ]
    return [sheet for sheet in sheets if sheet.rows]


def _crosses(sheet: Sheet, level: Level, id: str, title: str, head: str) -> list[Sheet]:
    """A cross as it is; for the council its totals, in two tables."""
    if level != "council" or not sheet.rows:
        return [sheet]
    alone = {"places": "Klanten naar categorie", "costs": "Uitgaven aan instrumenten"}[sheet.id]
    return [replace(sheet, totals_only=True, title=alone), _last_row(sheet, id, title, head)]


HANDOVERS = {
    "due": "Aan de orde", "prepared": "Voorbereid", "accepted": "Aangenomen", "returned": "Teruggegeven",
    "escalated": "Te laat: naar de teammanager", "cancelled": "Vervallen",
}  # fmt: skip
MEASURES = {
    "talk": "Gesprek",
    "influence": "Positieve beïnvloeding",
    "measure": "Maatregel aan de orde",
    "imposed": "Maatregel opgelegd",
}
ASSESSMENTS = {
    "completed": "Afgenomen", "in_doubt": "In twijfel", "decided": "Vastgesteld door een professional",
    "reconfirmed": "Waarvan bevestigd zoals het was", "overridden": "Waarvan maatwerk", "corrected": "Waarvan hersteld",
}  # fmt: skip
CONVERSATIONS = {
    "conversations": "Gesprekken", "reviews": "Jaarlijkse heronderzoeken", "face_to_face": "Waarvan in persoon",
    "home_visits": "Waarvan huisbezoek",
}  # fmt: skip
INDICATIONS = {"requested": "Aangevraagd", "granted": "Toegekend", "refused": "Afgewezen"}
SESSIONS = {"attended": "Aanwezig", "absent": "Afwezig"}
REFERRALS = {
    "sent": "Verwezen", "accepted": "Aangenomen", "declined": "Afgewezen", "started": "Begonnen", "placed": "Geplaatst",
    "completed": "Voltooid", "stopped": "Gestopt", "returned": "Terug", "failed": "Niet gelukt",
    "waiting": "Wacht op groep",
}  # fmt: skip
PARTNER_INPUT = {
    "acknowledged": "Ontvangst gemeld", "accepted": "Aangenomen", "started": "Begonnen",
    "progressed": "Voortgang gemeld",
    "signalled": "Seinen", "overdue": "Te laat", "withdrawn": "Ingetrokken",
}  # fmt: skip
CASELOAD = (
    Column("start", "Begin"), Column("inflow", "Erbij"), Column("outflow", "Eraf"), Column("end", "Eind"),
    Column("households", "Huishoudens (eind)"), Column("notifications", "Meldingen"),
)  # fmt: skip


def _caseload(years: Sequence[Caseload]) -> Sheet:
    rows = [
        Row(f"{each.since}", _period(each), tuple(
            Cell(value) for value in
            (each.start, each.inflow, each.outflow, each.end, each.households_end, each.notifications)
        ))
        for each in years
    ]  # fmt: skip
    joined = zip(rows[1:], rows, strict=False)
    same: dict[Key, Key] = {("caseload", row.id, "start"): ("caseload", before.id, "end") for row, before in joined}
    return Sheet(
        "caseload", "Mensen met een uitkering", "Periode", CASELOAD, tuple(rows), "chain", same, chart="end",
        note="Begin + erbij - eraf = eind.",
    )  # fmt: skip


def _period(each: Caseload) -> str:
    whole = (each.since.month, each.since.day, each.until.month, each.until.day) == (1, 1, 12, 31)
    return str(each.since.year) if whole else f"{day(each.since)} t/m {day(each.until)}"


def _places(figures: Figures, pack: Pack) -> Sheet:
    tracks = [track for track in pack.tracks if any(place.track == track for place in figures.places)]
    others = sorted({place.track or "" for place in figures.places} - set(tracks))
    columns = [
        *(Column(each, pack.tracks[each].label) for each in tracks),
        *(Column(each, word(each) if each else "Nog geen spoor") for each in others),
    ]
    ids = [each for each in (*pack.categories, *sorted(figures.by_category)) if each in figures.by_category]
    count = {(place.category, place.track or ""): place.clients for place in figures.places}
    rows = [
        (each, _label(pack, each), [count.get((each, column.id), 0) for column in columns])
        for each in dict.fromkeys(ids)
    ]
    return _crossed("places", "Klanten naar categorie en spoor", "Categorie", columns, rows, chart=TOTAL)


def _label(pack: Pack, category: str) -> str:
    return pack.categories[category].label if category in pack.categories else word(category)


def _crossed(
    id: str, title: str, head: str, columns: Sequence[Column], rows: Sequence[tuple[str, str, list[int]]], *, chart: str
) -> Sheet:
    """A table with totals of its rows and of its columns."""
    made = [Row(each, label, tuple(map(Cell, [*values, sum(values)]))) for each, label, values in rows]
    sums = [sum(values) for values in zip(*(values for _, _, values in rows), strict=True)] or [0] * len(columns)
    made.append(Row(TOTAL, "Totaal", tuple(map(Cell, [*sums, sum(sums)]))))
    every = (*columns, Column(TOTAL, "Totaal"))
    return Sheet(id, title, head, every, tuple(made), "cross", chart=chart, total_label="Klanten")


def _exemptions(figures: Figures) -> Sheet:
    held, everybody = figures.exemptions, figures.clients
    groups = {
        "temporarily": ("Tijdelijk ontheven", held.temporarily),
        "permanently": ("Blijvend ontheven", held.permanently),
        "not": ("Niet ontheven", everybody - held.clients),
        TOTAL: ("Totaal", everybody),
    }
    rows = [
        Row(each, label, (Cell(number), Cell(share(number, everybody), parts=(
            ("exemptions", each, "clients"), ("exemptions", TOTAL, "clients")
        ))))
        for each, (label, number) in groups.items()
    ]  # fmt: skip
    columns = (Column("clients", "Klanten"), Column("share", "Aandeel", "percent"))
    same: dict[Key, Key] = {("exemptions", TOTAL, "clients"): ("places", TOTAL, TOTAL)}
    return Sheet(
        "exemptions",
        "Ontheffingen van de plicht om werk te zoeken",
        "Ontheffing",
        columns,
        tuple(rows),
        "columns",
        same,
    )


def _contact(figures: Figures, pack: Pack) -> Sheet:
    rows = [
        Row(each.track, pack.tracks[each.track].label if each.track in pack.tracks else word(each.track),
            (Cell(each.spoken), Cell(each.not_spoken), Cell(each.clients)))
        for each in figures.contact
    ]  # fmt: skip
    columns = (Column("spoken", "Gesproken"), Column("not_spoken", "Niet gesproken"), Column(TOTAL, "Klanten"))
    same: dict[Key, Key] = {("contact", row.id, TOTAL): ("places", TOTAL, row.id) for row in rows}
    return Sheet(
        "contact", "Wie in de periode gesproken is", "Spoor", columns, tuple(rows), "rows", same, chart="spoken"
    )


def _counts(id: str, title: str, head: str, counts: Mapping[str, int], *, chart: bool = False) -> Sheet:
    rows = tuple(Row(each, word(each), (Cell(number),)) for each, number in counts.items())
    return Sheet(id, title, head, (Column("number", "Aantal"),), rows, chart="number" if chart else None)


def _steps(id: str, title: str, head: str, counts: Mapping[str, int], labels: Mapping[str, str]) -> Sheet:
    rows = tuple(Row(each, label, (Cell(counts.get(each, 0)),)) for each, label in labels.items())
    return Sheet(id, title, head, (Column("number", "Aantal"),), rows)


def _totalled(id: str, title: str, head: str, counts: Mapping[str, int]) -> Sheet:
    rows = [Row(each, word(each), (Cell(number),)) for each, number in counts.items()]
    if rows:
        rows.append(Row(TOTAL, "Totaal", (Cell(sum(counts.values())),)))
    return Sheet(id, title, head, (Column("number", "Aantal"),), tuple(rows), "columns", chart="number")


def _shifts(figures: Figures, pack: Pack) -> Sheet:
    def label(track: str) -> str:
        return pack.tracks[track].label if track in pack.tracks else word(track)

    rows = tuple(
        Row(
            f"{each.from_track}-{each.to_track}",
            f"Van {label(each.from_track)} naar {label(each.to_track)}",
            (Cell(each.shifts),),
        )
        for each in figures.shifts
    )
    return Sheet("shifts", "Van het ene spoor naar het andere", "Richting", (Column("number", "Klanten"),), rows)


def _measures(figures: Figures) -> dict[str, int]:
    return figures.agreements_missed | {"imposed": figures.measures}


def _referrals(figures: Figures, pack: Pack) -> Sheet:
    return _by_partner("referrals", "Verwijzingen naar partners", figures, pack, REFERRALS, chart="sent")


def _partner_input(figures: Figures, pack: Pack) -> Sheet:
    return _by_partner("partner-input", "Wat partners zelf melden", figures, pack, PARTNER_INPUT)


def _by_partner(
    id: str, title: str, figures: Figures, pack: Pack, columns: Mapping[str, str], chart: str | None = None
) -> Sheet:
    rows = tuple(
        Row(each.partner, pack.partners[each.partner].name if each.partner in pack.partners else word(each.partner),
            tuple(Cell(getattr(each, column)) for column in columns))
        for each in figures.referrals
    )  # fmt: skip
    return Sheet(id, title, "Partner", tuple(Column(*each) for each in columns.items()), rows, chart=chart)


def _gate(figures: Figures) -> Sheet:
    gate = figures.gate
    numbers = {
        "notifications": ("Meldingen", gate.notifications), "diverted": ("Geholpen zonder aanvraag", gate.diverted),
        "applications": ("Aanvragen", gate.applications), "withdrawn": ("Aanvragen ingetrokken", gate.withdrawn),
        "granted": ("Uitkeringen toegekend", gate.granted), "refused": ("Uitkeringen afgewezen", gate.refused),
    }  # fmt: skip
    parts: tuple[Key, ...] = (("gate", "diverted", "number"), ("gate", "notifications", "number"))
    rows = tuple(
        Row(each, label, (Cell(number), Cell(gate.diverted_share_pct if each == "diverted" else None, parts=parts)))
        for each, (label, number) in numbers.items()
    )
    columns = (Column("number", "Aantal"), Column("share", "Aandeel van de meldingen", "percent"))
    return Sheet("gate", "Aan de poort", "Wat", columns, rows)


def _costs(figures: Figures, pack: Pack, by: Literal["goal", "track", "category"]) -> Sheet:
    """Spending by instrument and by goal, track or category, with totals."""
    heads = {
        "goal": ("Doel", word),
        "track": ("Spoor", lambda each: _track(pack, each)),
        "category": ("Categorie", lambda each: _label(pack, each)),
    }
    title, label = heads[by]
    values = {(each.instrument, str(getattr(each, by) or ""), index): each for index, each in enumerate(figures.costs)}
    instruments = sorted({instrument for instrument, _, _ in values})
    ids = sorted({each for _, each, _ in values})

    def cell(instrument: str, column: str) -> Cell:
        found = [
            cost for (one, other, _), cost in values.items()
            if instrument in (one, TOTAL) and column in (other, TOTAL)
        ]  # fmt: skip
        return Cell(
            sum((each.amount for each in found), Decimal(0)),
            people=len(frozenset().union(*(each.who for each in found))),
        )

    def row(instrument: str, name: str) -> Row:
        return Row(instrument, name, tuple(cell(instrument, column) for column in (*ids, TOTAL)))

    rows = [row(each, pack.instruments[each].label if each in pack.instruments else word(each)) for each in instruments]
    rows += [row(TOTAL, "Totaal")] if rows else []
    columns = (*(Column(each, label(each), "euros") for each in ids), Column(TOTAL, "Totaal", "euros"))
    chart = TOTAL if by == "goal" else None
    name = f"costs-{by}" if by != "goal" else "costs"
    return Sheet(
        name,
        f"Uitgaven aan instrumenten naar {title.lower()}",
        "Instrument",
        columns,
        tuple(rows),
        "cross",
        chart=chart,
        total_label="Bedrag",
    )


def _track(pack: Pack, track: str) -> str:
    return pack.tracks[track].label if track in pack.tracks else (word(track) if track else "Nog geen spoor")
