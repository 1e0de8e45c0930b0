"""The five services there are. A sixth is a folder, a module of contracts, and a line here."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from chassis.process import Definition

NAMES = ("intake", "diagnosis", "routing", "partners", "reporting")

DEFINITIONS: Mapping[str, Definition[Any]] = {name: import_module(f"{name}.app").SERVICE for name in NAMES}

SERVICE_FOLDERS: Mapping[str, Path] = {
    name: Path(import_module(name).__file__ or "").resolve().parents[1] for name in NAMES
}
"""Where each service's `migrations` stand."""
