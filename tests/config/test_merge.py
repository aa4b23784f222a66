"""Merging overrides and resetting keys (contract 04 §8.3, §9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.config.merge import merge, reset_keys

segments = st.sampled_from(("a", "b", "ab"))
keys = st.lists(segments, min_size=1, max_size=3).map(".".join)
values = st.recursive(st.integers(0, 3), lambda inner: st.dictionaries(segments, inner, max_size=2), max_leaves=4)
overrides = st.dictionaries(keys, values, max_size=4)


def test_a_nested_object_drops_the_dot_keys_below_it() -> None:
    assert merge({"teams.b": 1, "teamsx": 2}, {"teams": {"a": 1}}) == {"teams": {"a": 1}, "teamsx": 2}


def test_a_dot_key_keeps_the_nested_object_above_it() -> None:
    assert merge({"teams": {"b": 1}}, {"teams.a": 2}) == {"teams": {"b": 1}, "teams.a": 2}


@given(overrides, overrides)
def test_merge_is_the_rule_of_the_contract(low: dict[str, object], high: dict[str, object]) -> None:
    model = dict(low)
    for key in high:
        model = {k: v for k, v in model.items() if k != key and not k.startswith(key + ".")}
    assert merge(low, high) == {**model, **high}


@given(overrides, overrides, overrides)
def test_merging_is_associative(a: dict[str, object], b: dict[str, object], c: dict[str, object]) -> None:
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@pytest.mark.parametrize(
    ("override", "keys", "left"),
    [
        ({"a.b": 1, "a.bc": 2, "a.b.c": 3}, ["a.b"], {"a.bc": 2}),
        ({"a": {"b": {"c": 1}}}, ["a.b.c"], {}),
        ({"a": {"b": {"c": 1}, "d": 2}}, ["a.b.c"], {"a": {"d": 2}}),
        ({"a": [1], "b": 2}, ["a.0", "b.c", "", ".", "nothing"], {"a": [1], "b": 2}),
        ({"a": {}}, ["a.b"], {"a": {}}),
        ({"a.b": {"c": {"d": 1}}}, ["a.b.c.d", "x"], {}),
        ({"a": 1}, [], {"a": 1}),
    ],
)
def test_reset_digs_into_nested_objects(override: dict[str, object], keys: list[str], left: dict[str, object]) -> None:
    assert reset_keys(override, keys) == left


def _reset_one(override: dict[str, object], key: str) -> dict[str, object]:
    """The rule of the contract, one key at a time."""
    kept: dict[str, object] = {}
    for name, value in override.items():
        if name == key or name.startswith(key + "."):
            continue
        if key.startswith(name + ".") and isinstance(value, dict):
            inner = _reset_one(value, key[len(name) + 1 :])
            if inner or not value:
                kept[name] = inner
        else:
            kept[name] = value
    return kept


@given(overrides, st.lists(keys, max_size=4))
def test_resetting_many_keys_is_resetting_each(override: dict[str, object], unwanted: list[str]) -> None:
    expected = override
    for key in unwanted:
        expected = _reset_one(expected, key)
    assert reset_keys(override, unwanted) == expected


def test_a_great_many_keys_take_no_time() -> None:
    override = {f"dataVault.stores.s{place}": {"displayName": "x"} for place in range(5_000)}
    assert reset_keys(override, (f"auth.x{place}" for place in range(500_000))) == override
