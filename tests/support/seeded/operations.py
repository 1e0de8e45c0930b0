"""Every operation of the five OpenAPI documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opstap.documents import openapi
from opstap.services import DEFINITIONS


@dataclass(frozen=True)
class Operation:
    """An operation of a service's OpenAPI document."""

    service: str
    verb: str
    path: str
    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["operationId"])

    @property
    def roles(self) -> list[str]:
        """Whom it is for; nobody means everybody."""
        return [role for scheme in self.document["security"] for roles in scheme.values() for role in roles]

    def __str__(self) -> str:
        return f"{self.service}-{self.id}"


DOCUMENTS = {name: openapi(each, movable_clock=True) for name, each in DEFINITIONS.items()}
OPERATIONS = [
    Operation(service, verb, path, operation)
    for service, document in DOCUMENTS.items()
    for path, item in document["paths"].items()
    for verb, operation in item.items()
]
