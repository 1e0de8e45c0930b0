"""What may be published: no group smaller than policy allows, and nothing that such a group could be reckoned from.

Published numbers that add up form a network: each number is an arc, each sum a node where what comes in equals what
goes out. (A table's cell runs from its row to its column, a row's total into the row, a column's total out of the
column. A number that is in no sum runs from outside to outside.) A reader knows the sums, and that zeros are shown, so
that what is hidden is at least one. A hidden number can be reckoned if and only if no other whole numbers fit; and
others fit exactly when the arc lies on a circle along which numbers can be moved by one without falling below one. That
is checked here, so what is hidden is safe, not just likely.

A number that stands in two tables is hidden in both. Tables that share numbers are checked each by itself.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
Node = Hashable
OUTSIDE: Node = ("outside",)


@dataclass(frozen=True, slots=True)
class Number(Generic[K]):
    """A number that is to be published, and between which sums it runs."""

    key: K
    value: int
    tail: Node
    head: Node
    small: bool
    """Whether it tells of a group that is too small."""
    total: bool = False
    """Totals are hidden last."""
    published: bool = True
    """Whether it is meant to be shown at all; of what never is, a reader does not even know that it is not zero."""

    @property
    def secret(self) -> bool:
        """Whether it must not be reckoned once it is hidden: what was never to be shown only when it is small."""
        return bool(self.value) and (self.published or self.small)

    @property
    def can_fall(self) -> bool:
        """Whether a reader can imagine one less."""
        return self.value > (1 if self.published else 0)


def is_small(value: int, smallest: int) -> bool:
    """A group is too small to be shown; nobody is no group."""
    return 0 < value < smallest


def hidden(numbers: Sequence[Number[K]], beforehand: Iterable[K] = ()) -> frozenset[K]:
    """Which of these numbers to hide: the small ones, those hidden elsewhere, and as few more as keep these hidden."""
    elsewhere = set(beforehand)
    must = {
        number.key
        for number in numbers
        if not number.published or (number.value and (number.small or number.key in elsewhere))
    }
    hide = set(must)
    while (found := _first_reckonable(numbers, hide)) is not None:
        further = _neighbour(numbers, hide, found)
        if further is None:
            break
        hide.add(further.key)
    for number in sorted(numbers, key=lambda each: -each.value):
        if number.key in hide - must and _first_reckonable(numbers, hide - {number.key}) is None:
            hide.discard(number.key)
    return frozenset(hide)


def reckonable(numbers: Sequence[Number[K]], hide: Iterable[K]) -> frozenset[K]:
    """Which of the hidden numbers a reader could reckon from what is shown."""
    covered = [number for number in numbers if number.key in set(hide)]
    moves = _moves(covered)
    return frozenset(number.key for number in covered if number.secret and not _can_move(number, moves))


def _first_reckonable(numbers: Sequence[Number[K]], hide: Iterable[K]) -> Number[K] | None:
    covered = [number for number in numbers if number.key in set(hide)]
    moves = _moves(covered)
    return next((number for number in covered if number.secret and not _can_move(number, moves)), None)


def _moves(covered: Iterable[Number[K]]) -> Mapping[Node, list[tuple[Node, K]]]:
    """Along which arcs a number can go up by one, and against which it can go down by one."""
    moves: defaultdict[Node, list[tuple[Node, K]]] = defaultdict(list)
    for number in covered:
        moves[number.tail].append((number.head, number.key))
        if number.can_fall:
            moves[number.head].append((number.tail, number.key))
    return moves


def _can_move(number: Number[K], moves: Mapping[Node, list[tuple[Node, K]]]) -> bool:
    if _path(moves, number.head, number.tail, number.key):
        return True
    return number.can_fall and _path(moves, number.tail, number.head, number.key)


def _path(moves: Mapping[Node, list[tuple[Node, K]]], start: Node, goal: Node, without: K) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        for there, key in moves.get(here, ()):
            if key != without and there not in seen:
                seen.add(there)
                waiting.append(there)
    return False


def _neighbour(numbers: Sequence[Number[K]], hide: Iterable[K], found: Number[K]) -> Number[K] | None:
    """What to hide next for the sake of a number: preferably no total, then the smallest in one of its sums.

    None when all are hidden; then each can move, provided that the sums are right.
    """
    hide = set(hide)
    sums = {found.tail, found.head} - {OUTSIDE}
    shown = [number for number in numbers if number.key not in hide and number.value]
    near = [number for number in shown if sums & {number.tail, number.head}] or shown
    return min(near, key=lambda each: (each.total, each.value), default=None)
