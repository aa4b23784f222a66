"""Which overrides may be written (contract 04 §8.5): known keys of the level, with values of their exact type.

Deliberately not checked, as the contract says: string patterns, lengths, ranges, required fields, rules across fields. Rendering copes.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hexclave_server.config.defaults import ROOT
from hexclave_server.config.migrate import migrate
from hexclave_server.config.schema import Either, Interval, Level, Node, Record, Scalar, Section, child, is_open
from hexclave_server.core.errors import PlainError

_KEY = re.compile(r"[A-Za-z0-9_:$][A-Za-z0-9_:$-]*(?:\.[A-Za-z0-9_:$][A-Za-z0-9_:$-]*)*")
_SHOWN = 200


class ConfigInvalid(PlainError):
    """The override cannot be stored: 400, with a text that names the offending key by its full path."""

    def __init__(self, text: str) -> None:
        super().__init__(400, text)


def parse_override(text: str, level: Level) -> dict[str, Any]:
    """The override in this JSON text, its old keys migrated and everything validated. Raises ConfigInvalid."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        msg = f"The configuration is not valid JSON: {error}"
        raise ConfigInvalid(msg) from None
    return check_override(value, level)


def check_override(value: object, level: Level) -> dict[str, Any]:
    """The override with its old keys migrated, if it may be written at this level. Raises ConfigInvalid."""
    if not isinstance(value, dict):
        msg = "The configuration override must be a JSON object."
        raise ConfigInvalid(msg)
    override = migrate(value, level)
    for key, below in override.items():
        _check(_node_at(key, level), below, level, key)
    return override


def _node_at(key: str, level: Level) -> Node:
    """The node that a top-level key means; its segments are checked against the key rules of records."""
    if _KEY.fullmatch(key) is None:
        raise _invalid(key, "is not a valid configuration key: segments of letters, digits, _ : $ and -, joined by dots")
    node: Node = ROOT
    for segment in key.split("."):
        rule = _key_rule(node)
        if rule is not None and not rule.accepts(segment):
            raise _invalid(key, f"is not a configuration key: {segment} must be {rule.words}")
        below = child(node, segment)
        if below is None or not is_open(below, level):
            raise _invalid(key, f"is not a configuration key of the level {level.wire}")
        node = below
    return node


def _key_rule(node: Node) -> Any:
    record = node.record if isinstance(node, Either) else node
    return record.key if isinstance(record, Record) else None


def _check(node: Node, value: Any, level: Level, path: str) -> None:
    if value is None:
        return
    if isinstance(node, Section):
        for name, below in _members(value, path).items():
            member = node.members.get(name)
            if member is None or not is_open(member, level):
                raise _invalid(f"{path}.{name}", f"is an unknown property at the level {level.wire}")
            _check(member, below, level, f"{path}.{name}")
    elif isinstance(node, Record):
        for name, below in _members(value, path).items():
            if node.key.nested and not node.key.accepts(name):
                raise _invalid(f"{path}.{name}", f"is an unknown property: the key must be {node.key.words}")
            _check(node.entry, below, level, f"{path}.{name}")
    elif isinstance(node, Either):
        _check(_option(node, value, path), value, level, path)
    else:
        _check_leaf(node, value, path)


def _members(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid(path, "must be an object")
    for name in value:
        if "." in name:
            raise _invalid(f"{path}.{name}", "has a dot in a nested key; dots are for keys of the outermost object")
    return value


def _option(node: Either, value: Any, path: str) -> Scalar | Interval | Record:
    for option in node.options:
        json_type = dict if isinstance(option, Record) else list
        if option.has_kind(value) if isinstance(option, Scalar) else isinstance(value, json_type):
            return option
    words = " or ".join(_words(option) for option in node.options)
    raise _invalid(path, f"must be {words}")


def _check_leaf(node: Scalar | Interval, value: Any, path: str) -> None:
    if not node.accepts(value):
        raise _invalid(path, f"must be {_words(node)}")


def _words(node: Scalar | Interval | Record) -> str:
    if isinstance(node, Record):
        return "an object"
    if isinstance(node, Interval):
        return 'an interval such as [1, "month"]'
    return "one of " + ", ".join(node.choices) if node.choices else f"a {node.kind}"


def _invalid(path: str, reason: str) -> ConfigInvalid:
    shown = path if len(path) <= _SHOWN else path[:_SHOWN] + "…"
    return ConfigInvalid(f"{shown} {reason}.")
