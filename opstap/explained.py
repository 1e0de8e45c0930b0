"""What would change a decision, as a table in plain Dutch."""

from rich.table import Table

from policy import Alternative, Explanation

STATUS = {"in_doubt": "in twijfel, nog geen categorie", "undecided": "onbeslist: er is te weinig bekend"}


def table(explanation: Explanation) -> Table:
    """A row for each smallest way to each other category, the nearest first; and those that are out of reach."""
    decision = explanation.decision
    shown = Table(
        "categorie", "wat er dan moet veranderen", "feiten", "stappen",
        title=f"Nu: {decision.category or STATUS[decision.status]}", title_justify="left", show_lines=True,
    )  # fmt: skip
    for alternative in explanation.alternatives:
        _add(shown, alternative, nearest=alternative.category in explanation.nearest)
    return shown


def _add(shown: Table, alternative: Alternative, *, nearest: bool) -> None:
    if alternative.size is None:
        shown.add_row(alternative.category, "onbereikbaar: geen wijziging van feiten leidt hierheen", "", "")
        return
    ways = ["\n".join(str(change) for change in way.changes) for way in alternative.ways]
    facts, steps = alternative.size
    label = f"{alternative.category} (het dichtst bij)" if nearest else alternative.category
    shown.add_row(label, "\nof: ".join(ways), str(facts), str(steps))
