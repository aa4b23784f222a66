"""Which links a user may have, as pure decisions (contract 03 §11, "Conflicts"). The transactions that ask are in `changes.py`."""

from __future__ import annotations

import enum

import msgspec
from msgspec import UNSET, UnsetType


class Admission(enum.Enum):
    """Whether a user may have a link the way it is wanted."""

    ADMITTED = enum.auto()
    SIGNS_IN_WITH_PROVIDER = enum.auto()
    HAS_ACCOUNT = enum.auto()
    SIGNS_SOMEBODY_IN = enum.auto()


def admit_link(
    *, wanted_for_sign_in: bool, user_signs_in_with_provider: bool, user_has_account: bool, account_signs_somebody_in: bool
) -> Admission:
    """Whether a user may have the link; what it is told against are his other links, and in the last point everybody's.

    A user signs in with one account of a provider, and an account signs in one user: who has it first for that keeps it.
    """
    if wanted_for_sign_in and user_signs_in_with_provider:
        return Admission.SIGNS_IN_WITH_PROVIDER
    if user_has_account:
        return Admission.HAS_ACCOUNT
    if wanted_for_sign_in and account_signs_somebody_in:
        return Admission.SIGNS_SOMEBODY_IN
    return Admission.ADMITTED


class LinkChange(msgspec.Struct, frozen=True):
    """What a request says about a link; `UNSET` where it says nothing."""

    account_id: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    allow_sign_in: bool | UnsetType = UNSET
    allow_connected_accounts: bool | UnsetType = UNSET

    @property
    def touches_sign_in(self) -> bool:
        """Whether it says who signs in, or with which account. Other changes are free, even where links contradict each other by now."""
        return self.allow_sign_in is not UNSET or self.account_id is not UNSET
