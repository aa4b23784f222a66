"""Projects: created with everything they need in one transaction, read and changed (contract 04 §3, §4); deletion.py deletes them.

A project without its tenancy, overrides or signing keys never exists. Every change tells the caches of all processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hexclave_server.config import service as configs
from hexclave_server.config.service import Level
from hexclave_server.core import clock, randomness
from hexclave_server.core.context import INTERNAL_PROJECT_ID, MAIN_BRANCH, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection, bump_generation
from hexclave_server.projects import queries
from hexclave_server.projects.deletion import delete_project
from hexclave_server.projects.directory import load_project
from hexclave_server.projects.queries import ProjectRow
from hexclave_server.sessions.signing_keys import create_signing_keys

DEFAULT_ONBOARDING_STATUS = "completed"


async def create_project(
    conn: Connection,
    keyring: Keyring,
    *,
    display_name: str,
    owner_team_id: str | None,
    overrides: Mapping[str, Any],
    fields: Mapping[str, Any] | None = None,
    project_id: str | None = None,
) -> tuple[ProjectRow, Tenancy] | None:
    """Creates a project with tenancy, environment override and signing keys; None when `project_id` is taken.

    `overrides` win over what a new project gets anyhow; for `internal` they are all it gets. `fields` are further columns of `ProjectRow`.
    Raises ConfigInvalid. Part of a write transaction.
    """
    row = msgspec.structs.replace(_blank(project_id or randomness.new_uuid(), display_name, owner_team_id), **(fields or {}))
    if not await conn.execute(queries.CREATE_PROJECT, **msgspec.structs.asdict(row)):
        return None
    tenancy = Tenancy(randomness.new_uuid(), row.id, MAIN_BRANCH)
    await conn.execute(queries.CREATE_TENANCY, tenancy_id=tenancy.id, project_id=row.id, branch_id=MAIN_BRANCH)
    given = {} if row.id == INTERNAL_PROJECT_ID else configs.new_project_overrides()
    await configs.replace_override(conn, keyring, tenancy, Level.ENVIRONMENT, configs.merge(given, overrides))
    await create_signing_keys(conn, keyring, tenancy)
    await bump_generation(conn)
    return row, tenancy


def _blank(project_id: str, display_name: str, owner_team_id: str | None) -> ProjectRow:
    return ProjectRow(
        id=project_id,
        display_name=display_name,
        description="",
        logo_url=None,
        logo_full_url=None,
        logo_dark_mode_url=None,
        logo_full_dark_mode_url=None,
        is_production_mode=False,
        is_development_environment=False,
        onboarding_status=DEFAULT_ONBOARDING_STATUS,
        onboarding_state=None,
        owner_team_id=owner_team_id,
        created_at=clock.now_millis(),
    )


async def find_project_row(conn: Connection, project_id: str) -> ProjectRow | None:
    """The project without its configuration; None when it is gone."""
    return await conn.first(ProjectRow, queries.FIND_PROJECT, project_id=project_id)


async def find_tenancy(conn: Connection, tenancy_id: str) -> Tenancy | None:
    """The tenancy with this id, for work that comes without a request; of a deleted project it is one that no project has any more."""
    return await conn.first(Tenancy, queries.FIND_TENANCY_BY_ID, tenancy_id=tenancy_id)


async def update_project(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, fields: Mapping[str, Any], overrides: Mapping[str, Any]
) -> ProjectRow | None:
    """Changes columns of `ProjectRow` and merges keys into the environment override; the new row, None when the project is gone.

    Raises ConfigInvalid. Part of a write transaction.
    """
    row = await conn.first(ProjectRow, queries.FIND_PROJECT_FOR_UPDATE, project_id=tenancy.project_id)
    if row is None:
        return None
    changed = msgspec.structs.replace(row, **fields)
    if changed != row:
        values = {f"new_{name}": value for name, value in msgspec.structs.asdict(changed).items() if name not in ("id", "created_at")}
        await conn.execute(queries.UPDATE_PROJECT, project_id=row.id, **values)
        await bump_generation(conn)
    if overrides:
        await configs.merge_override(conn, keyring, tenancy, Level.ENVIRONMENT, dict(overrides))
    return changed


async def list_projects_of_teams(conn: Connection, team_ids: list[str]) -> list[ProjectRow]:
    """The projects that these teams of `internal` own, oldest first."""
    return await conn.all(ProjectRow, queries.LIST_PROJECTS_OF_TEAMS, team_ids=team_ids)


async def list_projects(conn: Connection) -> list[ProjectRow]:
    """All projects of the deployment, oldest first."""
    return await conn.all(ProjectRow, queries.LIST_PROJECTS)


__all__ = [
    "ProjectRow",
    "create_project",
    "delete_project",
    "find_project_row",
    "find_tenancy",
    "list_projects",
    "list_projects_of_teams",
    "load_project",
    "update_project",
]
