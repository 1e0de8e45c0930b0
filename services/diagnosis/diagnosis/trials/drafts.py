"""A draft as it comes in: the texts of the files of a folder, with what they share when they do not bring it along.

Each draft is read as a library of its own, from a folder of its own that is gone afterwards: none can reach another.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from policy import Library, PolicyErrors
from policy.library import SHARED


def whole(files: Mapping[str, str], policies: Path) -> dict[str, str]:
    """The draft with the shared parts of the living policies that it does not change itself."""
    shared = {f"{SHARED}/{each.name}": each for each in sorted((policies / SHARED).glob("*.yaml"))}
    return {name: file.read_text(encoding="utf-8") for name, file in shared.items()} | dict(files)


def read(files: Mapping[str, str]) -> Library:
    """The packs of the draft; PolicyErrors names all faults, each with its file as the draft names it."""
    with tempfile.TemporaryDirectory(prefix="opstap-draft-") as scratch:
        folder = Path(scratch)
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        try:
            return Library.load(folder)
        except PolicyErrors as errors:
            raise PolicyErrors(
                [
                    replace(
                        fault,
                        file=fault.file.removeprefix(f"{folder}/").replace(str(folder), "."),
                        remedy=fault.remedy.replace(f"{folder}/", ""),
                    )
                    for fault in errors.faults
                ]
            ) from errors
