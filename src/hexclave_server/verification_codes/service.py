"""One-time codes: created, tried, used up (contract 02 §1.4).

Only keyed hashes are kept. A try is counted before anything is decided, in a transaction that no error rolls back; a code is used up by one
conditional write, before whatever it permits is done, so that of two who bring it at once one comes too late.
"""

from __future__ import annotations

import enum
import hmac
from typing import Any

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Access, Call, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import KnownError
from hexclave_server.core.known_errors import (
    VerificationCodeAlreadyUsed,
    VerificationCodeExpired,
    VerificationCodeMaxAttemptsReached,
    VerificationCodeNotFound,
)
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS, Subject
from hexclave_server.verification_codes import queries
from hexclave_server.verification_codes.tables import UNSUBSCRIBE_LINK

CODE_ERRORS = (VerificationCodeNotFound, VerificationCodeExpired, VerificationCodeAlreadyUsed, VerificationCodeMaxAttemptsReached)
"""What `try_code` and `redeem_code` raise, in this order."""
SHORT_PART = 6
"""How many characters of a code may be shown apart from the rest, the nonce."""
MAX_ATTEMPTS = 20
"""How often a nonce may be tried, rightly or wrongly; the next try fails whatever it brings."""

_MINUTE = 60_000
_WEEK = 7 * 24 * 60 * _MINUTE
KEPT_AFTER_EXPIRY_MILLIS = _WEEK
"""For so long an outdated code is told apart from one that never was."""


class CodeKind(enum.Enum):
    """What a code is for, with its lifetime in milliseconds. A code of another kind does not exist (contract 02 §1.4)."""

    SIGN_IN = ("sign-in", _WEEK)
    PASSWORD_RESET = ("password-reset", _WEEK)
    CONTACT_CHANNEL = ("contact-channel", _WEEK)
    MFA_ATTEMPT = ("mfa-attempt", 5 * _MINUTE)
    PASSKEY_REGISTRATION = ("passkey-registration", 65_000)
    PASSKEY_SIGN_IN = ("passkey-sign-in", 65_000)
    UNSUBSCRIBE = (UNSUBSCRIBE_LINK, 30 * 24 * 60 * _MINUTE)

    def __init__(self, stored: str, lifetime_millis: int) -> None:
        self.stored = stored
        self.lifetime_millis = lifetime_millis


class Code(msgspec.Struct, frozen=True):
    """What a good code stands for: the user and the payload it was created with."""

    kind: CodeKind
    user_id: str | None
    payload: Any
    nonce_hash: str
    code_hash: str


class _Row(msgspec.Struct, frozen=True):
    code_hash: str
    user_id: str | None
    payload: str | None
    attempts: int
    expires_at: int
    used_at: int | None


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


async def try_code(call: Call, kind: CodeKind, code: str) -> Code:
    """Counts a try at a code and says what it stands for; the code stays as it is.

    Raises VerificationCodeNotFound, -Expired, -AlreadyUsed, -MaxAttemptsReached, in this order; RateLimited in place of the first when too
    many codes from this client address were wrong.
    """
    return await _try(call, kind, code, uses_up=False)


async def redeem_code(call: Call, kind: CodeKind, code: str) -> Code:
    """Counts a try at a code and uses it up, in one transaction of its own: what it permits comes after. Raises as `try_code` does."""
    return await _try(call, kind, code, uses_up=True)


async def find_payload(conn: Connection, keyring: Keyring, tenancy: Tenancy, kind: CodeKind, code: str) -> Any:
    """The payload of the code with this nonce, whether or not its first six characters are right; None when there is none.

    Counts nothing and proves nothing: it says under whose name a try is to be counted, before `try_code` or `redeem_code`.
    """
    payload: str | None = await conn.value(
        queries.FIND_PAYLOAD, tenancy_id=tenancy.id, kind=kind.stored, nonce_hash=hash_nonce(keyring, kind, code)
    )
    return None if payload is None else msgspec.json.decode(payload)


async def find_tenancy_of_link(conn: Connection, keyring: Keyring, code: str) -> str | None:
    """The id of the tenancy that an unsubscribe code with this nonce belongs to, or None: such a link carries nothing but its code.

    Counts nothing and proves nothing, as `find_payload` does.
    """
    tenancy_id: str | None = await conn.value(queries.FIND_TENANCY_OF_LINK, nonce_hash=hash_nonce(keyring, CodeKind.UNSUBSCRIBE, code))
    return tenancy_id


async def use_up(conn: Connection, tenancy: Tenancy, code: Code) -> None:
    """Uses up a code that was tried, as part of the caller's transaction.

    Raises VerificationCodeAlreadyUsed for whoever comes too late.
    """
    if not await _redeem(conn, tenancy, code):
        raise VerificationCodeAlreadyUsed


async def give_back(conn: Connection, tenancy: Tenancy, code: Code) -> None:
    """Makes a code that this request redeemed good again, since the server was too busy to do what it permits. Its tries stay counted."""
    await conn.execute(queries.GIVE_BACK, tenancy_id=tenancy.id, kind=code.kind.stored, nonce_hash=code.nonce_hash)


async def void_codes(conn: Connection, tenancy: Tenancy, kind: CodeKind, user_id: str) -> None:
    """Ends all codes of a kind that a user has. Part of the caller's transaction."""
    await conn.execute(queries.VOID_OF_USER, tenancy_id=tenancy.id, kind=kind.stored, user_id=user_id)


async def forget_user(conn: Connection, tenancy: Tenancy, user_id: str) -> None:
    """Ends all codes of a user who is being deleted; part of that transaction.

    Of one that resets his password the code alone stays, without payload, so that it can be answered that the user is gone (contract 02 §2.4).
    """
    kept = CodeKind.PASSWORD_RESET.stored
    await conn.execute(queries.DELETE_OF_USER_BUT_ONE_KIND, tenancy_id=tenancy.id, user_id=user_id, kept_kind=kept)
    await conn.execute(queries.EMPTY_OF_USER, tenancy_id=tenancy.id, user_id=user_id)


async def purge(conn: Connection) -> int:
    """Deletes up to 1,000 codes that expired a week ago, and says how many they were; `conn` is a write transaction."""
    return await conn.execute(queries.PURGE, before=clock.now_millis() - KEPT_AFTER_EXPIRY_MILLIS)


async def _try(call: Call, kind: CodeKind, text: str, *, uses_up: bool) -> Code:
    tenancy, keyring = call.tenancy, call.parts.keyring
    nonce_hash, code_hash = hash_nonce(keyring, kind, text), hash_code(keyring, kind, text)

    async def count(conn: Connection) -> Code | KnownError:
        row = await conn.first(_Row, queries.COUNT_ATTEMPT, tenancy_id=tenancy.id, kind=kind.stored, nonce_hash=nonce_hash)
        defect = _defect(row, code_hash, clock.now_millis())
        if row is None or defect is not None:
            return defect or VerificationCodeNotFound()
        code = Code(kind, row.user_id, None if row.payload is None else msgspec.json.decode(row.payload), nonce_hash, code_hash)
        if uses_up and not await _redeem(conn, tenancy, code):
            return VerificationCodeAlreadyUsed()
        return code

    outcome = await call.db.write(count)  # an error is returned, not raised: the count stays
    if isinstance(outcome, Code):
        return outcome
    if isinstance(outcome, VerificationCodeNotFound) and call.access is Access.CLIENT:
        await call.parts.throttles.count_failure(call.db, tenancy.id, wrong_codes_of(call))
    raise outcome


def wrong_codes_of(call: Call) -> Subject:
    """Under whom wrong codes of this call are counted."""
    return WRONG_TOKENS_BY_ADDRESS.of(call.request.address)


def _defect(row: _Row | None, code_hash: str, now: int) -> KnownError | None:
    """Why a code is not good, in the order of contract 02 §1.4; the try at hand is counted in `attempts` already."""
    if row is None or not hmac.compare_digest(row.code_hash, code_hash):
        return VerificationCodeNotFound()
    if row.expires_at <= now:
        return VerificationCodeExpired()
    if row.used_at is not None:
        return VerificationCodeAlreadyUsed()
    return VerificationCodeMaxAttemptsReached() if row.attempts > MAX_ATTEMPTS else None


async def _redeem(conn: Connection, tenancy: Tenancy, code: Code) -> bool:
    redeemed = await conn.execute(
        queries.REDEEM,
        tenancy_id=tenancy.id,
        kind=code.kind.stored,
        nonce_hash=code.nonce_hash,
        code_hash=code.code_hash,
        now=clock.now_millis(),
    )
    return redeemed == 1


def hash_nonce(keyring: Keyring, kind: CodeKind, code: str) -> str:
    """The keyed hash of a code's characters 7 to 45, in lower case; a row has it as its name."""
    return keyring.hmac(f"code-nonce:{kind.stored}", code[SHORT_PART:].lower())


def hash_code(keyring: Keyring, kind: CodeKind, code: str) -> str:
    """The keyed hash of a whole code, in lower case."""
    return keyring.hmac(f"code:{kind.stored}", code.lower())
