"""Key sets of a project: up to three keys that prove client, server or admin access (contract 04 §6).

A key is shown once, when it is made; kept are its hash and its last four characters. Every change tells the caches.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import KeyKind, Tenancy
from hexclave_server.core.crypto import hash_secret
from hexclave_server.core.db import Connection, bump_generation
from hexclave_server.core.known_errors import ApiKeyNotFound
from hexclave_server.projects import queries
from hexclave_server.projects.queries import KeySetRow

FAR_FUTURE = 4_102_444_799_000
"""2099-12-31T23:59:59Z, when the key sets of deployments expire (contract 04 §1)."""

_PREFIXES = {KeyKind.PUBLISHABLE_CLIENT: "pck_", KeyKind.SECRET_SERVER: "ssk_", KeyKind.SUPER_SECRET_ADMIN: "sak_"}
_LATEST = 8_640_000_000_000_000  # the last millisecond that a JavaScript date can hold


class NewKeySet(msgspec.Struct, frozen=True):
    """A key set just made, with the only copy of its keys; times in epoch milliseconds."""

    id: str
    description: str
    created_at: int
    expires_at: int
    keys: dict[KeyKind, str]


async def create_key_set(conn: Connection, tenancy: Tenancy, description: str, expires_at: float, kinds: set[KeyKind]) -> NewKeySet:
    """Makes a set with fresh keys of these kinds. Part of a write transaction."""
    keys = {kind: prefix + randomness.new_token() for kind, prefix in _PREFIXES.items() if kind in kinds}
    expiry = round(max(-_LATEST, min(_LATEST, expires_at)))
    return await _store(conn, tenancy, NewKeySet(randomness.new_uuid(), description, clock.now_millis(), expiry, keys))


async def list_key_sets(conn: Connection, tenancy: Tenancy) -> list[KeySetRow]:
    """All key sets of the project, newest first, also revoked and expired ones."""
    return await conn.all(KeySetRow, queries.LIST_KEY_SETS, tenancy_id=tenancy.id)


async def get_key_set(conn: Connection, tenancy: Tenancy, key_set_id: str) -> KeySetRow:
    """One key set. Raises ApiKeyNotFound."""
    row = await conn.first(KeySetRow, queries.FIND_KEY_SET, tenancy_id=tenancy.id, key_set_id=key_set_id)
    if row is None:
        raise ApiKeyNotFound
    return row


async def revoke_key_set(conn: Connection, tenancy: Tenancy, key_set_id: str) -> None:
    """Ends the set's keys at once; again refreshes the time. Raises ApiKeyNotFound. Part of a write transaction."""
    if not await conn.execute(queries.REVOKE_KEY_SET, tenancy_id=tenancy.id, key_set_id=key_set_id, now=clock.now_millis()):
        raise ApiKeyNotFound
    await bump_generation(conn)


async def describe_key_set(conn: Connection, tenancy: Tenancy, key_set_id: str, description: str) -> None:
    """Changes the description. Raises ApiKeyNotFound. Part of a write transaction."""
    if not await conn.execute(queries.DESCRIBE_KEY_SET, tenancy_id=tenancy.id, key_set_id=key_set_id, new_description=description):
        raise ApiKeyNotFound


async def seed_key_set(conn: Connection, tenancy: Tenancy, keys: dict[KeyKind, str]) -> bool:
    """Brings the one key set made from settings in line with them; whether anything changed. Part of a write transaction.

    A changed key replaces the former one, a key no longer given stays; a set that was revoked stays so until a key changes.
    """
    former = await conn.first(queries.SeededKeySetRow, queries.FIND_SEEDED_KEY_SET, tenancy_id=tenancy.id)
    hashes = {kind: hash_secret(key) for kind, key in keys.items()}
    if all(former is not None and getattr(former, f"{kind}_hash") == key_hash for kind, key_hash in hashes.items()):
        return False
    values: dict[KeyKind, tuple[str | None, str | None]] = {kind: (hashes[kind], key[-4:]) for kind, key in keys.items()}
    if former is not None:
        await conn.execute(queries.DELETE_KEY_SET, tenancy_id=tenancy.id, key_set_id=former.id)
        if former.revoked_at is None:
            kept = {kind: (getattr(former, f"{kind}_hash"), getattr(former, f"{kind}_last_four")) for kind in KeyKind}
            values = {**kept, **values}
    await _insert(conn, tenancy, randomness.new_uuid(), "Made from the settings of this deployment", FAR_FUTURE, values, is_seeded=True)
    return True


async def _store(conn: Connection, tenancy: Tenancy, key_set: NewKeySet) -> NewKeySet:
    values = {kind: (hash_secret(key), key[-4:]) for kind, key in key_set.keys.items()}
    await _insert(conn, tenancy, key_set.id, key_set.description, key_set.expires_at, values, is_seeded=False, now=key_set.created_at)
    return key_set


async def _insert(
    conn: Connection,
    tenancy: Tenancy,
    key_set_id: str,
    description: str,
    expires_at: int,
    values: Mapping[KeyKind, tuple[str | None, str | None]],
    *,
    is_seeded: bool,
    now: int | None = None,
) -> None:
    hashes = {f"{kind}_hash": values.get(kind, (None, None))[0] for kind in KeyKind}
    endings = {f"{kind}_last_four": values.get(kind, (None, None))[1] for kind in KeyKind}
    await conn.execute(
        queries.CREATE_KEY_SET,
        tenancy_id=tenancy.id,
        id=key_set_id,
        description=description,
        is_seeded=is_seeded,
        created_at=clock.now_millis() if now is None else now,
        expires_at=expires_at,
        **hashes,
        **endings,
    )
    await bump_generation(conn)
