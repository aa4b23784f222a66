"""Challenges: 32 random bytes, kept with the one-time code that comes back with the answer, which is what makes them good once only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.core import randomness
from hexclave_server.core.context import Call
from hexclave_server.core.known_errors import PasskeyAuthenticationNotEnabled
from hexclave_server.passkeys.client_data import decoded, encoded
from hexclave_server.verification_codes.service import Code, CodeKind, create_code

_BYTES = 32
_MEMBER = "challenge"


def require_passkeys(config: Mapping[str, Any]) -> None:
    """Raises PasskeyAuthenticationNotEnabled unless the project lets users sign in with passkeys."""
    if config["auth"]["passkey"]["allowSignIn"] is not True:
        raise PasskeyAuthenticationNotEnabled


async def new_challenge(call: Call, kind: CodeKind, user_id: str | None) -> tuple[str, str]:
    """A new challenge (base64url) and the code that it is kept with."""
    challenge = encoded(randomness.token_bytes(_BYTES))
    code = await call.db.write(
        lambda conn: create_code(conn, call.parts.keyring, call.tenancy, kind, user_id=user_id, payload={_MEMBER: challenge})
    )
    return challenge, code


def challenge_of(code: Code) -> bytes:
    """The challenge that was kept with the code."""
    return decoded(code.payload[_MEMBER])
