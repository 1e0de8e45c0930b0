"""What is wrong with a pack, where, and what would be right; and what happens when no pack can be had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault in a pack: where it stands, what was found, and what is allowed."""

    file: str
    line: int
    path: str
    found: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}: {self.path}: found {self.found}: {self.remedy}" if self.path else f"{where}: {self.remedy}"


class PolicyErrors(Exception):
    """All faults in a folder of packs at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class UnknownMunicipality(LookupError):
    """No pack in the library is of this municipality."""

    def __init__(self, municipality: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown municipality {municipality}: there are packs for {', '.join(known) or 'none'}")


class NoPolicyInForce(LookupError):
    """The municipality has packs, but none for this day."""

    def __init__(self, municipality: str, on: date) -> None:
        super().__init__(f"no policy in force for {municipality} on {on.isoformat()}")
