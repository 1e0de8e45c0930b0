"""A trial as a web page: in Dutch, in one file, with nothing from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence

from chassis.pages import HEADERS, Pages
from diagnosis.tables import PolicyTrial, TrialMove
from diagnosis.trials.result import Result

SHOWN = 200
"""Clients who are named on the page; all of them stand in the list of moves."""

_PAGES = Pages("diagnosis")
TERMS: Mapping[str, str] = {
    "longest_stay": "Langste verblijf op het spoor",
    "first_conversation": "Eerste gesprek",
    "review": "Heronderzoek",
    "fip": "Frequent gesprek",
    "acceptance": "Aannemen van een overdracht",
}
"""The terms that can run for a client on the way."""
WITHOUT: Mapping[str, str] = {
    "in_doubt": "in twijfel",
    "undecided": "onbeslist: er ontbreekt een gegeven",
    "not_assessed": "categorie bestaat niet meer",
}
BASES: Mapping[str, str] = {
    "override": "een professional besloot anders",
    "assessment": "toen besloten",
    "correction": "toen besloten, na een correctie",
    "import": "meegekomen bij de overgang",
}
REFERRALS: Mapping[str, str] = {
    "on_categorisation": "meteen na de indeling",
    "after_conversation": "na het laatste gesprek",
    "under_way": "loopt nu, partner staat niet in het concept",
}


def page_of(trial: PolicyTrial, moves: Mapping[str, Sequence[TrialMove]]) -> tuple[str, int, Mapping[str, str]]:
    """The page with its status and headers; `moves` are the first of each kind that names clients."""
    result = Result.model_validate(trial.result) if trial.result else None
    text = _PAGES.render(
        "trial.html",
        trial=trial,
        result=result,
        matrix=matrix(result) if result else None,
        labels={each.id: each.label for each in result.present.categories} if result else {},
        moves=moves,
        shown=SHOWN,
        terms=TERMS,
        bases=BASES,
        referrals=REFERRALS,
        partner=partner,
    )
    return text, 200, HEADERS


class Matrix:
    """From category to category: who stays on the diagonal, who moves beside it."""

    def __init__(self, rows: Sequence[str], columns: Sequence[str], clients: Mapping[tuple[str, str], int]) -> None:
        self.rows, self.columns, self.clients = rows, columns, clients

    def cell(self, before: str, after: str) -> int:
        """How many clients."""
        return self.clients.get((before, after), 0)


def matrix(result: Result) -> Matrix:
    """The flows as a table, in the order of the packs; what is no category comes last."""
    clients: dict[tuple[str, str], int] = {}
    for flow in result.matrix:
        key = place(flow.before, flow.status_before), place(flow.after, flow.status_after)
        clients[key] = clients.get(key, 0) + flow.clients
    rows = _in_order((each.id for each in result.present.categories), (before for before, _ in clients))
    columns = _in_order((each.id for each in result.draft.categories), (after for _, after in clients))
    return Matrix(rows, columns, clients)


def _in_order(known: Iterable[str], found: Iterable[str]) -> list[str]:
    first = list(known)
    return [*first, *sorted(set(found) - set(first))]


def place(category: str | None, status: str) -> str:
    """The category, or in words why there is none."""
    return category if category is not None else WITHOUT.get(status, status)


def partner(named: str | None, result: Result) -> str:
    """A partner as people call it."""
    if named is None:
        return "geen"
    id, _, _ = named.partition("/")
    names = {each.id: each.label for each in (*result.present.partners, *result.draft.partners)}
    return names.get(id, id)
