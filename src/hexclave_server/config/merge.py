"""Merging overrides and taking keys out of them (contract 04 §8.3, §9). Nothing here knows which keys exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Override = Mapping[str, Any]


def merge(low: Override, high: Override) -> dict[str, Any]:
    """`low` with the keys of `high` in place of equal ones and of all below them; values are not merged into each other (§8.3)."""
    kept = {key: value for key, value in low.items() if not _is_at_or_below(key, high)}
    return {**kept, **high}


def _is_at_or_below(key: str, override: Override) -> bool:
    """Whether the override has the key itself or one of its ancestors."""
    end = len(key)
    while end != -1:
        if key[:end] in override:
            return True
        end = key.rfind(".", 0, end)
    return False


def reset_keys(override: Override, keys: Iterable[str]) -> dict[str, Any]:
    """The override without these keys and what is below them, also inside nested objects; objects that become empty go too (§9)."""
    result = dict(override)
    for key in keys:
        result = _without(result, key)
    return result


def _without(override: Override, key: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in override.items():
        if name == key or name.startswith(key + "."):
            continue
        if key.startswith(name + ".") and isinstance(value, dict):
            inner = _without(value, key[len(name) + 1 :])
            if inner or not value:
                kept[name] = inner
        else:
            kept[name] = value
    return kept
