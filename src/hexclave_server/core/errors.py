"""What a request can fail with: the known errors of the contract's catalogue, plain ones, and those that ask to come back later.

A known error is declared once, with its wire contract in the declaration; core/known_errors holds them all. How errors look on the wire
is core/rendering.py's matter, so that nothing here knows of HTTP beyond the status.
"""

from __future__ import annotations

import inspect
import typing
from typing import Any, ClassVar, dataclass_transform


@dataclass_transform(kw_only_default=True)
class KnownError(Exception):
    """An error of the catalogue (contract 00). A parent that only groups others has no code and is never raised.

    Annotated attributes become keyword-only arguments and, in the same order, the members of `details` on the wire. A trailing underscore
    keeps one apart from an attribute of this class (`status_`) and is dropped on the wire. With `repeats_message` the text is a member of
    `details` too, as `message`, in place of an attribute `text`.
    """

    code: ClassVar[str | None] = None
    status: ClassVar[int] = 400
    _fields: ClassVar[tuple[str, ...]] = ()
    _on_wire: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, *, code: str | None = None, status: int = 400, repeats_message: bool = False) -> None:
        super().__init_subclass__()
        cls.code = code
        cls.status = status
        cls._fields = tuple(inspect.get_annotations(cls))
        own = {name.rstrip("_"): name for name in cls._fields if not (repeats_message and name == "text")}
        cls._on_wire = {"message": "message", **own} if repeats_message else own

    def __init__(self, **details: Any) -> None:
        if self.code is None:
            msg = f"{type(self).__name__} is a group of errors, not an error"
            raise TypeError(msg)
        if details.keys() != set(self._fields):
            msg = f"{type(self).__name__} takes {self._fields}, not {tuple(details)}"
            raise TypeError(msg)
        self.__dict__.update(details)
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """One sentence or two for the person who reads it: what is wrong, and what to do."""
        raise NotImplementedError

    def details(self) -> dict[str, Any] | None:
        """The members of `details` on the wire, None where the error has none."""
        return {member: getattr(self, name) for member, name in self._on_wire.items()} or None

    @classmethod
    def detail_types(cls) -> dict[str, Any]:
        """The members of `details` on the wire with their types, for documents."""
        types = typing.get_type_hints(cls)
        return {member: str if member == "message" else types[name] for member, name in cls._on_wire.items()}


class PlainError(Exception):
    """A status and a text, without code (contract 00, plain error)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Unavailable(Exception):
    """The server cannot serve now: 503 with `Retry-After` in whole seconds (contract 00 §10)."""

    def __init__(self, retry_after_seconds: int = 1) -> None:
        super().__init__(f"come back in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class RateLimited(Exception):
    """A traffic limit or a throttle refuses: 429 with `Retry-After` in whole seconds (contract 00 §10)."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"come back in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class OAuthProtocolError(Exception):
    """A failure of an OAuth endpoint, in the form of RFC 6749 §5.2 (contract 03 §5)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
