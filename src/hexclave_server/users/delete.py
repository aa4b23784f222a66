"""Deleting a user takes everything that is his along, mostly by the foreign keys; his teams stay (contract 05 §2.7)."""

from __future__ import annotations

from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import UserNotFound
from hexclave_server.users import queries
from hexclave_server.verification_codes.service import forget_user


async def delete_user(conn: Connection, tenancy: Tenancy, user_id: str) -> None:
    """Deletes the user with channels, accounts, sessions, one-time codes, memberships and grants. Raises UserNotFound."""
    if await conn.execute(queries.DELETE_USER, tenancy_id=tenancy.id, user_id=user_id) == 0:
        raise UserNotFound
    await forget_user(conn, tenancy, user_id)
