"""Pydantic's findings as faults in a file, each with what would be right."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from policy.faults import Fault
from policy.pack import Pack
from policy.reading import Text, Where


def faults_of(errors: ValidationError, text: Text) -> Iterator[Fault]:
    """Each finding, at its line."""
    for error in errors.errors(include_url=False):
        where = _in_file(error["loc"], text)
        match error["type"]:
            case "extra_forbidden":
                allowed = ", ".join(_allowed_keys(error["loc"][:-1]))
                yield text.fault(where, f"unknown key; allowed here are {allowed}", found=error["loc"][-1])
            case "missing":
                yield text.fault(where, "this key is missing", found="nothing")
            case "wrong_cell":
                fact = error["ctx"]["fact"]
                yield text.fault((*where, fact), error["ctx"]["remedy"])
            case _:
                yield text.fault(where, error["msg"])


def _in_file(loc: tuple[str | int, ...], text: Text) -> Where:
    """Leave out what Pydantic adds to a place: the keys of mappings and the tags of unions."""
    where: Where = ()
    value: Any = text.data
    for number, part in enumerate(loc):
        last = number == len(loc) - 1
        if isinstance(value, dict) and (part in value or last):
            where, value = (*where, part), value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            where, value = (*where, part), value[part]
    return where


def _allowed_keys(loc: tuple[str | int, ...]) -> list[str]:
    models: set[type[BaseModel]] = {Pack}
    for part in loc:
        annotations = [
            m.model_fields[part].annotation for m in models if isinstance(part, str) and part in m.model_fields
        ]
        if annotations:
            models = set().union(*(_models_in(annotation) for annotation in annotations))
    return sorted({name for model in models for name in model.model_fields})


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if isinstance(annotation, UnionType) or get_args(annotation):
        return set().union(*(_models_in(each) for each in get_args(annotation)))
    return set()
