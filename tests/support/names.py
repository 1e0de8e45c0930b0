"""Names that belong to policy, and where they stand in the source code that all municipalities share."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, get_args

from chassis.security import Role as AccessRole
from policy import Pack
from policy.scheme import Aim

ROOT = Path(__file__).parents[2]
SOURCES = ("services/*/*/**/*", "libs/*/*/**/*")
NOT_SOURCES = frozenset({"tests", "migrations", "schemas", "__pycache__"})
OF_THE_LANGUAGE = frozenset({*get_args(Aim), *(role.value for role in AccessRole)})
"""Words that code and packs have in common: what a track aims at, and what the holder of a token is."""
FOUND_WITHIN = 8
"""A name of this length or more is also found within a longer text."""


class Planted(NamedTuple):
    """A name of policy in source code."""

    file: Path
    line: int
    name: str
    called: str


def names_of(packs: Iterable[Pack]) -> Mapping[str, str]:
    """What only packs may say: municipalities, categories, tracks, caseworkers' roles and partners."""
    names: dict[str, str] = {}
    for pack in packs:
        names |= dict.fromkeys((pack.municipality, pack.name, pack.id), "municipality")
        for called, defined in (("category", pack.categories), ("track", pack.tracks), ("role", pack.roles)):
            names |= {name: called for each in defined.values() for name in (each.id, each.label)}
        names |= {name: "partner" for each in pack.partners.values() for name in (each.id, each.name)}
    return {name: called for name, called in names.items() if name not in OF_THE_LANGUAGE}


def planted(names: Mapping[str, str], root: Path = ROOT) -> Iterator[Planted]:
    """Every name that a string, or a file that is no Python, holds; what docstrings and comments say is no matter."""
    within = re.compile(
        r"(?<!\w)(" + "|".join(re.escape(name) for name in sorted(names) if _distinct(name)) + r")(?!\w)"
    )
    for file in sorted({file for each in SOURCES for file in root.glob(each) if file.is_file()}):
        if NOT_SOURCES & set(file.relative_to(root).parts):
            continue
        for line, said in _said(file):
            found = {said} & names.keys() | set(within.findall(said))
            yield from (Planted(file.relative_to(root), line, name, names[name]) for name in sorted(found))


def _distinct(name: str) -> bool:
    return len(name) >= FOUND_WITHIN or re.fullmatch(r"GM\d{4}", name) is not None


def _said(file: Path) -> Iterator[tuple[int, str]]:
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        yield from enumerate(text.splitlines(), start=1)
        return
    tree = ast.parse(text)
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.lineno, node.value
