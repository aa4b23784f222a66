"""What other features do with passkeys."""

from __future__ import annotations

from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.passkeys import queries


async def delete_passkeys(conn: Connection, tenancy: Tenancy, user_id: str) -> int:
    """Deletes all passkeys of the user, and says how many there were. Part of the transaction that holds his row."""
    return await conn.execute(queries.DELETE_OF_USER, tenancy_id=tenancy.id, user_id=user_id)
