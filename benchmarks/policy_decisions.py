"""How many decisions a second the largest shipped policy takes on one core, beside those of a Rust engine.

    uv run --group benchmarks python benchmarks/policy_decisions.py [PEOPLE]

The category table of the pack is turned into a decision table for zen-engine (GoRules JDM), given to it in the way in
which it is fastest (a static loader, which compiles it once). Both answer for the same people, in turn, in the same
run, and every category must be the same. What Opstap answers is more: the caseworker and the referral too; the nearest
thing that zen-engine has to a receipt is its trace. Counted is the time of the processor, so that a busy machine weighs
less. Prints one table and writes `out/benchmarks/policy_decisions.json`; the first round, in which nothing was looked
up before, stands apart.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import zen
from rich.console import Console
from rich.table import Table

from policy import Exemption, Facts, Library, Pack
from policy.conditions import AnyOf, Between, Condition, OneOf
from policy.references import INDICATIONS, WORK_FIT
from policy.scheme import Rule, values_of

ROOT = Path(__file__).parents[1]
ROUNDS = 5
TABLE = "categories"
ON = date(2024, 6, 1)


class Person(NamedTuple):
    """The same facts, as each engine takes them."""

    facts: Facts
    context: dict[str, Any]


class Way(NamedTuple):
    """A way to decide."""

    name: str
    decide: Callable[[Person], object]


def main(number: int) -> None:
    """Compare the answers, then the time they take."""
    pack = largest(Library.load(ROOT / "policies"))
    people = made_up(pack, number)
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {TABLE: as_jdm(pack)}}})  # compiled once
    compare(pack, engine, people)
    compiled = Library.load(ROOT / "policies").in_force(pack.municipality, ON).compiled
    ways = [
        Way("Opstap, without receipt", lambda each: compiled.outcome(each.facts, ON)),
        Way("Opstap, with the full receipt as JSON", lambda each: compiled.receipt(each.facts, ON)),
        Way("Opstap, with the receipt as objects", lambda each: pack.decide(each.facts, ON)),
        Way("zen-engine, category only", lambda each: engine.evaluate(TABLE, each.context)),
        Way("zen-engine, category with trace", lambda each: engine.evaluate(TABLE, each.context, {"trace": True})),
    ]
    rates: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            rates[way.name].append(number / seconds(way.decide, people))
    show(pack, rates, number)


def largest(library: Library) -> Pack:
    """The pack in force with the most rules in the tables that decide."""
    packs = [library.in_force(municipality, ON) for municipality in library.municipalities]
    tables = [(pack, pack.scheme.rules, pack.caseworkers.assigned, pack.referrals.on_categorisation) for pack in packs]
    return max(tables, key=lambda each: sum(map(len, each[1:])))[0]


def made_up(pack: Pack, number: int) -> list[Person]:
    """People with all that a caseload has: what is not known, indications, exemptions past and present."""
    chance = random.Random(2021)
    maybe = (None, True, False)

    def exemption() -> Exemption | None:
        until = ON + timedelta(days=chance.randint(-300, 300))
        return Exemption(reason="zorg", until=chance.choice((None, until))) if chance.random() < 0.2 else None

    def facts() -> Facts:
        return Facts.model_validate(
            {
                "distance_months": chance.choice((None, *range(72))),
                "work_capacity_pct": chance.choice((None, *range(120))),
                "indications": frozenset(chance.sample(INDICATIONS, chance.choice((0, 0, 0, 1, 2)))),
                "work_fit": chance.choice((None, *WORK_FIT)), "age": chance.randint(18, 66),
                **{name: chance.choice(maybe) for name in ("can_volunteer", "starting_qualification", "permit_holder",
                                                           "prospect_of_work", "without_benefit", "single_parent")},
            }
        ).model_copy(update={"exemption": exemption()})  # fmt: skip

    found = [facts() for _ in range(number)]
    asked = sorted(pack.scheme.facts)
    return [Person(each, {fact: as_json(values_of(each, each.exempted(ON))[fact]) for fact in asked}) for each in found]


def as_json(value: object) -> object:
    """A value of a fact, as JSON knows it."""
    return sorted(value) if isinstance(value, frozenset) else value


def as_jdm(pack: Pack) -> dict[str, Any]:
    """The category table as a JDM decision table, of which the first row that holds decides, as the first step does."""
    facts = sorted({fact for rule in pack.scheme.rules for fact in rule.when.facts})
    inputs = [{"id": fact, "name": fact, "field": fact} for fact in facts if fact != "indications"]
    inputs += [{"id": fact, "name": fact, "field": ""} for fact in facts if fact == "indications"]
    table = {
        "hitPolicy": "first", "inputs": inputs, "outputs": [{"id": "category", "name": "c", "field": "category"}],
        "rules": [jdm_row(rule) for rule in pack.scheme.rules],
    }  # fmt: skip
    node = {"id": "table", "name": "table", "type": "decisionTableNode", "content": table}
    ends = [{"id": f"{kind}Node", "name": kind, "type": f"{kind}Node"} for kind in ("input", "output")]
    edges = [("inputNode", "table"), ("table", "outputNode")]
    return {
        "nodes": [ends[0], node, ends[1]],
        "edges": [{"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"} for a, b in edges],
    }


def jdm_row(rule: Rule) -> dict[str, str]:
    """A rule of the pack as a row of a JDM table."""
    cells = {fact: jdm_cell(fact, condition) for fact, condition in rule.when.conditions}
    return {"_id": rule.id, **cells, "category": json.dumps(rule.category)}


def jdm_cell(fact: str, condition: Condition) -> str:
    """A condition in the expressions of zen-engine; a number that is not known satisfies none."""
    match condition:
        case Between(low=low, high=None):
            return f">= {low}"
        case Between(low=low, high=high):
            return f"[{low}..{high}]"
        case OneOf(values=values):
            return ", ".join(json.dumps(value) for value in sorted(values, key=str))
        case AnyOf(kinds=kinds):
            return f"some({fact}, # in {json.dumps(sorted(kinds))})"


def compare(pack: Pack, engine: zen.ZenEngine, people: Sequence[Person]) -> None:
    """All ways must decide the same on all that is tried, or the comparison says nothing."""
    for each in people:
        decision = pack.decide(each.facts, ON)
        assert engine.evaluate(TABLE, each.context)["result"].get("category") == decision.category, each
        assert pack.compiled.outcome(each.facts, ON) == decision.outcome, each
        assert json.loads(pack.compiled.receipt(each.facts, ON)) == decision.receipt.as_dict(), each


def seconds(decide: Callable[[Person], object], people: Sequence[Person]) -> float:
    """Time of the processor to decide on all of them."""
    began = time.process_time()
    for each in people:
        decide(each)
    return time.process_time() - began


def show(pack: Pack, rates: dict[str, list[float]], number: int) -> None:
    """The table, and the file."""
    middle = {name: sorted(found[1:])[len(found[1:]) // 2] for name, found in rates.items()}
    zen_alone = middle["zen-engine, category only"]
    table = Table(
        "way", "decisions/s, median", "least to most", "first round", "against zen-engine",
        title=f"{pack.id}, {number} people, one core",
    )  # fmt: skip
    for name, found in rates.items():
        span = f"{min(found[1:]):,.0f} to {max(found[1:]):,.0f}"
        table.add_row(name, f"{middle[name]:,.0f}", span, f"{found[0]:,.0f}", f"{middle[name] / zen_alone:.1f} x")
    Console().print(table)
    file = ROOT / "out/benchmarks/policy_decisions.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"pack": pack.id, "people": number, "rates": rates, "median": middle}, indent=2) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
