"""What a new password must be, and whether a project has passwords at all (contract 02 §1.2, §2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.core.constraints import utf16_length
from hexclave_server.core.known_errors import PasswordAuthenticationNotEnabled, PasswordTooShort, SchemaError
from hexclave_server.passwords.breached import is_common

MIN_LENGTH = 8
MAX_LENGTH = 70
"""In UTF-16 code units, as the wire counts; a longer one does not fit the schema."""

_COMMON = (
    "This password is one of those that everybody knows and attackers try first. Choose another one, for example several random words."
)


def require_password_sign_in(config: Mapping[str, Any]) -> None:
    """Raises PasswordAuthenticationNotEnabled unless the project lets users sign in with passwords."""
    if config["auth"]["password"]["allowSignIn"] is not True:
        raise PasswordAuthenticationNotEnabled


def require_long_enough(password: str) -> None:
    """Raises PasswordTooShort for a new password of fewer than eight UTF-16 code units."""
    if utf16_length(password) < MIN_LENGTH:
        raise PasswordTooShort(min_length=MIN_LENGTH)


def require_good_password(password: str, config: Mapping[str, Any]) -> None:
    """What a user of a project with this configuration may choose as his password.

    Raises PasswordTooShort; where the project refuses common passwords (`auth.password.refuseBreached`) SchemaError, whose text SDKs show.
    """
    require_long_enough(password)
    if config["auth"]["password"].get("refuseBreached") is True and is_common(password):
        raise SchemaError(text=_COMMON)
