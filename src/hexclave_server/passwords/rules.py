"""What a new password must be, and whether a project has passwords at all (contract 02 §1.2, §2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.core.constraints import utf16_length
from hexclave_server.core.known_errors import PasswordAuthenticationNotEnabled, PasswordTooShort

MIN_LENGTH = 8
MAX_LENGTH = 70
"""In UTF-16 code units, as the wire counts; a longer one does not fit the schema."""


def require_password_sign_in(config: Mapping[str, Any]) -> None:
    """Raises PasswordAuthenticationNotEnabled unless the project lets users sign in with passwords."""
    if config["auth"]["password"]["allowSignIn"] is not True:
        raise PasswordAuthenticationNotEnabled


def require_long_enough(password: str) -> None:
    """Raises PasswordTooShort for a new password of fewer than eight UTF-16 code units."""
    if utf16_length(password) < MIN_LENGTH:
        raise PasswordTooShort(min_length=MIN_LENGTH)
