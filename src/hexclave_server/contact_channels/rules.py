"""What may become of contact channels, as pure decisions (contract 05 §3.3, §3.4). The transactions that ask are in `changes.py`."""

from __future__ import annotations

import enum

import msgspec
from msgspec import UNSET, UnsetType

from hexclave_server.contact_channels.address import NormalEmail


class Admission(enum.Enum):
    """Whether a user may have an address the way he wants it."""

    ADMITTED = enum.auto()
    ALREADY_HAS_IT = enum.auto()
    SIGNS_SOMEBODY_ELSE_IN = enum.auto()


def admit_address(*, on_another_own_channel: bool, wanted_for_sign_in: bool, signs_somebody_else_in: bool) -> Admission:
    """Whether a user may have an address on a channel, new or changed.

    An address may belong to many users, but it signs in only one: who has it first for that keeps it, verified or not. Nothing here takes
    an address from anybody, and nothing joins two accounts.
    """
    if on_another_own_channel:
        return Admission.ALREADY_HAS_IT
    if wanted_for_sign_in and signs_somebody_else_in:
        return Admission.SIGNS_SOMEBODY_ELSE_IN
    return Admission.ADMITTED


class ChannelState(msgspec.Struct, frozen=True):
    """What can be changed of a channel."""

    value: str
    is_primary: bool
    is_verified: bool
    used_for_auth: bool


class ChannelChange(msgspec.Struct, frozen=True):
    """What a request says about a channel; `UNSET` where it says nothing."""

    value: NormalEmail | UnsetType = UNSET
    is_primary: bool | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET
    used_for_auth: bool | UnsetType = UNSET


def state_after(current: ChannelState, change: ChannelChange) -> ChannelState:
    """The channel after the change. Verification was of a value: whoever names one, be it the same, loses it unless he says otherwise."""
    kept_verification = current.is_verified if change.value is UNSET else False
    return ChannelState(
        value=current.value if change.value is UNSET else change.value,
        is_primary=current.is_primary if change.is_primary is UNSET else change.is_primary,
        is_verified=kept_verification if change.is_verified is UNSET else change.is_verified,
        used_for_auth=current.used_for_auth if change.used_for_auth is UNSET else change.used_for_auth,
    )
