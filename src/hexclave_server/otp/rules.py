"""Who may sign in, or up, with a code sent to an address (contract 02 §3.1 steps 1 and 2): asked when it is sent, and when it is brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.contact_channels.service import NormalEmail, SignInChannel
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import UserEmailAlreadyExists
from hexclave_server.users.sign_up import require_sign_up_enabled


def require_codes_enabled(config: Mapping[str, Any]) -> None:
    """Raises PlainError 403 unless the project lets users sign in with codes."""
    if config["auth"]["otp"]["allowSignIn"] is not True:
        raise PlainError(403, "Sign-in by a code sent by email is not enabled for this project.")


def require_admitted(address: NormalEmail, channel: SignInChannel | None, config: Mapping[str, Any]) -> None:
    """Whether whoever reads mail at the address gets in: `channel` is that of the user who signs in with it, None when nobody does.

    Raises UserEmailAlreadyExists for an address that its user never verified, since he may be somebody else than its reader;
    SignUpNotEnabled for one that nobody has where the project takes no new accounts.
    """
    if channel is None:
        require_sign_up_enabled(config)
    elif not channel.is_verified:
        raise UserEmailAlreadyExists(email=address, would_work_if_email_was_verified=True)
