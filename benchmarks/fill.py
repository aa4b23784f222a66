"""Fills a database with users by direct inserts: what a server has after that many sign-ups, in seconds.

Each user gets a primary address and one session. One description of the rows serves both drivers, so both databases hold the same.
"""

import asyncio
import hashlib
import random
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import apsw
import asyncpg

Row = tuple[Any, ...]

USER_COLUMNS = (
    "tenancy_id", "id", "display_name", "display_name_folded", "signed_up_at", "last_active_at", "is_anonymous", "restricted_by_admin",
    "client_metadata", "server_metadata", "password_hash", "otp_auth_enabled", "requires_totp_mfa", "risk_bot", "risk_free_trial_abuse",
)  # fmt: skip
CHANNEL_COLUMNS = ("tenancy_id", "id", "user_id", "type", "value", "is_primary", "is_verified", "used_for_auth", "created_at")
SESSION_COLUMNS = ("tenancy_id", "id", "user_id", "refresh_token_hash", "created_at", "expires_at", "last_used_at", "is_impersonation")
TABLES = {"users": USER_COLUMNS, "contact_channels": CHANNEL_COLUMNS, "sessions": SESSION_COLUMNS}

FIRST_SIGN_UP = 1_700_000_000_000  # ms
EXPIRY = 4_102_444_799_000
CHUNK = 20_000


def user_id(number: int) -> str:
    """The id of the user with this number (from 0); random in appearance, the same in every run."""
    return str(uuid.UUID(int=random.Random(number).getrandbits(128), version=4))


def refresh_token(number: int) -> str:
    """The refresh token of that user's session."""
    return f"{number:045d}"


def email(number: int) -> str:
    """The address that user signs in with."""
    return f"user-{number}@example.com"


def _chunks(tenancy_id: str, first: int, end: int, password_hash: str) -> Iterator[dict[str, list[Row]]]:
    for start in range(first, end, CHUNK):
        users: list[Row] = []
        channels: list[Row] = []
        sessions: list[Row] = []
        for number in range(start, min(start + CHUNK, end)):
            owner, at = user_id(number), FIRST_SIGN_UP + number * 1000
            name = f"Person Number {number}"
            metadata = f'{{"plan":"pro","seat":{number}}}'
            users.append(
                (tenancy_id, owner, name, name.casefold(), at, at, False, False, metadata, metadata, password_hash, False, False, 0, 0)
            )
            channels.append((tenancy_id, str(uuid.UUID(int=number, version=4)), owner, "email", email(number), True, True, True, at))
            token_hash = hashlib.sha256(refresh_token(number).encode()).hexdigest()
            sessions.append((tenancy_id, str(uuid.UUID(int=number, version=4)), owner, token_hash, at, EXPIRY, at, False))
        yield {"users": users, "contact_channels": channels, "sessions": sessions}


def fill_sqlite(path: str, project_id: str, first: int, end: int, password_hash: str) -> None:
    """Adds the users with the numbers from `first` to `end` - 1."""
    connection = apsw.Connection(path)
    connection.execute("pragma synchronous=off")
    tenancy_id = connection.execute("select id from tenancies where project_id = ?", (project_id,)).fetchone()[0]
    for chunk in _chunks(tenancy_id, first, end, password_hash):
        with connection:
            for table, rows in chunk.items():
                columns = TABLES[table]
                marks = ",".join("?" * len(columns))
                connection.executemany(f"insert into {table} ({','.join(columns)}) values ({marks})", rows)
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def fill_postgres(url: str, project_id: str, first: int, end: int, password_hash: str) -> None:
    """Adds the users with the numbers from `first` to `end` - 1."""
    asyncio.run(_fill_postgres(url, project_id, first, end, password_hash))


async def _fill_postgres(url: str, project_id: str, first: int, end: int, password_hash: str) -> None:
    connection = await asyncpg.connect(url)
    tenancy_id = str(await connection.fetchval("select id from tenancies where project_id = $1", project_id))
    for chunk in _chunks(tenancy_id, first, end, password_hash):
        async with connection.transaction():
            for table, rows in chunk.items():
                await connection.copy_records_to_table(table, records=rows, columns=_names(table))
    await connection.execute("vacuum analyze")
    await connection.close()


def _names(table: str) -> Sequence[str]:
    return TABLES[table]


def tenancy_of(database_url: str, project_id: str) -> str:
    """The tenancy of a project; `database_url` is a path for SQLite."""
    if database_url.startswith("postgresql"):
        return asyncio.run(_tenancy_of(database_url, project_id))
    return str(apsw.Connection(database_url).execute("select id from tenancies where project_id = ?", (project_id,)).fetchone()[0])


async def _tenancy_of(url: str, project_id: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("select id from tenancies where project_id = $1", project_id))
    finally:
        await connection.close()
