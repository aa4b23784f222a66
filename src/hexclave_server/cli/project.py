"""`hexclave project create|list|show`."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from hexclave_server.administrators.service import internal_project
from hexclave_server.cli.failures import CommandFailed
from hexclave_server.cli.installation import run_with_parts
from hexclave_server.cli.output import config_option, json_option, show_record, show_rows
from hexclave_server.config import service as configs
from hexclave_server.core.context import Parts, Project
from hexclave_server.core.db import Connection
from hexclave_server.projects import service
from hexclave_server.teams import service as teams

COLUMNS = {"id": "Project id", "display_name": "Name", "owner_team_id": "Owner team", "created_at_millis": "Created"}
SHOWN = ("id", "display_name", "description", "owner_team_id", "is_production_mode", "onboarding_status")


async def get_project(parts: Parts, project_id: str) -> Project:
    """The project with this id. Raises CommandFailed."""
    project = await parts.directory.find_project(project_id.lower())
    if project is None:
        msg = f"There is no project {project_id}. hexclave project list shows all."
        raise CommandFailed(msg)
    return project


@click.group()
def project() -> None:
    """Create projects, list them, show one."""


@project.command("create")
@click.argument("name")
@click.option("--owner-team", help="Id of a team of the project internal that owns it; default: the administrators' team.")
@config_option
@json_option
def create(name: str, owner_team: str | None, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes options so
    """Create a project called NAME. It has no keys yet: hexclave key create makes some."""
    if not name.strip():
        msg = "Give the project a name."
        raise CommandFailed(msg)

    async def work(parts: Parts) -> service.ProjectRow:
        internal = await internal_project(parts)
        owner = owner_team or internal.owner_team_id

        async def insert(conn: Connection) -> service.ProjectRow:
            if owner_team is not None and not await teams.has_members(conn, internal.tenancy, owner_team):
                msg = f"There is no team {owner_team} with a member in the project internal."
                raise CommandFailed(msg)
            made = await service.create_project(conn, parts.keyring, display_name=name, owner_team_id=owner, overrides={})
            assert made is not None  # noqa: S101 - only a given id can be taken
            return made[0]

        return await parts.db.write(insert)

    show_record(_shown(run_with_parts(config_file, work)), as_json=as_json)


@project.command("list")
@config_option
@json_option
def list_(config_file: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List all projects, oldest first."""

    async def work(parts: Parts) -> list[service.ProjectRow]:
        return await service.list_projects(parts.db)

    show_rows([_shown(row) for row in run_with_parts(config_file, work)], as_json=as_json, columns=COLUMNS)


@project.command("show")
@click.argument("project_id")
@config_option
@json_option
def show(project_id: str, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Show the project PROJECT_ID with its configuration."""

    async def work(parts: Parts) -> dict[str, Any]:
        found = await get_project(parts, project_id)
        row = await service.find_project_row(parts.db, found.id)
        assert row is not None  # noqa: S101 - it was there a moment ago
        legacy = configs.read_legacy_config(found.config)
        return {**_shown(row), "config": _without_secrets(msgspec.to_builtins(legacy))}

    show_record(run_with_parts(config_file, work), as_json=as_json)


def _shown(row: service.ProjectRow) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in SHOWN}, "created_at_millis": row.created_at}


def _without_secrets(value: Any) -> Any:
    """A terminal is no place for provider secrets and mail passwords."""
    if isinstance(value, dict):
        return {key: "***" if key in ("client_secret", "password") and inner else _without_secrets(inner) for key, inner in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
