"""Sessions: started, used and ended (contract 01 §2 to §7).

A refresh token is good as long as its row is there and has not expired; nothing rotates it. Whatever ends a session deletes the row, and
using one is a conditional write on that row, so that a refresh that loses against a sign-out changes nothing and gets no token.
"""

from __future__ import annotations

from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.sessions import queries


async def end_all_sessions(conn: Connection, tenancy: Tenancy, user_id: str, except_refresh_token_hash: str | None = None) -> int:
    """Ends all sessions of a user, except the one whose refresh token has this hash; how many ended. Part of the caller's transaction."""
    if except_refresh_token_hash is None:
        return await conn.execute(queries.END_ALL, tenancy_id=tenancy.id, user_id=user_id)
    return await conn.execute(queries.END_ALL_BUT_ONE, tenancy_id=tenancy.id, user_id=user_id, kept_hash=except_refresh_token_hash)
