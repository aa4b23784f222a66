"""The language in which the configuration's keys are described, once for defaults, validation and rendering.

A tree of nodes: sections have fixed members, records have entries named by users, the leaves are scalars and intervals.
A leaf knows at which levels it may be written (contract 04 §8.1) and its default; a section or record is open at the levels of its leaves.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


class Level(enum.IntEnum):
    """Levels of overrides; a higher one wins (contract 04 §8.1). Nothing writes `organization`."""

    PROJECT = 0
    BRANCH = 1
    ENVIRONMENT = 2
    ORGANIZATION = 3

    @property
    def wire(self) -> str:
        """The name in paths and in the database."""
        return self.name.lower()


PROJECT_ONLY = frozenset((Level.PROJECT,))
FROM_BRANCH = frozenset((Level.BRANCH, Level.ENVIRONMENT))
FROM_ENVIRONMENT = frozenset((Level.ENVIRONMENT,))

Kind = Literal["boolean", "string", "number"]


class _Missing(enum.Enum):
    MISSING = enum.auto()
    ENTRY_ID = enum.auto()


MISSING = _Missing.MISSING
"""No value and no default: the key is absent from the rendered configuration."""
ENTRY_ID = _Missing.ENTRY_ID
"""Default of a leaf that takes the id of the record entry it is in."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A boolean, string or number; with `choices` one of these strings."""

    kind: Kind
    default: Any = MISSING
    levels: frozenset[Level] = FROM_BRANCH
    choices: tuple[str, ...] = ()
    secret: bool = False

    def has_kind(self, value: object) -> bool:
        """Whether the value has the primitive type; nothing is cast."""
        if self.kind == "boolean":
            return isinstance(value, bool)
        if self.kind == "string":
            return isinstance(value, str)
        return isinstance(value, int | float) and not isinstance(value, bool)

    def accepts(self, value: object) -> bool:
        """Whether the value has the primitive type and is among the choices."""
        return self.has_kind(value) and (not self.choices or value in self.choices)


@dataclass(frozen=True, slots=True)
class Interval:
    """`[number, "day" | "week" | "month" | "year"]`."""

    default: Any = MISSING
    levels: frozenset[Level] = FROM_BRANCH

    def accepts(self, value: object) -> bool:
        """Whether the value is such a pair."""
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - a pair
            return False
        count, unit = value
        return isinstance(count, int | float) and not isinstance(count, bool) and unit in ("day", "week", "month", "year")


@dataclass(frozen=True, slots=True)
class Section:
    """Fixed members. It always exists in the rendered configuration, unless `optional` and empty."""

    members: Mapping[str, Node]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class KeyRule:
    """What the entries of a record may be called. `nested`: also checked inside nested objects (contract 04 §8.5)."""

    pattern: re.Pattern[str]
    words: str
    nested: bool = False
    ids: tuple[str, ...] = ()

    def accepts(self, key: str) -> bool:
        """Whether an entry may have this key."""
        return key in self.ids if self.ids else self.pattern.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class Record:
    """Entries named by users, each like `entry`; absent when `optional` and empty.

    `built_in` entries always exist; so do all of an enumerated key rule.
    """

    key: KeyRule
    entry: Node
    built_in: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    optional: bool = False

    @property
    def standing(self) -> tuple[str, ...]:
        """Entries that are there without being written."""
        return self.key.ids or tuple(self.built_in)


@dataclass(frozen=True, slots=True)
class Either:
    """A value of one of several shapes, told apart by their JSON types."""

    options: tuple[Scalar | Interval | Record, ...]
    default: Any = MISSING

    @property
    def record(self) -> Record | None:
        """The option that is an object, if there is one."""
        return next((option for option in self.options if isinstance(option, Record)), None)


Node = Scalar | Interval | Section | Record | Either


def child(node: Node, segment: str) -> Node | None:
    """The node below `node` under this path segment; None where nothing can be there. Record keys are not checked."""
    if isinstance(node, Section):
        return node.members.get(segment)
    if isinstance(node, Either):
        return node.record.entry if node.record is not None else None
    return node.entry if isinstance(node, Record) else None


def is_open(node: Node, level: Level) -> bool:
    """Whether anything at or below the node may be written at this level."""
    if isinstance(node, Section):
        return any(is_open(member, level) for member in node.members.values())
    if isinstance(node, Record):
        return is_open(node.entry, level)
    if isinstance(node, Either):
        return any(is_open(option, level) for option in node.options)
    return level in node.levels
