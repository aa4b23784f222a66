"""Recovery codes: for a user who has lost his authenticator (ours, contract 02 §4).

Shown once, kept as keyed hashes bound to the user, each good for one sign-in: one conditional DELETE uses it up. 50 bits could be searched
for in a stolen table if the hashes had no key.
"""

from __future__ import annotations

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Parts, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.mfa import queries
from hexclave_server.security_notices.service import Event, notify
from hexclave_server.users.second_factor import hold_second_factor

HOW_MANY = 10
_LENGTH = 10
_PURPOSE = "recovery-code"
# What Crockford's base 32 leaves out is read as what it looks like; separators mean nothing.
_AS_READ = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})


def new_recovery_code() -> str:
    """A random code: `xxxxx-xxxxx`, 50 bits."""
    text = randomness.random_text(_LENGTH)
    return f"{text[:5]}-{text[5:]}"


def hash_recovery_code(keyring: Keyring, user_id: str, text: str) -> str:
    """The keyed hash of a user's code, however it was typed: case, hyphens and spaces do not count, nor does O for 0, I or L for 1."""
    return keyring.hmac(_PURPOSE, f"{user_id}\0{text.lower().translate(_AS_READ)}")


async def replace_recovery_codes(parts: Parts, tenancy: Tenancy, user_id: str) -> list[str]:
    """Ten new codes, the only copy of them; the former ones are void. The user gets a notice.

    Raises PlainError 400 when he has no second factor.
    """
    codes = [new_recovery_code() for _ in range(HOW_MANY)]
    hashes = [hash_recovery_code(parts.keyring, user_id, code) for code in codes]

    async def replace(conn: Connection) -> None:
        if await hold_second_factor(conn, tenancy, user_id) is None:
            raise PlainError(400, "There is no second factor that these codes could stand in for. Set up an authenticator app first.")
        await conn.execute(queries.DELETE_ALL, tenancy_id=tenancy.id, user_id=user_id)
        for code_hash in hashes:
            await conn.execute(queries.CREATE, tenancy_id=tenancy.id, user_id=user_id, code_hash=code_hash, now=clock.now_millis())
        await notify(conn, parts, tenancy, user_id, Event.SECOND_FACTOR)

    await parts.db.write(replace)
    parts.outbox.wake()
    return codes


async def use_recovery_code(conn: Connection, keyring: Keyring, tenancy: Tenancy, user_id: str, text: str) -> bool:
    """Uses up one code of the user; False when it is none of his, or was used before. Part of the caller's transaction."""
    code_hash = hash_recovery_code(keyring, user_id, text)
    return await conn.execute(queries.USE, tenancy_id=tenancy.id, user_id=user_id, code_hash=code_hash) == 1


async def count_recovery_codes(conn: Connection, tenancy: Tenancy, user_id: str) -> int:
    """How many codes the user has left."""
    count: int = await conn.value(queries.COUNT, tenancy_id=tenancy.id, user_id=user_id)
    return count
