"""What the contract asks of single values: identifiers, addresses, URLs, lengths (contract 00 §5).

A constraint hands back the value, normalised where one value has several spellings, or raises `Defect`.
Fields name them as annotated types: `email: StrictEmail`, `user_id: UserIdOrMe`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

import ada_url
from msgspec import Raw

ME = "me"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_NIL_UUID = "00000000-0000-0000-0000-000000000000"
# The grammar of HTML's input[type=email]; each repetition is bounded by a character it cannot match, so no input backtracks.
_HTML_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_STRICT_MAX_LENGTH = 256
_MIN_TOP_LABEL = 2


class Defect(Exception):
    """What is wrong with one value, as the end of a sentence that begins with its path."""


class Constraint:
    """A rule for one value."""

    def __init__(self, apply: Callable[[Any], Any], **openapi: Any) -> None:
        self.apply = apply
        self.openapi = openapi


def is_uuid(text: str) -> bool:
    """Whether the lower-case text is a UUID of version 1 to 5, or the nil UUID (contract 00 §5)."""
    return _UUID.fullmatch(text) is not None or text == _NIL_UUID


def is_lenient_email(text: str) -> bool:
    """Whether the text is an email address by the wider of the two grammars (contract 00 §5)."""
    return _HTML_EMAIL.fullmatch(text) is not None


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, which is how the wire counts characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _uuid(value: str) -> str:
    lower = value.lower()
    if not is_uuid(lower):
        raise Defect("must be a UUID")
    return lower


def _uuid_or_me(value: str) -> str:
    return ME if value == ME else _uuid(value)


def _lenient_email(value: str) -> str:
    if value and not is_lenient_email(value):
        raise Defect("must be an email address")
    return value


def _strict_email(value: str) -> str:
    local, _, domain = value.rpartition("@")
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    name, dot, top = domain.rpartition(".")
    if not value or dots or not (name and dot) or len(top) < _MIN_TOP_LABEL or len(value) > _STRICT_MAX_LENGTH:
        raise Defect("must be an email address")
    return _lenient_email(value)


def _non_empty(value: str) -> str:
    if not value:
        raise Defect("must not be empty")
    return value


def _url(value: str) -> str:
    if " " in value or not ada_url.check_url(value):
        raise Defect("must be a URL")
    return value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise Defect("must not contain a NUL character")
    return value


def at_most(units: int) -> Constraint:
    """A string of at most so many UTF-16 code units."""

    def apply(value: str) -> str:
        if len(value) * 2 > units and utf16_length(value) > units:
            raise Defect(f"must be at most {units} characters long")
        return value

    return Constraint(apply, maxLength=units)


def exactly(units: int) -> Constraint:
    """A string of exactly so many UTF-16 code units."""

    def apply(value: str) -> str:
        if utf16_length(value) != units:
            raise Defect(f"must be exactly {units} characters long")
        return value

    return Constraint(apply, minLength=units, maxLength=units)


def between(least: float | None = None, most: float | None = None) -> Constraint:
    """A number from `least` to `most`, both inclusive."""
    words = " and ".join(w for w in (f"at least {least}" if least is not None else "", f"at most {most}" if most is not None else "") if w)

    def apply(value: float) -> float:
        if (least is not None and value < least) or (most is not None and value > most):
            raise Defect(f"must be {words}")
        return value

    limits = {"minimum": least, "maximum": most}
    return Constraint(apply, **{key: limit for key, limit in limits.items() if limit is not None})


def matching(pattern: str, words: str) -> Constraint:
    """A string that matches the whole pattern; `words` ends the sentence "must be"."""
    compiled = re.compile(pattern)

    def apply(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise Defect(f"must be {words}")
        return value

    return Constraint(apply, pattern=f"^(?:{pattern})$")


uuid_or_me = Constraint(
    _uuid_or_me,
    description="a UUID, or `me` for the user of the access token",
    pattern="^(?:me|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[1-5][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}|" + _NIL_UUID + ")$",
)
url = Constraint(_url, format="uri")

Uuid = Annotated[str, Constraint(_uuid, format="uuid")]
UserIdOrMe = Annotated[str, uuid_or_me]
LenientEmail = Annotated[str, Constraint(_lenient_email, description="an email address", pattern=f"^(?:{_HTML_EMAIL.pattern})?$")]
StrictEmail = Annotated[str, Constraint(_strict_email, format="email", maxLength=_STRICT_MAX_LENGTH)]
NonEmpty = Constraint(_non_empty, minLength=1)
Url = Annotated[str, url]
FreeJson = Raw
