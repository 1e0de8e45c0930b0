"""The same answer for the same values, reckoned once: a caseload holds the same few combinations again and again."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")
Answer = Callable[[Mapping[str, object]], T]
COMBINATIONS = 4096


def remembered(asked: Iterable[str], answer: Answer[T]) -> Answer[T]:
    """The answer, kept for each combination of the values it looks at. It must be pure and look at nothing else."""
    names = tuple(sorted(asked))

    @lru_cache(maxsize=COMBINATIONS)
    def kept(*values: object) -> T:
        return answer(dict(zip(names, values, strict=True)))

    return lambda known: kept(*[known.get(name) for name in names])
