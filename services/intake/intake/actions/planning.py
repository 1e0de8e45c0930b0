"""What each line of a caseload file leads to, decided before anything is written: a dry run plans as a real one."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import select, text

from chassis.csvfiles import Fault, Faulty, Record, Sheet, snake
from chassis.work import Work
from intake import caseload
from intake.actions.numbers import known_by_merger, known_otherwise
from intake.actions.policies import pack_of
from intake.actions.registration import named
from intake.caseload import CASELOAD, Case, Line
from intake.forecast import Colleagues, Here
from intake.problems import NoPolicy
from intake.remembered import Recalled, Remembered, Said, Spell
from intake.rules import BirthDate, refusals
from intake.tables import Client, ImportedCase, clients_by_bsn
from intake.vault import Vault
from policy import Pack

CORRECTED = Fault("bsn", "was wrong and was corrected: this person is a client under another number; take that over")
PERSON_COLUMNS = frozenset({*caseload.PERSON, *caseload.NAME, *caseload.ADDRESS, *caseload.CONTACT}) - {"bsn"}


@dataclass(frozen=True)
class Import:
    """An import under way: which file, on whose behalf."""

    id: UUID
    header: tuple[str, ...]
    municipalities: frozenset[str]
    by: str

    @property
    def home(self) -> str:
        """Where a line is counted that names no municipality of the token."""
        return min(self.municipalities)


@dataclass
class Planned:
    """A line, and what comes of it."""

    number: int
    municipality: str
    """Where it is counted."""
    line: Line | None
    cells: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)
    registers: bool = False
    """Whether the person is new here."""
    case: Case | None = None
    """The spell that is taken in, completed; absent when it is known or the journey stands as it is."""
    runs_here: bool = False
    """Whether a spell that ended is of before a journey that runs here."""

    @property
    def known(self) -> bool:
        """Whether a line without faults brings nothing new."""
        return not self.faults and not self.registers and self.case is None


async def plan(
    work: Work, vault: Vault, under_way: Import, memory: Remembered, records: Sequence[Record]
) -> tuple[list[Planned], Recalled]:
    """What each of these lines leads to, and what the file said so far with them; nothing is written."""
    planned = [_read(work, under_way, each) for each in records]
    await _refuse_corrected(work, vault, planned)
    sound = [each for each in planned if each.line is not None and not each.faults]
    people = {id(each): _indexes(vault, each) for each in sound}
    recalled = memory.recall({index for pair in people.values() for index in pair if index})
    here = await _Registered.of(work, vault, sound, people)
    for each in sound:
        _decide(each, _Person(*people[id(each)], memory.told(each.cells)), recalled, here)
    _each_spell_once(sound, people, here)
    for each in sound:
        if each.case is not None:
            each.case = caseload.completed(each.case, pack_of(work, each.municipality), work.today)
    for each in sound:
        own, said = people[id(each)][0], recalled.of(people[id(each)][0])
        runs = said is not None and any(spell.ends is None for spell in said.spells)
        ended = each.case is not None and each.case.exited_on is not None
        each.runs_here = ended and (runs or _runs_already(here.clients.get(own), here.spells_of(own)))
    return planned, recalled


def _each_spell_once(
    planned: Sequence[Planned], people: Mapping[int, tuple[str, str | None]], here: "_Registered"
) -> None:
    """Of a client whom lines name by two numbers, for they were registered twice, a spell comes in by the first."""
    taken: set[tuple[UUID, date | None]] = set()
    for each in planned:
        client = here.clients.get(people[id(each)][0])
        if client is not None and each.case is not None:
            spell = client.id, each.case.benefit_from
            each.case = None if spell in taken else each.case
            taken.add(spell)


async def forecasts(work: Work, municipality: str) -> Here:
    """What is needed to tell what follows from cases in a municipality."""
    today = pack_of(work, municipality)

    def pack_on(day: date) -> Pack:
        return work.policies.of_then(municipality, day, work.today)

    here = {"municipality": municipality, "today": work.today}
    staff = (await work.session.execute(_STAFF, here)).all()
    at_work = {role for each in staff if not each.away for role in each.roles}
    colleagues = Colleagues({each.staff_id for each in staff}, at_work)
    return Here(today, pack_on, colleagues, work.today)


_STAFF = text("""
    SELECT staff_id, roles, EXISTS (
        SELECT FROM stand_ins WHERE stand_ins.municipality = colleagues.municipality
        AND stand_ins.staff_id = colleagues.staff_id
        AND :today BETWEEN first_day AND coalesce(last_day, 'infinity')
    ) AS away
    FROM colleagues WHERE municipality = :municipality AND active
""")


def _read(work: Work, under_way: Import, record: Record) -> Planned:
    """A line with all that is wrong with it by itself."""
    read = CASELOAD.read(under_way.header, record)
    if isinstance(read, Faulty):
        return Planned(record.line, under_way.home, None, {}, list(read.faults))
    known_home = read.municipality in under_way.municipalities
    home = read.municipality if known_home else under_way.home
    cells = Sheet.written(under_way.header, record)
    return Planned(record.line, home, read, cells, list(_faults(work, under_way, read)))


async def _refuse_corrected(work: Work, vault: Vault, planned: Sequence[Planned]) -> None:
    """Who is named by a number that was corrected is a client already."""
    for municipality, of in _by_municipality(planned).items():
        for place in await known_otherwise(work, vault, municipality, [line.person for _, line in of]):
            of[place][0].faults.append(CORRECTED)


def _by_municipality(planned: Sequence[Planned]) -> Mapping[str, Sequence[tuple[Planned, Line]]]:
    """The lines without faults."""
    lines: defaultdict[str, list[tuple[Planned, Line]]] = defaultdict(list)
    for each in planned:
        if each.line is not None and not each.faults:
            lines[each.municipality].append((each, each.line))
    return lines


def _faults(work: Work, under_way: Import, line: Line) -> Iterator[Fault]:
    if line.municipality not in under_way.municipalities:
        yield Fault("municipality", "is none of the access token's")
        return
    refused = refusals(line.person, work.today)
    yield from (Fault(snake(each.field), each.detail) for each in refused)
    try:
        pack = pack_of(work, line.municipality)
    except NoPolicy as problem:
        yield Fault("municipality", problem.detail)
        return
    yield from caseload.case_faults(line.case, pack, work.today)
    if not any(each.field == "birthDate" for each in refused):
        born = BirthDate.parse(line.person.birth_date)
        assert born is not None, "the rules refuse whoever has no birth date"
        yield from caseload.life_faults(line.case, born, work.today)


def _indexes(vault: Vault, planned: Planned) -> tuple[str, str | None]:
    assert planned.line is not None
    own, partner = named(vault, planned.line.municipality, planned.line.person)
    return own.hex(), partner.hex() if partner else None


@dataclass(frozen=True)
class _Person:
    """Whom a line is about."""

    own: str
    partner: str | None
    told: Mapping[str, str]

    def told_of(self, columns: Collection[str]) -> dict[str, str]:
        return {column: digest for column, digest in self.told.items() if column in columns}


@dataclass(frozen=True)
class _Registered:
    """Who is registered already, of those whom the lines in hand are about, with the spells that imports brought."""

    clients: Mapping[str, Client]
    naming: Mapping[str, Collection[str]]
    """Who names somebody as partner, by that somebody."""
    spells: Mapping[UUID, Sequence[ImportedCase]]

    @classmethod
    async def of(
        cls, work: Work, vault: Vault, lines: Sequence[Planned], people: Mapping[int, tuple[str, str | None]]
    ) -> "_Registered":
        wanted: dict[str, set[bytes]] = defaultdict(set)
        for each in lines:
            wanted[each.municipality] |= {bytes.fromhex(index) for index in people[id(each)] if index}
        clients = {
            client.bsn_index.hex(): client
            for municipality, indexes in wanted.items()
            for client in await clients_by_bsn(work.session, municipality, indexes)
        }
        naming: dict[str, set[str]] = defaultdict(set)
        for index, client in clients.items():
            if client.partner_index is not None:
                naming[client.partner_index.hex()].add(index)
        for municipality, of in _by_municipality(lines).items():
            by_merger = await known_by_merger(work, vault, municipality, [line.person for _, line in of])
            for place, client in by_merger.items():
                clients.setdefault(people[id(of[place][0])][0], client)
        spells: dict[UUID, list[ImportedCase]] = defaultdict(list)
        query = select(ImportedCase).where(ImportedCase.client_id.in_({each.id for each in clients.values()}))
        for spell in await work.session.scalars(query):
            spells[spell.client_id].append(spell)
        return cls(clients, naming, spells)

    def is_taken(self, partner: str, by: str) -> bool:
        """Whether somebody has or names another as partner, or is named by another."""
        them, me = self.clients.get(partner), self.clients.get(by)
        if them is not None:
            names_another = them.partner_index is not None and them.partner_index.hex() != by
            if names_another or (them.partner_id is not None and (me is None or them.partner_id != me.id)):
                return True
        return not set(self.naming.get(partner, ())) <= {by}

    def spells_of(self, person: str) -> Sequence[ImportedCase]:
        client = self.clients.get(person)
        return () if client is None else self.spells.get(client.id, ())


def _decide(planned: Planned, person: _Person, recalled: Recalled, here: _Registered) -> None:
    """Hold a line against the lines before it and against who is registered, and say what it leads to."""
    assert planned.line is not None
    case = planned.line.case
    said, client = recalled.of(person.own), here.clients.get(person.own)
    same = next((each for each in said.spells if each.begins == case.benefit_from), None) if said else None
    planned.faults = [
        *_otherwise_told(person, said, same),
        *_partner_faults(person, recalled),
        *(_spell_faults(case, said) if same is None else ()),
    ] or list(_faults_here(person, case, recalled, here))
    if planned.faults:
        return
    planned.registers = client is None and said is None
    known = same is not None or any(each.benefit_from == case.benefit_from for each in here.spells_of(person.own))
    if not known and (case.exited_on is not None or not _runs_already(client, here.spells_of(person.own))):
        planned.case = case
    _remember(planned, person, recalled, said, same)


def _otherwise_told(person: _Person, said: Said | None, same: Spell | None) -> Iterator[Fault]:
    """Where a line says something else than an earlier one about the same person, or the same spell."""
    if said is not None:
        for column, digest in person.told_of(PERSON_COLUMNS).items():
            if column not in said.told:
                yield Fault(column, f"is told here, and not in line {said.line}, the first of the same person")
            elif digest != said.told[column]:
                yield Fault(column, f"differs from line {said.line}, of the same person")
    if same is not None:
        told = person.told_of(Case.model_fields)
        for column in sorted(told.keys() | same.told.keys()):
            if told.get(column) != same.told.get(column):
                yield Fault(column, f"differs from line {same.line}, of the same spell")


def _partner_faults(person: _Person, recalled: Recalled) -> Iterator[Fault]:
    """Who names somebody as partner that is somebody else's."""
    if person.partner is None:
        return
    partner = recalled.of(person.partner)
    others = [each for each in recalled.who_name(person.partner) if each.person != person.own]
    suitors = [each for each in recalled.who_name(person.own) if each.person != person.partner]
    if partner is not None and partner.partner not in {None, person.own}:
        yield Fault("partner_bsn", f"names somebody who names another partner, in line {partner.line}")
    elif others:
        yield Fault("partner_bsn", f"names somebody whom line {others[0].line} names as partner too")
    elif suitors:
        yield Fault("partner_bsn", f"is not who names this person as partner, in line {suitors[0].line}")


def _named_before(person: _Person, recalled: Recalled, here: _Registered) -> bool:
    """Whether an earlier line, or the registration, names the same partner."""
    said, client = recalled.of(person.own), here.clients.get(person.own)
    registered = client.partner_index.hex() if client is not None and client.partner_index is not None else None
    return person.partner in {registered, said.partner if said is not None else None}


def _spell_faults(case: Case, said: Said | None) -> Iterator[Fault]:
    """A spell that shares days with another of the same person."""
    told = said.spells if said is not None else []
    running = next((each for each in told if each.ends is None), None)
    shared = next((each for each in told if each.overlaps(case.benefit_from, case.exited_on)), None)
    if running is not None and case.exited_on is None:
        yield Fault("exited_on", f"is needed: line {running.line} has a spell of this person that runs too")
    elif shared is not None:
        yield Fault("benefit_from", f"shares days with the spell of this person in line {shared.line}")


def _faults_here(person: _Person, case: Case, recalled: Recalled, here: _Registered) -> Iterator[Fault]:
    """What a line that agrees with the file cannot be, by who is registered here and what imports brought before.

    A line that was taken in has none of these when it comes again, and one that was refused has some.
    """
    if person.partner and not _named_before(person, recalled, here) and here.is_taken(person.partner, person.own):
        yield Fault("partner_bsn", "names somebody who has another partner here")
    for each in here.spells_of(person.own):
        stands = each.exited_on is None and case.exited_on is None  # a journey that runs here stands as it is
        before = Spell(0, each.benefit_from, each.exited_on, {})
        other = each.benefit_from != case.benefit_from and not stands
        if other and before.overlaps(case.benefit_from, case.exited_on):
            yield Fault("benefit_from", "shares days with a spell of this person that was taken in before")
            return


def _runs_already(client: Client | None, spells: Sequence[ImportedCase]) -> bool:
    """Whether a journey runs here, by hand or by an import: it stands as it is."""
    return client is not None and (client.origin != "import" or any(each.exited_on is None for each in spells))


def _remember(planned: Planned, person: _Person, recalled: Recalled, said: Said | None, same: Spell | None) -> None:
    assert planned.line is not None
    case = planned.line.case
    if said is None:
        said = Said(person.own, planned.number, person.told_of(PERSON_COLUMNS), person.partner)
        recalled.say(said)
    if same is None:
        spell = Spell(planned.number, case.benefit_from, case.exited_on, person.told_of(Case.model_fields))
        said.spells.append(spell)
