"""Which requirement is held by which tests: those marked ``@pytest.mark.requirement("ROU-6", ...)``.

``python -m tests.support.requirements`` lists them.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("libs/*/tests", "services/*/tests", "opstap/tests", "tests")
MARKS = ("pytest.mark.requirement", "held")
"""`held` of `rules_out` marks the tests that it makes."""
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def held() -> Mapping[str, list[str]]:
    """The tests, as ``path::name``, by requirement."""
    by_requirement: dict[str, list[str]] = defaultdict(list)
    for file in sorted({file for folder in FOLDERS for file in REPOSITORY.glob(f"{folder}/**/test_*.py")}):
        for test, requirement in marked(file.read_text(encoding="utf-8")):
            by_requirement[requirement].append(f"{file.relative_to(REPOSITORY)}::{test}")
    return dict(sorted(by_requirement.items(), key=lambda each: _place(each[0])))


def marked(source: str) -> Iterator[tuple[str, str]]:
    """Test and requirement, for each mark in a test module, on a function or (`pytestmark`) on all of it."""
    module = ast.parse(source)
    of_all = [
        number
        for statement in module.body
        if isinstance(statement, ast.Assign) and any(ast.unparse(each) == "pytestmark" for each in statement.targets)
        for number in _numbers(statement.value)
    ]
    for each in ast.walk(module):
        if isinstance(each, Function) and each.name.lower().startswith("test"):
            marks = [number for decorator in each.decorator_list for number in _numbers(decorator)]
            for number in [*marks, *of_all]:
                yield each.name, number


def _numbers(node: ast.expr) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in MARKS:
            yield from (str(ast.literal_eval(argument)) for argument in call.args)


def _place(requirement: str) -> tuple[str, int]:
    family, _, number = requirement.partition("-")
    return family, int(number)


if __name__ == "__main__":
    for requirement, tests in held().items():
        print(requirement)  # noqa: T201
        for test in tests:
            print(f"  {test}")  # noqa: T201
