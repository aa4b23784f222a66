"""Grants of default permissions, inside the transaction that makes the user, the team or the membership (contract 06 §1)."""

from __future__ import annotations

from hexclave_server.core.context import Project, Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.permissions import queries
from hexclave_server.permissions.defaults import DefaultKind, default_permission_ids

__all__ = ["DefaultKind", "grant_sign_up_defaults", "grant_team_defaults", "grant_team_permission"]


async def grant_sign_up_defaults(conn: Connection, project: Project, user_id: str, *, now: int) -> None:
    """Grants a new user the project permissions of `rbac.defaultPermissions.signUp`."""
    for permission_id in default_permission_ids(project.config, DefaultKind.SIGN_UP):
        await conn.execute(
            queries.GRANT_PROJECT_PERMISSION, tenancy_id=project.tenancy.id, user_id=user_id, permission_id=permission_id, now=now
        )


async def grant_team_defaults(conn: Connection, project: Project, kind: DefaultKind, team_id: str, user_id: str, *, now: int) -> None:
    """Grants a new member of a team the permissions of `teamCreator` or `teamMember`."""
    for permission_id in default_permission_ids(project.config, kind):
        await conn.execute(
            queries.GRANT_TEAM_PERMISSION,
            tenancy_id=project.tenancy.id,
            team_id=team_id,
            user_id=user_id,
            permission_id=permission_id,
            now=now,
        )


async def grant_team_permission(conn: Connection, tenancy: Tenancy, team_id: str, user_id: str, permission_id: str, *, now: int) -> None:
    """Grants a member of a team one permission; nothing changes where he has it."""
    await conn.execute(
        queries.GRANT_TEAM_PERMISSION, tenancy_id=tenancy.id, team_id=team_id, user_id=user_id, permission_id=permission_id, now=now
    )
