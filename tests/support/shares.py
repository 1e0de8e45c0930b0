"""How workers share the tests (`pytest -n 2`): by file, for the tests of a file often share what is slow to make."""

from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[2]
KAFKA, PATHS = "all that needs Apache Kafka", "tests/paths"
FIRST = (KAFKA, PATHS, "tests/test_api_fuzz.py")
"""What takes longest; the longest of all begins at once, so that no worker is alone with it at the end."""


class ByFile(LoadScopeScheduling):
    """A file at a time; the paths, which are walked together, go to one worker, and so does what needs a broker."""

    def _split_scope(self, nodeid: str) -> str:
        return _share(nodeid)


def longest_first(items: list[pytest.Item]) -> None:
    """The order in which the shares are handed out."""
    items.sort(key=lambda item: FIRST.index(share) if (share := _share(item.nodeid)) in FIRST else len(FIRST))


def _share(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    if file.startswith(f"{PATHS}/"):
        return PATHS
    return KAFKA if _needs_kafka(file) else file


@cache
def _needs_kafka(file: str) -> bool:
    return "pytest.mark.kafka" in (ROOT / file).read_text(encoding="utf-8")
