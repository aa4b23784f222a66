"""Merging overrides and taking keys out of them (contract 04 §8.3, §9). Nothing here knows which keys exist."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

Override = Mapping[str, Any]


def merge(low: Override, high: Override) -> dict[str, Any]:
    """`low` with the keys of `high` in place of equal ones and of all below them; values are not merged into each other (§8.3)."""
    kept = {key: value for key, value in low.items() if not _is_at_or_below(key, high)}
    return {**kept, **high}


def reset_keys(override: Override, keys: Iterable[str]) -> dict[str, Any]:
    """The override without these keys and what is below them, also inside nested objects; objects that become empty go too (§9)."""
    unwanted = frozenset(keys)
    kept = {key: _without(value, key, unwanted) for key, value in override.items() if not _is_at_or_below(key, unwanted)}
    return {key: value for key, value in kept.items() if value is not _EMPTIED}


_EMPTIED = object()


def _is_at_or_below(key: str, keys: Container[str]) -> bool:
    """Whether `keys` has the key itself or one of its ancestors."""
    end = len(key)
    while end != -1:
        if key[:end] in keys:
            return True
        end = key.rfind(".", 0, end)
    return False


def _without(value: Any, path: str, unwanted: Container[str]) -> Any:
    if not isinstance(value, dict) or not value:
        return value
    kept = {name: _without(below, f"{path}.{name}", unwanted) for name, below in value.items() if f"{path}.{name}" not in unwanted}
    return {name: below for name, below in kept.items() if below is not _EMPTIED} or _EMPTIED
