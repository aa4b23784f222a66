"""One-time codes are created here, in the transaction of whatever asks for one; only their keyed hashes are kept (contract 02 §1.4)."""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.verification_codes import queries

SHORT_PART = 6
"""How many characters of a code may be shown apart from the rest, the nonce."""


class CodeKind(enum.Enum):
    """What a code is for, with its lifetime in milliseconds. A code of another kind does not exist (contract 02 §1.4)."""

    MFA_ATTEMPT = ("mfa-attempt", 300_000)

    def __init__(self, stored: str, lifetime_millis: int) -> None:
        self.stored = stored
        self.lifetime_millis = lifetime_millis


async def create_code(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, kind: CodeKind, *, user_id: str | None, payload: Any = None
) -> str:
    """A new code of 45 characters, which is nowhere else. Part of the caller's transaction. `payload` is any JSON value or None."""
    code = randomness.new_token()
    now = clock.now_millis()
    await conn.execute(
        queries.CREATE,
        tenancy_id=tenancy.id,
        kind=kind.stored,
        nonce_hash=hash_nonce(keyring, kind, code),
        code_hash=hash_code(keyring, kind, code),
        user_id=user_id,
        payload=None if payload is None else msgspec.json.encode(payload).decode(),
        now=now,
        expires_at=now + kind.lifetime_millis,
    )
    return code


def hash_nonce(keyring: Keyring, kind: CodeKind, code: str) -> str:
    """The keyed hash of a code's characters 7 to 45, in lower case; a row has it as its name."""
    return keyring.hmac(f"code-nonce:{kind.stored}", code[SHORT_PART:].lower())


def hash_code(keyring: Keyring, kind: CodeKind, code: str) -> str:
    """The keyed hash of a whole code, in lower case."""
    return keyring.hmac(f"code:{kind.stored}", code.lower())
