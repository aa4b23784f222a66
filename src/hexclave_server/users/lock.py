"""The row of a user as the lock of everything that is his: what is decided on his channels or factors holds until the transaction ends."""

from __future__ import annotations

from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.users import queries


async def lock_user(conn: Connection, tenancy: Tenancy, user_id: str) -> bool:
    """Holds the user's row until the caller's transaction ends; False when there is no such user."""
    return await conn.value(queries.LOCK_USER, tenancy_id=tenancy.id, user_id=user_id) is not None
