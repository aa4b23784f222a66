"""Rotation of signing keys as a pure matter of times: no genuine token is ever refused by a verifier that keeps key sets for an hour."""

from __future__ import annotations

import contextlib
import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.sessions.key_schedule import (
    KEY_SET_LIFETIME,
    KeyRole,
    KeyTimes,
    Rotation,
    RotationRefused,
    plan_rotation,
    published,
    signing,
    verifying,
)

TOKEN_LIFETIME = 600_000
MINUTE = 60_000


def first_keys(now: int = 0) -> list[KeyTimes]:
    return [KeyTimes("k1", KeyRole.CURRENT, now, now, None), KeyTimes("k2", KeyRole.NEXT, now, None, None)]


def apply(keys: list[KeyTimes], plan: Rotation, fresh_id: str, now: int) -> list[KeyTimes]:
    changed = [KeyTimes(fresh_id, KeyRole.NEXT, now, None, None)]
    for key in keys:
        if key.id == plan.becomes_former:
            changed.append(msgspec.structs.replace(key, role=KeyRole.FORMER, retires_at=plan.retires_at))
        elif key.id == plan.becomes_current:
            changed.append(msgspec.structs.replace(key, role=KeyRole.CURRENT, signs_from=plan.signs_from))
        elif key.id not in plan.removed:
            changed.append(key)
    return changed


def rotate(keys: list[KeyTimes], now: int, fresh_id: str, *, at_once: bool = False) -> list[KeyTimes]:
    return apply(keys, plan_rotation(keys, now, token_lifetime=TOKEN_LIFETIME, at_once=at_once), fresh_id, now)


def test_the_second_key_signs_from_the_first_rotation_on() -> None:
    keys = rotate(first_keys(), 5 * MINUTE, "k3")
    assert signing(first_keys(), 5 * MINUTE).id == "k1"
    assert signing(keys, 5 * MINUTE).id == "k2"


def test_the_former_key_stays_until_its_tokens_and_all_cached_key_sets_have_run_out() -> None:
    keys = rotate(first_keys(), 0, "k3")
    last = TOKEN_LIFETIME + KEY_SET_LIFETIME
    assert [key.id for key in published(keys, last - 1)] == ["k2", "k1"]
    assert [key.id for key in published(keys, last)] == ["k2", "k3"]
    assert "k1" not in [key.id for key in verifying(keys, last)]


def test_a_rotation_before_that_is_refused_and_says_when_it_is_possible() -> None:
    keys = rotate(first_keys(), 0, "k3")
    last = TOKEN_LIFETIME + KEY_SET_LIFETIME
    with pytest.raises(RotationRefused) as refused:
        plan_rotation(keys, last - 1, token_lifetime=TOKEN_LIFETIME, at_once=False)
    assert refused.value.possible_at == last
    assert [key.role for key in rotate(keys, last, "k4") if key.id == "k2"] == [KeyRole.FORMER]


def test_a_key_that_was_published_just_now_signs_an_hour_later() -> None:
    keys = rotate(first_keys(), 0, "k3")
    second = TOKEN_LIFETIME + KEY_SET_LIFETIME
    keys = rotate(keys, second, "k4")
    assert signing(keys, second + KEY_SET_LIFETIME - 1).id == "k2"
    assert [key.id for key in published(keys, second)] == ["k2", "k3"]
    assert signing(keys, second + KEY_SET_LIFETIME).id == "k3"


def test_a_compromised_key_goes_at_once_with_its_tokens() -> None:
    keys = rotate(first_keys(), 0, "k3", at_once=True)
    assert {key.id for key in verifying(keys, 0)} == {"k2", "k3"}
    assert [key.id for key in published(keys, 0)] == ["k2", "k3"]
    assert signing(keys, 0).id == "k2"


def test_at_once_is_possible_while_a_former_key_is_in_use() -> None:
    keys = rotate(rotate(first_keys(), 0, "k3"), MINUTE, "k4", at_once=True)
    assert {key.id for key in keys} == {"k3", "k4"}


@given(st.lists(st.integers(0, 200 * MINUTE), min_size=1, max_size=8), st.data())
def test_every_token_is_known_to_every_cached_key_set_whenever_keys_rotate(pauses: list[int], data: st.DataObject) -> None:
    history: list[tuple[int, list[KeyTimes]]] = [(0, first_keys())]
    fresh_ids = (f"k{number}" for number in itertools.count(3))
    now = 0
    for pause in pauses:
        now += pause
        with contextlib.suppress(RotationRefused):
            history.append((now, rotate(history[-1][1], now, next(fresh_ids))))
    end = now + 200 * MINUTE

    def keys_at(time: int) -> list[KeyTimes]:
        return next(keys for since, keys in reversed(history) if since <= time)

    issued_at = data.draw(st.integers(0, end))
    used_at = data.draw(st.integers(issued_at, issued_at + TOKEN_LIFETIME - 1))
    fetched_at = data.draw(st.integers(max(0, used_at - KEY_SET_LIFETIME), used_at))
    signer = signing(keys_at(issued_at), issued_at).id
    key_set = [key.id for key in published(keys_at(fetched_at), fetched_at)]
    assert len(set(key_set)) == 2
    assert signer in key_set
    assert signer in {key.id for key in verifying(keys_at(used_at), used_at)}
