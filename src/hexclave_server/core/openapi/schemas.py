"""From the types of wire structs to JSON Schema (the 2020-12 dialect of OpenAPI 3.1).

Requests and answers differ in one thing: a member with a default may be left out of a request, but is always sent in an answer unless it
may be `UNSET`. Shapes of requests stand where they are used; those of answers and errors are components, named once.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, UNSET, Raw, UnsetType

from hexclave_server.core.constraints import Constraint

Schema = dict[str, Any]
Struct = type[msgspec.Struct]

_SCALARS: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
}
_UNIONS = (Union, types.UnionType)
_ARRAYS = (list, tuple, Sequence)
_OBJECTS = (dict, Mapping)


class Components:
    """The named schemas of one document."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._names: dict[Struct, str] = {}

    def request(self, struct: Struct) -> Schema:
        """What a request may carry, in place."""
        return _object(struct, lambda hint: _schema(hint, self.request), sent=False)

    def answer(self, struct: Struct) -> Schema:
        """A reference to what an answer carries."""
        if struct not in self._names:
            name = self._names[struct] = self._free_name(struct)
            self.schemas[name] = {}  # holds the name while members are looked at
            self.schemas[name] = _object(struct, self.of_type, sent=True)
        return reference("schemas", self._names[struct])

    def of_type(self, hint: Any) -> Schema:
        """The schema of any type that an answer holds."""
        return _schema(hint, self.answer)

    def _free_name(self, struct: Struct) -> str:
        if struct.__name__ not in self.schemas:
            return struct.__name__
        feature = struct.__module__.split(".")[1].title().replace("_", "")
        return f"{feature}{struct.__name__}"


def reference(kind: str, name: str) -> Schema:
    """A reference to a component of the same document."""
    return {"$ref": f"#/components/{kind}/{name}"}


def _object(struct: Struct, of: typing.Callable[[Any], Schema], *, sent: bool) -> Schema:
    hints = typing.get_type_hints(struct, include_extras=True)
    properties: dict[str, Schema] = {}
    required = []
    for member in msgspec.structs.fields(struct):
        hint = hints[member.name]
        schema = of(hint)
        if not sent and _has_plain_default(member.default):
            schema = {**schema, "default": member.default}
        properties[member.encode_name] = schema
        if member.required or (sent and UnsetType not in get_args(hint)):
            required.append(member.encode_name)
    result: Schema = {"type": "object", "properties": properties}
    if required:
        result["required"] = required
    if not sent and struct.__struct_config__.forbid_unknown_fields:
        result["additionalProperties"] = False
    summary = (struct.__doc__ or "").strip().split("\n", 1)[0]
    return {"description": summary, **result} if summary else result


def _has_plain_default(default: Any) -> bool:
    return default is not NODEFAULT and default is not UNSET and isinstance(default, str | int | float | bool | None)


def _schema(hint: Any, of_struct: typing.Callable[[Struct], Schema]) -> Schema:
    origin = get_origin(hint)
    if origin is typing.Annotated:
        bare, *extra = get_args(hint)
        limits = [constraint.openapi for constraint in extra if isinstance(constraint, Constraint)]
        return _limited(_schema(bare, of_struct), limits)
    if origin in _UNIONS:
        options = [_schema(option, of_struct) for option in get_args(hint) if option is not UnsetType]
        return _any_of(options)
    if origin is Literal:
        return _choice(list(get_args(hint)))
    if origin in _ARRAYS:
        return {"type": "array", "items": _schema(get_args(hint)[0], of_struct)}
    if origin in _OBJECTS:
        return {"type": "object", "additionalProperties": _schema(get_args(hint)[1], of_struct)}
    if hint is Raw or hint is Any:
        return {}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return of_struct(hint)
    return dict(_SCALARS[hint])


def _limited(schema: Schema, limits: list[Schema]) -> Schema:
    """A schema with the limits of its constraints; the narrower one counts where two say the same thing."""
    for limit in limits:
        for key, value in limit.items():
            tighter = {"minLength": max, "minimum": max, "maxLength": min, "maximum": min}.get(key)
            schema[key] = tighter(schema[key], value) if tighter is not None and key in schema else value
    return schema


def _choice(values: list[Any]) -> Schema:
    if len(values) == 1:
        return {"const": values[0]}
    return {"type": "string", "enum": values} if all(isinstance(value, str) for value in values) else {"enum": values}


def _any_of(options: list[Schema]) -> Schema:
    """A union, written as short as it can be: `type: [string, "null"]` instead of two schemas."""
    null = {"type": "null"}
    rest = [option for option in options if option != null]
    nullable = len(rest) < len(options)
    if len(rest) > 1 and {"type": "number"} in rest and {"type": "integer"} in rest:
        rest.remove({"type": "integer"})
    if len(rest) != 1:
        return {"anyOf": [*rest, null] if nullable else rest}
    (only,) = rest
    if not nullable or not only:  # an empty schema takes null too
        return only
    if "$ref" in only or "const" in only or not isinstance(only.get("type"), str):
        return {"anyOf": [only, null]}
    widened = {**only, "type": [only["type"], "null"]}
    if "enum" in only:
        widened["enum"] = [*only["enum"], None]
    return widened
