"""Rules that can never apply, because no client is ever in their situation or others take all their cases."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from policy.analysis import Row, regions
from policy.conditions import Choice, Vocabulary
from policy.faults import Fault
from policy.pack import Pack
from policy.reading import Text, Where
from policy.references import Names

R = TypeVar("R", bound=Row)


def never(pack: Pack, text: Text) -> Iterator[Fault]:
    """Routes, additions, referrals after a conversation and search periods that no client can ever meet."""
    vocabulary = Names.of(text.data).situation
    for route in pack.routing.routes.values():
        where: Where = ("routing", "routes", route.id)
        open_to = {pack.track_of(category) for category, _ in _situations(pack, vocabulary, [route])}
        if not open_to:
            yield text.fault(where, f"route {route.id} is open to nobody: no category goes with its conditions")
        elif route.track not in open_to:
            tracks = ", ".join(sorted(open_to))
            yield text.fault(where, f"route {route.id} is on track {route.track}, and only open to clients on {tracks}")
    for number, rule in enumerate(pack.caseworkers.besides):
        if not any(True for _ in _situations(pack, vocabulary, [rule])):
            remedy = f"rule {rule.id} can never apply: no category goes with its conditions"
            yield text.fault(("caseworkers", "besides", number), remedy)
    yield from _after_conversation(pack, vocabulary, text)
    reached = {id(row) for region in regions(pack.intake.search_periods, vocabulary) for row in region.rows[:1]}
    for number, period in enumerate(pack.intake.search_periods):
        if id(period) not in reached:
            remedy = "this search period never applies: those above it take all its cases"
            yield text.fault(("intake", "search_periods", number), remedy)


def _after_conversation(pack: Pack, vocabulary: Vocabulary, text: Text) -> Iterator[Fault]:
    rules = pack.referrals.after_conversation
    reached: set[str] = set()
    for option in {option for rule in rules for option in rule.options}:
        of_option = [rule for rule in rules if option in rule.options]
        reached |= {rows[0].id for _, rows in _situations(pack, vocabulary, of_option)}
    for number, rule in enumerate(rules):
        if rule.id not in reached:
            yield text.fault(
                ("referrals", "after_conversation", number),
                f"rule {rule.id} can never decide: rules above it take all its cases, or no category goes with it",
            )


def _situations(pack: Pack, vocabulary: Vocabulary, rows: Sequence[R]) -> Iterator[tuple[str, Sequence[R]]]:
    """The categories, once for each way in which rows hold there, with those rows."""
    for category in pack.categories.values():
        known = {**vocabulary, "category": Choice((category.id,)), "track": Choice((category.track,))}
        for region in regions(rows, known):
            if region.rows:
                yield category.id, region.rows
