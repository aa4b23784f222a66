"""Shapes of requests: decoding into structs, casting, and the list of all defects (contract 00 §5).

Two ways lead to the same struct. The fast one is msgspec's strict decoder and the constraints of the fields. Only when it fails, the slow
one parses untyped (a defect there is a `BODY_PARSING_ERROR`), casts scalars as the contract says and reports every defect at once.
"""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Callable, Mapping
from functools import cache
from itertools import accumulate
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hexclave_server.core.constraints import Constraint, Defect

T = TypeVar("T", bound=msgspec.Struct)

_TRUE = frozenset(("true", "1"))
_FALSE = frozenset(("false", "0"))


class Body(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Base of what a request carries in body, query or path: unknown members are defects."""


class OpenBody(msgspec.Struct, kw_only=True):
    """Base of request shapes that ignore members they do not know."""


class Wire(msgspec.Struct, kw_only=True):
    """Base of what an answer carries. Absent members are `UNSET` and left out."""


class NoQuery(Body):
    """The query of an endpoint that takes no parameters and refuses all (contract 00 §5)."""


class Success(Wire):
    """The answer of whatever has nothing to say but that it was done."""

    success: bool = True


class BodyUnparsable(Exception):
    """The bytes are not what their content type says."""


class Defects(Exception):
    """Everything that does not fit the declared shape, each named by its path."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class Field(msgspec.Struct, frozen=True):
    """What a field of a request struct accepts."""

    name: str
    kind: str  # string, integer, number, boolean, enum, object, array, free
    required: bool
    nullable: bool
    constraints: tuple[Constraint, ...] = ()
    choices: tuple[str, ...] = ()
    struct: type[msgspec.Struct] | None = None
    items: Field | None = None


class Shape(msgspec.Struct, frozen=True):
    """A request struct taken apart once."""

    struct: type[msgspec.Struct]
    fields: dict[str, Field]
    open: bool
    checked: tuple[str, ...]
    decode: Callable[[bytes], Any]


@cache
def shape_of(struct: type[msgspec.Struct]) -> Shape:
    """The fields and constraints of a request struct."""
    hints = typing.get_type_hints(struct, include_extras=True)
    fields = {f.encode_name: _field(f.encode_name, hints[f.name], required=f.required) for f in msgspec.structs.fields(struct)}
    checked = tuple(name for name, field in fields.items() if _needs_check(field))
    return Shape(
        struct=struct,
        fields=fields,
        open=not struct.__struct_config__.forbid_unknown_fields,
        checked=checked,
        decode=msgspec.json.Decoder(struct).decode,
    )


def _needs_check(field: Field) -> bool:
    return bool(field.constraints) or field.kind == "object" or (field.items is not None and _needs_check(field.items))


def _field(name: str, hint: Any, *, required: bool) -> Field:
    nullable = False
    constraints: tuple[Constraint, ...] = ()
    hint, nullable, constraints = _unwrap(hint)
    origin = get_origin(hint)
    common: dict[str, Any] = {"name": name, "required": required, "nullable": nullable, "constraints": constraints}
    if hint is Raw:
        return Field(kind="free", **common)
    if origin is Literal:
        return Field(kind="enum", choices=get_args(hint), **common)
    if origin is list:
        (item,) = get_args(hint)
        return Field(kind="array", items=_field("", item, required=True), **common)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return Field(kind="object", struct=hint, **common)
    kinds = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return Field(kind=kinds[hint], **common)


def _unwrap(hint: Any) -> tuple[Any, bool, tuple[Constraint, ...]]:
    """Takes `X | None | UnsetType` and `Annotated[...]` apart: the bare type, whether null is fine, the constraints."""
    nullable = False
    constraints: tuple[Constraint, ...] = ()
    while True:
        origin = get_origin(hint)
        if origin is typing.Annotated:
            hint, *extra = get_args(hint)
            constraints = (*constraints, *(e for e in extra if isinstance(e, Constraint)))
        elif origin is Union or origin is type(int | str):
            options = [o for o in get_args(hint) if o is not UnsetType and o is not type(None)]
            nullable = nullable or type(None) in get_args(hint)
            if options in ([int, float], [float, int]):
                return float, nullable, constraints
            (hint,) = options
        else:
            return hint, nullable, constraints


# --- the fast way -------------------------------------------------------------------------------------------------------------------


def decode_json(struct: type[T], data: bytes, where: str = "body") -> T:
    """Decodes a JSON body into the struct.

    Raises BodyUnparsable for what is not JSON, Defects for what does not fit.
    """
    shape = shape_of(struct)
    if b"\\u" not in data and not (len(data) > MAX_DEPTH and data.count(b"[") + data.count(b"{") > MAX_DEPTH):
        try:
            value = shape.decode(data)
            return typing.cast("T", check(value, shape)) if shape.checked else value
        except (msgspec.MsgspecError, Defect, RecursionError, UnicodeDecodeError):
            pass
    return decode_value(struct, parse_json(data), where)


def check(value: Any, shape: Shape) -> Any:
    """Runs the constraints of a decoded struct, storing what they normalise. Raises Defect at the first that fails."""
    for name in shape.checked:
        found = getattr(value, name)
        if found is UNSET or found is None:
            continue
        normal = _check_value(found, shape.fields[name])
        if normal is not found:
            setattr(value, name, normal)
    return value


def _check_value(value: Any, field: Field) -> Any:
    for constraint in field.constraints:
        value = constraint.apply(value)
    if field.struct is not None:
        return check(value, shape_of(field.struct))
    if field.items is not None and _needs_check(field.items):
        return [_check_value(item, field.items) for item in value]
    return value


# --- the slow way -------------------------------------------------------------------------------------------------------------------

MAX_DEPTH = 500
# Possessive: a string of megabytes leaves no places behind to go back to.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_STEPS))


def parse_json(data: bytes) -> Raw:
    """Checks that the bytes are JSON without lone surrogates and nested at most 500 deep; hands them back unparsed.

    Raises BodyUnparsable (contract 00 §4).
    """
    try:
        msgspec.json.decode(data, type=Raw)  # looks at every byte and makes nothing of it: strangers' bodies come this way
        data.decode()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BodyUnparsable(_plain_reason(error)) from None
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        msg = f"it is nested more than {MAX_DEPTH} levels deep"
        raise BodyUnparsable(msg)
    return Raw(data)


def _plain_reason(error: Exception) -> str:
    return str(error) if isinstance(error, msgspec.DecodeError) else "it is not valid JSON"


def _depth(data: bytes) -> int:
    """How deep valid JSON is nested."""
    brackets = _STRINGS.sub(b"", data).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def decode_value(struct: type[T], value: Any, where: str) -> T:
    """Casts an untyped value (`Raw` JSON, or a mapping of strings from a form, a query or a path) into the struct.

    Raises Defects that names everything that does not fit, `where` first.
    """
    defects: list[str] = []
    result = _cast_struct(shape_of(struct), value, where, defects)
    if defects:
        raise Defects(defects)
    return typing.cast("T", result)


def _cast_struct(shape: Shape, value: Any, where: str, defects: list[str]) -> Any:
    members = _members(value)
    if members is None:
        defects.append(f"{where} must be an object")
        return None
    known: dict[str, Any] = {}
    for name, field in shape.fields.items():
        if name in members:
            known[name] = _cast(field, members[name], f"{where}.{name}", defects)
        elif field.required:
            defects.append(f"{where}.{name} is required")
    if not shape.open:
        unknown = sorted(name for name in members if name not in shape.fields)
        defects.extend(f"{where} has an unknown property: {_shown(name)}" for name in unknown)
    if defects:
        return None
    return shape.struct(**{attribute: known[name] for attribute, name in _attributes(shape.struct) if name in known})


@cache
def _attributes(struct: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """Attribute and wire name of each field; kept, because msgspec evaluates the annotations anew each time it is asked (35 µs)."""
    return tuple((field.name, field.encode_name) for field in msgspec.structs.fields(struct))


def _shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode()[:100]


def _members(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Raw):
        try:
            return msgspec.json.decode(value, type=dict[str, Raw])
        except msgspec.MsgspecError:
            return None
    return value if isinstance(value, Mapping) else None


def _cast(field: Field, value: Any, where: str, defects: list[str]) -> Any:
    if field.kind == "free":
        return value if isinstance(value, Raw) else Raw(msgspec.json.encode(value))
    if field.kind == "object":
        if field.nullable and _is_null(value):
            return None
        return _cast_struct(shape_of(typing.cast("type[msgspec.Struct]", field.struct)), value, where, defects)
    if isinstance(value, Raw):
        if field.kind == "array":
            return _cast_array(field, value, where, defects)
        value = _scalar(value)
    if value is None:
        if not field.nullable:
            defects.append(f"{where} must not be null")
        return None
    try:
        value = _CASTS[field.kind](field, value)
        for constraint in field.constraints:
            value = constraint.apply(value)
    except Defect as defect:
        defects.append(f"{where} {defect}")
        return None
    return value


def _cast_array(field: Field, value: Raw, where: str, defects: list[str]) -> Any:
    if field.nullable and _is_null(value):
        return None
    try:
        items = msgspec.json.decode(value, type=list[Raw])
    except msgspec.MsgspecError:
        defects.append(f"{where} must be an array")
        return None
    item = typing.cast("Field", field.items)
    return [_cast(item, entry, f"{where}[{index}]", defects) for index, entry in enumerate(items)]


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, Raw) and bytes(value).strip() == b"null")


def _scalar(value: Raw) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:  # a number that no float holds
        return float("inf")


def _cast_string(_: Field, value: Any) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (int, float)) and math.isfinite(value):
        value = msgspec.json.encode(value).decode()
    if not isinstance(value, str):
        raise Defect("must be a string")
    if "\0" in value:
        raise Defect("must not contain a NUL character")
    return value


def _cast_number(_: Field, value: Any) -> float | int:
    if isinstance(value, str):
        text = re.sub(r"\s", "", value)
        try:
            value = int(text) if re.fullmatch(r"[+-]?[0-9]{1,30}", text) else float(text) if "_" not in text else None
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Defect("must be a number")
    return value


def _cast_integer(field: Field, value: Any) -> int:
    number = _cast_number(field, value)
    if isinstance(number, float) and not number.is_integer():
        raise Defect("must be a whole number")
    if abs(number) > 2**53:
        raise Defect("is out of range")
    return int(number)


def _cast_boolean(_: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower() if isinstance(value, (str, int, float)) else ""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Defect("must be true or false")


def _cast_enum(field: Field, value: Any) -> str:
    text = _cast_string(field, value)
    if text not in field.choices:
        raise Defect("must be one of: " + ", ".join(field.choices))
    return text


def _cast_never(field: Field, value: Any) -> Any:
    del value
    raise Defect(f"must be an {field.kind}")


_CASTS: dict[str, Callable[[Field, Any], Any]] = {
    "string": _cast_string,
    "number": _cast_number,
    "integer": _cast_integer,
    "boolean": _cast_boolean,
    "enum": _cast_enum,
    "array": _cast_never,
}
