"""Reports as JSON and back, and the schema other programs can check that JSON against."""

import json
import math
import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from appkit.reporting.facts import Block, Figure, block_types

__all__ = ["SCHEMA_VERSION", "facts_from_json", "facts_to_json", "json_schema"]

SCHEMA_VERSION = 1


def facts_to_json(facts: Any) -> str:
    """Return a dataclass of facts as JSON; equal facts give equal text.

    Keys stand in field order after ``schema``. A dataclass carries ``kind`` where its place admits several.

    Raises
    ------
    ValueError
        If a number is not finite.
    TypeError
        If a value is not what its field declares.
    """
    body = _encode(facts, type(facts), type(facts).__name__)
    return json.dumps({"schema": SCHEMA_VERSION, **body}, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def facts_from_json(text: str, kind: type) -> Any:
    """Return the dataclass ``kind`` that ``text`` holds.

    Raises
    ------
    ValueError
        If the text is not JSON, of another schema version, or does not fit the schema; the message names the place.
    """
    try:
        body = json.loads(text)
    except json.JSONDecodeError as err:
        raise ValueError(f"A report must be JSON, got text that breaks off it at line {err.lineno}.") from err
    version = body.pop("schema", None) if isinstance(body, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"This appkit reads report schema {SCHEMA_VERSION}, got {version!r}.")
    return _decode(body, kind, kind.__name__)


def json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a dataclass of facts, block types of domains included."""
    definitions: dict[str, Any] = {}
    _define(kind, definitions)
    root = definitions[kind.__name__]
    root["properties"] = {"schema": {"const": SCHEMA_VERSION}, **root["properties"]}
    root["required"] = ["schema", *root["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "appkit report",
        "$ref": f"#/$defs/{kind.__name__}",
        "$defs": dict(sorted(definitions.items())),
    }


def _encode(value: Any, expected: Any, place: str) -> Any:
    if is_dataclass(value):
        return _encode_dataclass(value, expected, place)
    if isinstance(value, tuple):
        items = _item_types(expected, len(value))
        return [_encode(item, kind, f"{place}[{i}]") for i, (item, kind) in enumerate(zip(value, items, strict=True))]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Real):
        return _encode_number(value, expected, place)
    raise TypeError(f"{place} must be made of tuples, dataclasses, text and numbers, got {type(value).__name__}.")


def _encode_dataclass(value: Any, expected: Any, place: str) -> dict[str, Any]:
    options = _dataclass_options(expected)
    kind: type = type(value)
    hints = _hints(kind)
    body = {
        item.name: _encode(getattr(value, item.name), hints[item.name], f"{place}.{item.name}")
        for item in fields(value)
    }
    return body if list(options) == [kind.__name__] else {"kind": kind.__name__, **body}


def _encode_number(value: Real, expected: Any, place: str) -> int | float:
    if not math.isfinite(value):
        raise ValueError(f"{place} must be a finite number, got {value!r}. Use None or NotFilled for what is unknown.")
    if isinstance(value, Integral) and int in (expected, *get_args(expected)):
        return int(value)
    return float(value)


def _decode(value: Any, expected: Any, place: str) -> Any:
    if isinstance(value, dict):
        return _decode_dataclass(value, expected, place)
    if isinstance(value, list):
        tuple_type = next((option for option in _options(expected) if get_origin(option) is tuple), None)
        if tuple_type is None:
            raise _misfit(place, expected, value)
        items = _item_types(tuple_type, len(value))
        return tuple(
            _decode(item, kind, f"{place}[{i}]") for i, (item, kind) in enumerate(zip(value, items, strict=False))
        )
    return _decode_scalar(value, expected, place)


def _decode_dataclass(value: dict[str, Any], expected: Any, place: str) -> Any:
    options = _dataclass_options(expected)
    kind = value.get("kind") if len(options) != 1 else next(iter(options))
    if kind not in options:
        raise ValueError(f"{place}.kind must be one of {sorted(options)}, got {kind!r}.")
    cls = options[kind]
    body = {name: item for name, item in value.items() if name != "kind" or len(options) == 1}
    hints = _hints(cls)
    known = {item.name for item in fields(cls)}
    if unknown := sorted(set(body) - known):
        raise ValueError(f"{place} must be a {kind}, which has no field {unknown[0]!r}.")
    required = {item.name for item in fields(cls) if _is_required(item)}
    if missing := sorted(required - set(body)):
        raise ValueError(f"{place} must be a {kind}, which needs the field {missing[0]!r}.")
    return cls(**{name: _decode(item, hints[name], f"{place}.{name}") for name, item in body.items()})


def _decode_scalar(value: Any, expected: Any, place: str) -> Any:
    for option in _options(expected):
        if get_origin(option) is Literal and value in get_args(option):
            return value
        if option is float and isinstance(value, int | float) and not isinstance(value, bool):
            return value if int in _options(expected) else float(value)
        if isinstance(option, type) and type(value) is option:
            return value
    raise _misfit(place, expected, value)


def _define(kind: type, definitions: dict[str, Any]) -> None:
    if kind.__name__ in definitions:
        return
    definitions[kind.__name__] = {}  # holds the place, so that a cycle ends
    properties: dict[str, Any] = {"kind": {"const": kind.__name__}}
    properties |= {item.name: _schema_of(_hints(kind)[item.name], definitions) for item in fields(kind)}
    definitions[kind.__name__] = {
        "type": "object",
        "description": (kind.__doc__ or "").split("\n")[0],
        "properties": properties,
        "required": [item.name for item in fields(kind) if _is_required(item)],
        "additionalProperties": False,
    }


def _schema_of(expected: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    options = _dataclass_options(expected)
    for option in options.values():
        _define(option, definitions)
    alternatives = [_reference(name, is_tagged=len(options) > 1) for name in sorted(options)]
    alternatives += [_plain_schema(option, definitions) for option in _options(expected) if not _is_facts(option)]
    return alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}


def _reference(name: str, *, is_tagged: bool) -> dict[str, Any]:
    reference = {"$ref": f"#/$defs/{name}"}
    if not is_tagged:
        return reference
    return {**reference, "required": ["kind"]}


def _plain_schema(option: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if get_origin(option) is Literal:
        return {"enum": list(get_args(option))}
    if get_origin(option) is tuple:
        items = get_args(option)
        if items[-1] is Ellipsis:
            return {"type": "array", "items": _schema_of(items[0], definitions)}
        prefix = [_schema_of(item, definitions) for item in items]
        return {"type": "array", "prefixItems": prefix, "minItems": len(items), "maxItems": len(items)}
    names = {str: "string", bool: "boolean", int: "integer", float: "number", types.NoneType: "null"}
    return {"type": names[option]}


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _options(expected: Any) -> tuple[Any, ...]:
    return get_args(expected) if get_origin(expected) in (Union, types.UnionType) else (expected,)


def _is_facts(option: Any) -> bool:
    return isinstance(option, type) and is_dataclass(option)


def _dataclass_options(expected: Any) -> dict[str, type]:
    options: dict[str, type] = {}
    for option in _options(expected):
        if option in (Block, Figure):
            options |= {name: block for name, block in block_types().items() if issubclass(block, option)}
        elif _is_facts(option):
            options[option.__name__] = option
    return options


def _item_types(expected: Any, n: int) -> tuple[Any, ...]:
    tuple_type = next(option for option in _options(expected) if get_origin(option) is tuple)
    items = get_args(tuple_type)
    return (items[0],) * n if items[-1] is Ellipsis else items


def _is_required(item: Any) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _misfit(place: str, expected: Any, value: Any) -> ValueError:
    name = getattr(expected, "__name__", str(expected))
    return ValueError(f"{place} must be {name}, got {type(value).__name__} {value!r:.40}.")
