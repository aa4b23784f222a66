"""Teams as the foundation needs them: made with a creator, joined, and the personal team of a new user (contract 06 §2.3, §2.6, §3.1).

Every function runs on the connection of the caller's transaction, so that a user and his team appear together or not at all.
"""

from __future__ import annotations

import msgspec

from hexclave_server.core import randomness
from hexclave_server.core.context import Project, Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.permissions import service as permissions
from hexclave_server.teams import queries

DEFAULT_PERSONAL_TEAM_NAME = "Personal Team"


class _TeamId(msgspec.Struct, frozen=True):
    team_id: str


def personal_team_name(display_name: str | None, primary_email: str | None) -> str:
    """The name of a personal team: after the display name, else the primary email, else the fixed default (contract 06 §2.6)."""
    owner = display_name or primary_email
    return f"{owner}'s Team" if owner else DEFAULT_PERSONAL_TEAM_NAME


async def create_team(conn: Connection, project: Project, display_name: str, *, creator_user_id: str | None, now: int) -> str:
    """Creates a team and, with a creator, his membership and the `teamCreator` permissions; returns the team's id.

    Raises ForeignKeyViolation when the creator does not exist.
    """
    team_id = randomness.new_uuid()
    await conn.execute(
        queries.INSERT_TEAM,
        tenancy_id=project.tenancy.id,
        team_id=team_id,
        display_name=display_name,
        display_name_folded=display_name.casefold(),
        now=now,
    )
    if creator_user_id is not None:
        await _join(conn, project, team_id, creator_user_id, permissions.DefaultKind.TEAM_CREATOR, now)
    return team_id


async def add_membership(conn: Connection, project: Project, team_id: str, user_id: str, *, now: int) -> bool:
    """Makes the user a member with the `teamMember` permissions; False, and nothing changed, when he is one already.

    Raises ForeignKeyViolation when the team or the user does not exist.
    """
    return await _join(conn, project, team_id, user_id, permissions.DefaultKind.TEAM_MEMBER, now)


async def _join(conn: Connection, project: Project, team_id: str, user_id: str, kind: permissions.DefaultKind, now: int) -> bool:
    joined = await conn.execute(queries.INSERT_MEMBERSHIP, tenancy_id=project.tenancy.id, team_id=team_id, user_id=user_id, now=now)
    if joined:
        await permissions.grant_team_defaults(conn, project, kind, team_id, user_id, now=now)
    return joined == 1


async def is_member(conn: Connection, tenancy: Tenancy, team_id: str, user_id: str) -> bool:
    """Whether the user is a member of the team."""
    found = await conn.value(queries.FIND_MEMBERSHIP, tenancy_id=tenancy.id, team_id=team_id, user_id=user_id)
    return found is not None


async def has_members(conn: Connection, tenancy: Tenancy, team_id: str) -> bool:
    """Whether anybody is a member of the team."""
    return await conn.value(queries.FIND_ANY_MEMBER, tenancy_id=tenancy.id, team_id=team_id) is not None


async def list_team_ids(conn: Connection, tenancy: Tenancy, user_id: str) -> list[str]:
    """The ids of the teams that the user is a member of."""
    rows = await conn.all(_TeamId, queries.LIST_TEAM_IDS_OF_MEMBER, tenancy_id=tenancy.id, user_id=user_id)
    return [row.team_id for row in rows]


async def rename_personal_teams(conn: Connection, tenancy: Tenancy, user_id: str, name: str) -> None:
    """Renames the user's teams that still have exactly the default personal-team name (contract 05 §1.7)."""
    await conn.execute(
        queries.RENAME_TEAMS_OF_MEMBER,
        tenancy_id=tenancy.id,
        user_id=user_id,
        former_name=DEFAULT_PERSONAL_TEAM_NAME,
        name=name,
        name_folded=name.casefold(),
    )
