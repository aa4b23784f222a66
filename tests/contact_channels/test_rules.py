"""The truth tables of contact channels: who may have an address, and what a change leaves of it."""

from __future__ import annotations

import itertools

import pytest
from msgspec import UNSET

from hexclave_server.contact_channels.address import NormalEmail
from hexclave_server.contact_channels.rules import Admission, ChannelChange, ChannelState, admit_address, state_after

ADMITTED, HAS_IT, TAKEN = Admission.ADMITTED, Admission.ALREADY_HAS_IT, Admission.SIGNS_SOMEBODY_ELSE_IN


@pytest.mark.parametrize(
    ("on_another_own_channel", "wanted_for_sign_in", "signs_somebody_else_in", "admission"),
    [
        (False, False, False, ADMITTED),
        (False, False, True, ADMITTED),  # the address is shared, the account is not
        (False, True, False, ADMITTED),
        (False, True, True, TAKEN),
        (True, False, False, HAS_IT),
        (True, False, True, HAS_IT),
        (True, True, False, HAS_IT),
        (True, True, True, HAS_IT),
    ],
)
def test_admission(on_another_own_channel: bool, wanted_for_sign_in: bool, signs_somebody_else_in: bool, admission: Admission) -> None:
    found = admit_address(
        on_another_own_channel=on_another_own_channel,
        wanted_for_sign_in=wanted_for_sign_in,
        signs_somebody_else_in=signs_somebody_else_in,
    )
    assert found is admission


@pytest.mark.parametrize(
    ("was_verified", "names_value", "says_verified", "is_verified"),
    [
        (False, False, UNSET, False),
        (True, False, UNSET, True),
        (False, True, UNSET, False),
        (True, True, UNSET, False),
        (False, False, True, True),
        (True, False, False, False),
        (False, True, True, True),
        (True, True, True, True),
        (True, True, False, False),
    ],
)
@pytest.mark.parametrize("value", ["same@example.com", "other@example.com"])
def test_verification_is_of_a_value(was_verified, names_value, says_verified, is_verified, value) -> None:
    current = ChannelState("same@example.com", is_primary=True, is_verified=was_verified, used_for_auth=True)
    change = ChannelChange(NormalEmail(value) if names_value else UNSET, is_verified=says_verified)
    assert state_after(current, change).is_verified is is_verified


@pytest.mark.parametrize("current", list(itertools.product((True, False), repeat=3)))
def test_what_is_not_named_stays(current: tuple[bool, bool, bool]) -> None:
    state = ChannelState("same@example.com", *current)
    assert state_after(state, ChannelChange()) == state
    for wanted in (True, False):
        primary = state_after(state, ChannelChange(is_primary=wanted))
        assert primary == ChannelState(state.value, wanted, state.is_verified, state.used_for_auth)
        sign_in = state_after(state, ChannelChange(used_for_auth=wanted))
        assert sign_in == ChannelState(state.value, state.is_primary, state.is_verified, wanted)
