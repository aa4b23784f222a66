"""What requests and answers about second factors look like (contract 02 §4)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.schema import Body, Wire
from hexclave_server.verification_codes.wire import OneTimeCode


class SecondFactorSignIn(Body):
    """The attempt code of the first factor, and the second: `totp` or `recovery_code`, as `type` says. Any string may be tried."""

    code: OneTimeCode
    type: Literal["totp", "recovery_code"]
    totp: str | UnsetType = UNSET
    recovery_code: str | UnsetType = UNSET


class NoFields(Body):
    """A body that says nothing."""


class RecoveryCodes(Wire):
    """New recovery codes; they cannot be read again."""

    recovery_codes: list[str]


class RecoveryCodesLeft(Wire):
    """How many recovery codes were not used yet."""

    remaining: int
