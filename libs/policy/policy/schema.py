"""JSON Schemas of packs, so that an editor completes keys, explains them in Dutch and marks what is wrong while typing.

Two of them: of a whole pack, and of a part of one (a base in ``_shared``, or a pack that extends a base). Mappings of a
part are merged with those of its base, so nothing in them need be there; an item of a list replaces that of the base
and is whole. What a schema cannot know (gaps, overlaps, names that must exist in the same pack) is for the check.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

from policy.conditions import Choice, Domain, Kinds, Number, Vocabulary
from policy.pack import Pack
from policy.references import ROW, Names
from policy.words import FACT_NAMES

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
EVERYWHERE = "overal"
_TERM = {"type": "string", "pattern": r"^\s*\d+ (year|month|week|day)s?( \d+ (year|month|week|day)s?)*\s*$"}
_NUMBER: Schema = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\s*\d+(\.\.(\d+)?)?\s*$"}]
}
_YES_NO: Schema = {"type": "boolean"}
_REFERENCE = "#/$defs/"


def whole_pack() -> Schema:
    """The schema of a pack that stands by itself."""
    schema = Pack.model_json_schema(mode="validation")
    definitions: dict[str, Schema] = schema.pop("$defs")
    definitions["Term"] = _TERM
    for name, each in (("Pack", schema), *definitions.items()):
        _explain(name, each)
    for name in _keyed({"Pack": schema, **definitions}):
        definitions[name]["properties"].pop("id")
        definitions[name]["required"].remove("id")
    return {"$schema": DIALECT, "title": "Beleidspakket", **_tidy(schema), "$defs": {**_tidy(definitions), **_rows()}}


def part_of_pack() -> Schema:
    """The schema of a base, and of a pack that extends one."""
    schema = whole_pack()
    definitions = schema.pop("$defs")
    parts = {
        f"Part{name}": _loosened(each, definitions) for name, each in definitions.items() if _is_section(name, each)
    }
    loosened = _loosened(schema, definitions)
    return {**loosened, "title": "Deel van een beleidspakket", "$defs": {**definitions, **parts}}


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """What each key means, in Dutch, by the name of its section; under EVERYWHERE what holds for all sections."""
    text = files("policy").joinpath("keys.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = YAML(typ="safe").load(text)
    return found


def keys() -> Iterator[tuple[str, str]]:
    """Every key that a pack may hold, with the section it stands in."""
    schema = whole_pack()
    for name, each in (("Pack", schema), *schema["$defs"].items()):
        if _is_section(name, each):
            yield from ((name, key) for key in each["properties"])


def meaning(section: str, key: str) -> str | None:
    """What a key of a section means, in Dutch."""
    return words().get(section, {}).get(key) or words()[EVERYWHERE].get(key)


def _explain(name: str, schema: Schema) -> None:
    """Say in Dutch what each key means; what the code says of itself is of no use to a policy officer."""
    schema.pop("description", None)
    for key, each in schema.get("properties", {}).items():
        each.pop("description", None)
        told = meaning(name, key)
        if told is not None:
            each["description"] = told


def _keyed(schemas: Mapping[str, Schema]) -> set[str]:
    """The sections of which the key in a mapping is the id, which is therefore not written again."""
    found = set()
    for schema in schemas.values():
        for each in schema.get("properties", {}).values():
            values = [each.get("additionalProperties"), *each.get("patternProperties", {}).values()]
            names = {value["$ref"].removeprefix(_REFERENCE) for value in values if _refers(value)}
            found |= {name for name in names if "id" in schemas[name]["properties"]}
    return found


def _tidy(node: Any) -> Any:
    """Rows where they are marked, no titles or defaults that tell a reader nothing, no strange keys in mappings."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _tidy(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "default" and (value is None or isinstance(value, dict | list)))
        and not (key == "discriminator" and "propertyName" in value)
    }
    if ROW in kept:
        kept["$ref"] = f"{_REFERENCE}{kept.pop(ROW)}_row"
    return {**kept, "additionalProperties": False} if "patternProperties" in kept else kept


def _loosened(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """The same, with nothing required that may come from the base; within a list all stays as it is."""
    if _refers(schema):
        name = schema["$ref"].removeprefix(_REFERENCE)
        return {**schema, "$ref": f"{_REFERENCE}Part{name}"} if _is_section(name, definitions[name]) else schema
    loose = {key: value for key, value in schema.items() if key not in {"required", "oneOf"}}
    choices = schema.get("anyOf", schema.get("oneOf"))
    if choices:
        loose["anyOf"] = [_loosened(each, definitions) for each in choices]
    for key in ("properties", "patternProperties"):
        if key in schema:
            loose[key] = {name: _loosened(each, definitions) for name, each in schema[key].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        loose["additionalProperties"] = _loosened(schema["additionalProperties"], definitions)
    return loose


def _rows() -> dict[str, Schema]:
    """The conditions of a row, by what the table looks at."""
    vocabularies = Names.of({}).vocabularies
    rows = {f"{name}_row": _row(vocabulary) for name, vocabulary in vocabularies.items()}
    own = _cell(Choice(()))["anyOf"]
    for row, kinds, section in (("facts_row", own, "facts"), ("instrument_row", [], "instrument_facts")):
        rows[row]["additionalProperties"] = {
            "anyOf": [_NUMBER, _YES_NO, *kinds],
            "description": f"Een gegeven uit `{section}`",
        }
    return rows


def _row(vocabulary: Vocabulary) -> Schema:
    properties = {fact: {**_cell(domain), "description": FACT_NAMES[fact]} for fact, domain in vocabulary.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _cell(domain: Domain) -> Schema:
    if isinstance(domain, Number):
        return _NUMBER
    assert isinstance(domain, Choice | Kinds)
    values = domain.values if isinstance(domain, Choice) else domain.kinds
    numbers = [int(value) for value in values if isinstance(value, str) and value.isdigit()]
    one: Schema = {"enum": [*values, *numbers]} if values else {"type": ["string", "integer"]}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _refers(schema: Any) -> bool:
    return isinstance(schema, dict) and "$ref" in schema


def _is_section(name: str, schema: Schema) -> bool:
    return "properties" in schema and not name.endswith("_row")
