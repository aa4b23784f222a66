"""`hexclave key create|list|revoke`: the key sets of a project."""

from __future__ import annotations

import re
from typing import Any

import click

from hexclave_server.cli.failures import CommandFailed
from hexclave_server.cli.installation import run_with_parts
from hexclave_server.cli.output import config_option, json_option, show_done, show_record, show_rows
from hexclave_server.cli.project import get_project
from hexclave_server.core import clock
from hexclave_server.core.constraints import is_uuid
from hexclave_server.core.context import KeyKind, Parts
from hexclave_server.projects import key_sets

COLUMNS = {
    "id": "Key set id",
    "description": "Description",
    "publishable_client_key": "Publishable",
    "secret_server_key": "Secret",
    "super_secret_admin_key": "Admin",
    "state": "State",
    "created_at_millis": "Created",
    "expires_at_millis": "Expires",
}
_DAY_MILLIS = 86_400_000


@click.group()
def key() -> None:
    """Create, list and revoke the keys of a project."""


@key.command("create")
@click.argument("project_id")
@click.option("--publishable", is_flag=True, help="A publishable client key (pck_…).")
@click.option("--secret", is_flag=True, help="A secret server key (ssk_…).")
@click.option("--admin", is_flag=True, help="A super secret admin key (sak_…).")
@click.option("--description", default="Made on the command line", show_default=True)
@click.option("--expires-in", "days", help="Lifetime in days, such as 365d; without it the keys are good until the end of 2099.")
@config_option
@json_option
def create(
    project_id: str,
    publishable: bool,  # noqa: FBT001 - click passes options so
    secret: bool,  # noqa: FBT001
    admin: bool,  # noqa: FBT001
    description: str,
    days: str | None,
    config_file: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Create a key set for PROJECT_ID and print its keys, which cannot be shown again. Without a choice it holds all three kinds."""
    wanted = {KeyKind.PUBLISHABLE_CLIENT: publishable, KeyKind.SECRET_SERVER: secret, KeyKind.SUPER_SECRET_ADMIN: admin}
    kinds = {kind for kind, is_wanted in wanted.items() if is_wanted} or set(KeyKind)
    expires_at = key_sets.FAR_FUTURE if days is None else clock.now_millis() + _days(days) * _DAY_MILLIS

    async def work(parts: Parts) -> key_sets.NewKeySet:
        project = await get_project(parts, project_id)
        return await parts.db.write(lambda conn: key_sets.create_key_set(conn, project.tenancy, description, expires_at, kinds))

    made = run_with_parts(config_file, work)
    keys = {str(kind): made.keys[kind] for kind in KeyKind if kind in made.keys}
    show_record({"id": made.id, "description": made.description, **keys, "expires_at_millis": made.expires_at}, as_json=as_json)


def _days(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,5})d", text)
    if found is None:
        msg = "--expires-in takes a number of days, such as 365d."
        raise CommandFailed(msg)
    return int(found.group(1))


@key.command("list")
@click.argument("project_id")
@config_option
@json_option
def list_(project_id: str, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List the key sets of PROJECT_ID, newest first, with the last four characters of each key."""

    async def work(parts: Parts) -> list[Any]:
        project = await get_project(parts, project_id)
        return await key_sets.list_key_sets(parts.db, project.tenancy)

    show_rows([_shown(row) for row in run_with_parts(config_file, work)], as_json=as_json, columns=COLUMNS)


def _shown(row: Any) -> dict[str, Any]:
    endings = {str(kind): getattr(row, f"{kind}_last_four") for kind in KeyKind}
    is_over = row.expires_at <= clock.now_millis()
    return {
        "id": row.id,
        "description": row.description,
        **{kind: None if ending is None else f"…{ending}" for kind, ending in endings.items()},
        "state": "revoked" if row.revoked_at is not None else "expired" if is_over else "good",
        "created_at_millis": row.created_at,
        "expires_at_millis": row.expires_at,
        "manually_revoked_at_millis": row.revoked_at,
    }


@key.command("revoke")
@click.argument("project_id")
@click.argument("key_set_id")
@config_option
@json_option
def revoke(project_id: str, key_set_id: str, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Revoke the key set KEY_SET_ID of PROJECT_ID at once. There is no way back."""

    async def work(parts: Parts) -> None:
        project = await get_project(parts, project_id)
        if not is_uuid(key_set_id):
            msg = f"{key_set_id} is no id of a key set. hexclave key list {project_id} shows them."
            raise CommandFailed(msg)
        await parts.db.write(lambda conn: key_sets.revoke_key_set(conn, project.tenancy, key_set_id.lower()))

    run_with_parts(config_file, work)
    show_done("The keys of this set do not work any more.", as_json=as_json, id=key_set_id.lower())
