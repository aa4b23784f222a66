"""Secrets inside overrides: sealed where the override is stored, open where it is rendered or shown to administrators.

A secret is a string at a path that `defaults.ROOT` marks, written as dot key, nested, or half of each. Sealed, it is an object with one
member, which no override can bring along, since validation accepts only strings there. The path goes into the ciphertext's row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hexclave_server.config.defaults import ROOT
from hexclave_server.config.schema import Node, Scalar, child

SEALED = "$sealed"

Transform = Callable[[str, str], str]
"""(text, full dot path) -> text."""


def seal(override: Mapping[str, Any], encrypt: Transform) -> dict[str, Any]:
    """The override with every secret encrypted; `encrypt` gets the plaintext and the secret's path."""

    def close(value: Any, path: str) -> Any:
        return {SEALED: encrypt(value, path)} if isinstance(value, str) else value

    return _walk(override, close)


def unseal(override: Mapping[str, Any], decrypt: Transform) -> dict[str, Any]:
    """The override as it was before `seal`; raises what `decrypt` raises."""

    def open_(value: Any, path: str) -> Any:
        return decrypt(value[SEALED], path) if isinstance(value, dict) and isinstance(value.get(SEALED), str) else value

    return _walk(override, open_)


def _walk(override: Mapping[str, Any], change: Callable[[Any, str], Any]) -> dict[str, Any]:
    return {key: _walk_value(_node_at(key), value, key, change) for key, value in override.items()}


def _node_at(path: str) -> Node | None:
    node: Node | None = ROOT
    for segment in path.split("."):
        node = child(node, segment) if node is not None else None
    return node


def _walk_value(node: Node | None, value: Any, path: str, change: Callable[[Any, str], Any]) -> Any:
    if node is None:
        return value
    if isinstance(node, Scalar):
        return change(value, path) if node.secret else value
    if not isinstance(value, dict):
        return value
    return {name: _walk_value(child(node, name), below, f"{path}.{name}", change) for name, below in value.items()}
