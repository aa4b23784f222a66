"""Authorization codes: what an application exchanges for the tokens of whoever signed in (contract 03 §3 step 12, §5.2, §6).

A code is good once, for five minutes, for the client, redirect URI and PKCE challenge that it was made for. Kept as a hash; used ones are
kept for a day, so that a second use is seen for what it is. Knows nothing of sessions, so that whatever ends them may void codes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import DecryptionFailed, Keyring, hash_secret
from hexclave_server.core.db import Connection
from hexclave_server.oauth import code_queries as queries
from hexclave_server.oauth.code_queries import CodeRow

LIFETIME_MILLIS = 5 * 60 * 1000
KEPT_AFTER_EXPIRY_MILLIS = 24 * 60 * 60 * 1000
UNUSED_LOOKED_FOR_MILLIS = 60 * 60 * 1000
"""Some times the interval of purges."""
_PURPOSE = "oauth-code"
_ARRIVAL = "oauth-arrival"


async def issue_code(
    conn: Connection,
    keyring: Keyring,
    tenancy: Tenancy,
    *,
    user_id: str,
    redirect_uri: str,
    code_challenge: str,
    after_callback_redirect_url: str | None,
    is_new_user: bool = False,
    refresh_token: str | None = None,
    arrival: bytes | None = None,
) -> str:
    """A new code of 64 hexadecimal digits. Part of the caller's transaction.

    Kept encrypted: `refresh_token` of the session that it hands on; `arrival`, what is to be done when it is exchanged.
    """
    code = randomness.token_bytes(32).hex()
    code_hash = hash_secret(code)

    def seal(text: bytes | None, purpose: str) -> str | None:
        return None if text is None else keyring.encrypt(text, purpose=purpose, tenancy_id=tenancy.id, row_id=code_hash)

    now = clock.now_millis()
    await conn.execute(
        queries.INSERT_CODE,
        tenancy_id=tenancy.id,
        code_hash=code_hash,
        user_id=user_id,
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        is_new_user=is_new_user,
        after_callback_redirect_url=after_callback_redirect_url,
        sealed_refresh_token=seal(None if refresh_token is None else refresh_token.encode(), _PURPOSE),
        sealed_arrival=seal(arrival, _ARRIVAL),
        now=now,
        expires_at=now + LIFETIME_MILLIS,
    )
    return code


async def find_code(conn: Connection, tenancy: Tenancy, code: str) -> CodeRow | None:
    """The code as stored, also a used or expired one; None for one that the tenancy never had."""
    return await conn.first(CodeRow, queries.FIND_CODE, tenancy_id=tenancy.id, code_hash=hash_secret(code))


async def use_up_code(conn: Connection, tenancy: Tenancy, code: str) -> bool:
    """Whether the code was good until now; it is not any more."""
    used = await conn.execute(queries.USE_UP_CODE, tenancy_id=tenancy.id, code_hash=hash_secret(code), now=clock.now_millis())
    return used == 1


async def note_session(conn: Connection, tenancy: Tenancy, code: str, session_id: str) -> None:
    """Remembers the session that came of the code: a second use ends it."""
    await conn.execute(queries.NOTE_SESSION, tenancy_id=tenancy.id, code_hash=hash_secret(code), session_id=session_id)


async def void_codes_of(conn: Connection, tenancy: Tenancy, user_id: str) -> None:
    """Voids all codes of the user that nobody has exchanged: with his sessions, all that could become one of them ends."""
    await conn.execute(queries.VOID_OF_USER, tenancy_id=tenancy.id, user_id=user_id)


def open_refresh_token(keyring: Keyring, tenancy: Tenancy, code: str, row: CodeRow) -> str | None:
    """The refresh token that the code hands on; None when it hands on none, or it can no longer be read."""
    opened = _open(keyring, tenancy, code, row.sealed_refresh_token, _PURPOSE)
    return None if opened is None else opened.decode()


def open_arrival(keyring: Keyring, tenancy: Tenancy, code: str, row: CodeRow) -> bytes | None:
    """What is to be done when the code is exchanged; None when it can no longer be read."""
    return _open(keyring, tenancy, code, row.sealed_arrival, _ARRIVAL)


def _open(keyring: Keyring, tenancy: Tenancy, code: str, sealed: str | None, purpose: str) -> bytes | None:
    if sealed is None:
        return None
    try:
        return keyring.decrypt(sealed, purpose=purpose, tenancy_id=tenancy.id, row_id=hash_secret(code))
    except DecryptionFailed:
        return None


def verifier_fits(code_verifier: str | None, code_challenge: str) -> bool:
    """Whether this is the secret behind the challenge (RFC 7636 §4.6, method S256). Without a verifier nothing fits."""
    if not code_verifier:
        return False
    digest = hashlib.sha256(code_verifier.encode("utf-8", "surrogatepass")).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(computed, code_challenge.encode("utf-8", "surrogatepass"))


async def purge(conn: Connection) -> int:
    """Deletes up to 1,000 codes that expired a day ago, and unused ones once they are over, and says how many they were.

    What waits in a code that nobody will exchange is of no use to anybody. `conn` is a write transaction.
    """
    now = clock.now_millis()
    return await conn.execute(queries.PURGE_CODES, before=now - KEPT_AFTER_EXPIRY_MILLIS, recently=now - UNUSED_LOOKED_FOR_MILLIS, now=now)
