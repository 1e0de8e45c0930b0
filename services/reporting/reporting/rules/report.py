"""A report: its tables in their order, figures under Dutch headings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from contracts.words import word
from policy import Pack
from policy.dutch import day
from reporting.rules.counts import Caseload, Figures
from reporting.rules.figures import share
from reporting.rules.sheets import TOTAL, Cell, Column, Key, Level, Row, Sheet


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


def _last_row(sheet: Sheet, id: str, title: str, head: str) -> Sheet:
    """The totals of a cross's columns as a table of their own."""
    rows = tuple(
        Row(column.id, column.label, (cell,)) for column, cell in zip(sheet.columns, sheet.rows[-1].cells, strict=True)
    )
    same: dict[Key, Key] = {(id, row.id, TOTAL): (sheet.id, TOTAL, row.id) for row in rows}
    columns = (Column(TOTAL, sheet.total_label, sheet.columns[-1].unit),)
    return Sheet(id, title, head, columns, rows, "columns", same, chart=TOTAL)


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
