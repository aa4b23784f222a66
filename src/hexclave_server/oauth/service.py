"""Accounts at OAuth providers that a server links to a user it creates (contract 05 §1.9)."""

from __future__ import annotations

from hexclave_server.core import randomness
from hexclave_server.core.context import Project
from hexclave_server.core.db import Connection
from hexclave_server.oauth import queries
from hexclave_server.oauth.provider_config import issuer_of


async def link_account(
    conn: Connection, project: Project, user_id: str, *, provider_id: str, account_id: str, email: str | None, now: int
) -> bool:
    """Links an account for sign-in and as connected account; False when it is somebody's sign-in account already."""
    added = await conn.execute(
        queries.INSERT_ACCOUNT,
        tenancy_id=project.tenancy.id,
        id=randomness.new_uuid(),
        user_id=user_id,
        provider_id=provider_id,
        account_id=account_id,
        issuer=issuer_of(project, provider_id),
        email=email,
        now=now,
    )
    return added == 1
