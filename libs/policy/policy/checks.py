"""What no single key of a pack can tell: gaps, overlaps, rules that never decide, ids that clash."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from policy.analysis import regions
from policy.conditions import Choice
from policy.faults import Fault
from policy.letters import LETTERS
from policy.never import never
from policy.pack import Pack
from policy.reading import Text, Where
from policy.references import Names
from policy.scheme import Rule
from policy.tables import TableRule

WHOLE_PCT = 100


def check(pack: Pack, text: Text) -> Iterator[Fault]:
    """All that is wrong with the pack as a whole."""
    if pack.valid_to is not None and pack.valid_to < pack.valid_from:
        yield text.fault(("valid_to",), f"the end lies before the start, {pack.valid_from}")
    yield from _scheme(pack, text)
    yield from _unused_categories(pack, text)
    yield from _exemption(pack, text)
    yield from _first_hit_tables(pack, text)
    yield from never(pack, text)
    yield from _routing(pack, text)
    yield from _targets_and_budgets(pack, text)
    yield from _rule_ids(pack, text)
    yield from _letters(pack, text)


def _scheme(pack: Pack, text: Text) -> Iterator[Fault]:
    """Every possible assessment falls in exactly one category (POL-2)."""
    places: dict[str, Where] = {
        rule.id: ("scheme", "steps", s, "rules", r)
        for s, step in enumerate(pack.scheme.steps)
        for r, rule in enumerate(step.rules)
    }
    rank = {id(rule): s for s, step in enumerate(pack.scheme.steps) for rule in step.rules}
    reached: set[str] = set()
    overlapping: set[tuple[str, str]] = set()
    for region in regions(pack.scheme.rules, Names.of(text.data).vocabularies["facts"]):
        if not region.rows:
            yield text.fault(
                ("scheme", "steps", len(pack.scheme.steps) - 1),
                f"a gap: no rule holds for {region}; add one, or widen a neighbour",
                found="no rule",
            )
            continue
        first = min(rank[id(rule)] for rule in region.rows)
        holding = [rule for rule in region.rows if rank[id(rule)] == first]
        reached |= {rule.id for rule in holding}
        for one, other in combinations(holding, 2):
            if (one.id, other.id) not in overlapping:
                overlapping.add((one.id, other.id))
                yield text.fault(
                    (*places[other.id], "when"),
                    f"an overlap: rules {one.id} and {other.id} both hold for {region}; narrow one of them",
                )
    yield from _unreached(pack.scheme.rules, reached, places, text)


def _unreached(rules: Sequence[Rule], reached: set[str], places: dict[str, Where], text: Text) -> Iterator[Fault]:
    for rule in rules:
        if rule.id not in reached:
            yield text.fault(
                (*places[rule.id], "when"),
                f"rule {rule.id} can never decide: earlier steps take all its cases; remove it or widen it",
            )


def _unused_categories(pack: Pack, text: Text) -> Iterator[Fault]:
    given = {rule.category for rule in pack.scheme.rules}
    for category in pack.categories:
        if category not in given:
            yield text.fault(("categories", category), "no rule gives this category; add a rule or remove it")


def _exemption(pack: Pack, text: Text) -> Iterator[Fault]:
    """Who is exempted for good and handed over needs a track to go to."""
    if "handover" in {pack.exemption_effect(permanent) for permanent in (True, False)} and not pack.track_towards(
        "participation"
    ):
        yield text.fault(
            ("diagnosis", "exemption"), "handover leads to a track with aim participation, and no track has that aim"
        )


def _first_hit_tables(pack: Pack, text: Text) -> Iterator[Fault]:
    """In a table whose first row decides: no row that never decides, and for caseworkers no situation without one."""
    yield from _first_hit(pack, text, pack.caseworkers.assigned, ("caseworkers", "assigned"), complete=True)
    yield from _first_hit(pack, text, pack.referrals.on_categorisation, ("referrals", "on_categorisation"))


def _first_hit(
    pack: Pack,
    text: Text,
    rules: Sequence[TableRule],
    where: Where,
    *,
    complete: bool = False,
) -> Iterator[Fault]:
    reached: set[str] = set()
    vocabulary = Names.of(text.data).situation
    for category in pack.categories.values():
        known = {**vocabulary, "category": Choice((category.id,)), "track": Choice((category.track,))}
        for region in regions(rules, known):
            if region.rows:
                reached.add(region.rows[0].id)
            elif complete:
                yield text.fault(
                    where,
                    f"a gap: no rule holds for category {category.id}, {region}; add one without conditions at the end",
                    found="no rule",
                )
    for number, rule in enumerate(rules):
        if rule.id not in reached:
            yield text.fault((*where, number), f"rule {rule.id} can never decide: rules above it take all its cases")


def _routing(pack: Pack, text: Text) -> Iterator[Fault]:
    first = pack.routing.first_route
    if first is not None and first not in pack.routing.routes:
        yield text.fault(
            ("routing", "first_route"), f"no route of that name; there are {', '.join(pack.routing.routes)}"
        )
    yield from _conversation_kinds(pack, text)
    yield from _options(pack, text)
    yield from _purposes(pack, text)


def _conversation_kinds(pack: Pack, text: Text) -> Iterator[Fault]:
    """What is due is met by a kind of conversation that there is."""
    there, due = pack.routing.kinds_of_conversation(), pack.routing.conversation_kinds
    for name in due.model_fields_set:
        for number, kind in enumerate(getattr(due, name)):
            if kind not in there:
                yield text.fault(
                    ("routing", "conversation_kinds", name, number),
                    f"no kind of conversation of that name; there are {', '.join(there)}",
                )


def _options(pack: Pack, text: Text) -> Iterator[Fault]:
    """An option that leads to a referral has a rule, to a partner of its kind; no rule is for an unknown option."""
    participation = pack.routing.participation
    options = participation.options if participation else {}
    for number, rule in enumerate(pack.referrals.after_conversation):
        for unknown in set(rule.options) - options.keys():
            yield text.fault(
                ("referrals", "after_conversation", number, "options"),
                f"no conversation option {unknown}; there are {', '.join(map(str, options)) or 'none'}",
            )
    for number, option in options.items():
        rules = [rule for rule in pack.referrals.after_conversation if number in rule.options]
        kinds = {pack.partners[rule.partner].kind for rule in rules}
        where = ("routing", "participation", "options", str(number))
        if option.leads_to == "referral" and not rules:
            yield text.fault(where, "no rule in referrals.after_conversation says to which partner this option leads")
        elif option.partner_kind is not None and kinds - {option.partner_kind}:
            yield text.fault(where, f"leads to a partner of another kind: {', '.join(sorted(kinds))}")


def _purposes(pack: Pack, text: Text) -> Iterator[Fault]:
    for name, rows in (
        ("on_categorisation", pack.referrals.on_categorisation),
        ("after_conversation", pack.referrals.after_conversation),
        ("after_failed_language_test", pack.referrals.after_failed_language_test),
    ):
        for number, row in enumerate(rows):
            purposes = pack.partners[row.partner].purposes
            if row.purpose not in purposes:
                yield text.fault(
                    ("referrals", name, number, "purpose"),
                    f"{row.partner} has no such purpose; it has {', '.join(purposes)}",
                )


def _targets_and_budgets(pack: Pack, text: Text) -> Iterator[Fault]:
    """A target is of partners that there are, and the shares in a budget are a whole."""
    kinds = {partner.kind for partner in pack.partners.values()}
    for number, target in enumerate(pack.targets):
        for unknown in set(target.partner_kinds) - kinds:
            yield text.fault(
                ("targets", number, "partner_kinds"),
                f"no partner of kind {unknown}; there are {', '.join(sorted(kinds)) or 'none'}",
            )
    for number, budget in enumerate(pack.budgets):
        total = sum(budget.shares_pct.values())
        if budget.shares_pct and total != WHOLE_PCT:
            yield text.fault(("budgets", number, "shares_pct"), f"the shares add up to {total}, not to {WHOLE_PCT}")
    longest = pack.routing.longest_on_track
    if longest is not None and longest.hands_over_to == longest.track:
        yield text.fault(
            ("routing", "longest_on_track", "hands_over_to"), f"is the track itself; name another than {longest.track}"
        )


def _rule_ids(pack: Pack, text: Text) -> Iterator[Fault]:
    """A receipt names a rule by its id alone, so no two rules share one."""
    seen: set[str] = set()
    for where, name in _ids(pack):
        if name in seen:
            yield text.fault((*where, "id"), "another rule has this id already; every rule has an id of its own")
        seen.add(name)


def _ids(pack: Pack) -> Iterator[tuple[Where, str]]:
    for s, step in enumerate(pack.scheme.steps):
        for r, rule in enumerate(step.rules):
            yield ("scheme", "steps", s, "rules", r), rule.id
    tables: tuple[tuple[Where, Sequence[TableRule]], ...] = (
        (("caseworkers", "assigned"), pack.caseworkers.assigned),
        (("caseworkers", "besides"), pack.caseworkers.besides),
        (("referrals", "on_categorisation"), pack.referrals.on_categorisation),
        (("referrals", "after_conversation"), pack.referrals.after_conversation),
        (("referrals", "after_failed_language_test"), pack.referrals.after_failed_language_test),
    )
    for where, rules in tables:
        for number, row in enumerate(rules):
            yield (*where, number), row.id
    for instrument in pack.instruments.values():
        for number, condition in enumerate(instrument.conditions):
            yield ("instruments", instrument.id, "conditions", number), condition.id


def _letters(pack: Pack, text: Text) -> Iterator[Fault]:
    for letter in LETTERS:
        if letter not in pack.letters:
            yield text.fault(("letters",), f"the letter {letter} is missing", found="nothing")
