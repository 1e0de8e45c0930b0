"""docker-compose.yml as Docker Compose reads it: merged, and with the variables of an environment filled in."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<how>:[-?])?(?P<more>[^}]*)\}")


class Unset(LookupError):
    """A variable that the file asks for is empty; the message says what it is."""


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """The services of the file, by name."""
    whole: dict[str, Any] = _filled(YAML(typ="safe").load(FILE), variables)
    services: dict[str, Any] = whole["services"]
    return services


def example_variables() -> Iterator[str]:
    """The variables that deploy/example.env tells people to fill in."""
    for line in (ROOT / "deploy" / "example.env").read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.partition("=")[0]


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, variables) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    return _VARIABLE.sub(lambda found: _value(found, variables), value) if isinstance(value, str) else value


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    value = variables.get(found["name"], "")
    if not value and found["how"] == ":?":
        raise Unset(f"{found['name']}: {found['more']}")
    return value or (found["more"] if found["how"] == ":-" else "")
