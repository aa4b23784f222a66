"""What other features do with second factors: whoever changes one ends what was begun or printed under the former."""

from __future__ import annotations

from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.mfa import queries
from hexclave_server.verification_codes.service import CodeKind, void_codes


async def end_attempts(conn: Connection, tenancy: Tenancy, user_id: str) -> None:
    """Ends the sign-ins of the user that wait for his second factor, since it or what he began them with changed.

    Part of the transaction that holds his row.
    """
    await void_codes(conn, tenancy, CodeKind.MFA_ATTEMPT, user_id)


async def delete_recovery_codes(conn: Connection, tenancy: Tenancy, user_id: str) -> None:
    """Voids all recovery codes of the user, since he has no second factor any more. Part of the transaction that holds his row."""
    await conn.execute(queries.DELETE_ALL, tenancy_id=tenancy.id, user_id=user_id)
