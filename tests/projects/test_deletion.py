"""Deleting a project leaves nothing behind: every table of tenants hangs on the tenancy."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, func, select

import hexclave_server.routes  # noqa: F401 - registers all tables
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Database, Query, metadata
from hexclave_server.projects import deletion, service
from hexclave_server.projects.directory import ProjectDirectory
from hexclave_server.teams.service import create_team

# Counters of attempts: keys of theirs reveal nobody, and they expire by themselves.
WITHOUT_FOREIGN_KEY = {"throttles"}


def _cascades(table: Table) -> bool:
    return any(
        constraint.referred_table.name == "tenancies" and constraint.ondelete == "CASCADE"
        for constraint in table.constraints
        if isinstance(constraint, ForeignKeyConstraint)
    )


def test_every_table_of_tenants_goes_with_its_tenancy() -> None:
    tables = [table for table in metadata.sorted_tables if "tenancy_id" in table.c]
    assert len(tables) >= 10
    assert [table.name for table in tables if not _cascades(table) and table.name not in WITHOUT_FOREIGN_KEY] == []


def test_every_foreign_key_has_an_index_to_delete_by() -> None:
    """Without one, deleting a project with a million users would scan a table for each of them."""
    missing = []
    for table in metadata.sorted_tables:
        indexes = [[column.name for column in index.columns] for index in table.indexes if index.dialect_options["sqlite"]["where"] is None]
        keys = [list(table.primary_key.columns.keys()), *indexes]
        keys += [list(c.columns.keys()) for c in table.constraints if type(c).__name__ == "UniqueConstraint"]
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                columns = set(constraint.column_keys)
                if not any(set(key[: len(columns)]) == columns for key in keys):
                    missing.append((table.name, sorted(columns)))
    assert missing == []


async def _rows(db: Database) -> dict[str, int]:
    """Rows of every table that is not empty, apart from the installation's own."""
    counts = {table.name: await db.value(Query(select(func.count()).select_from(table))) for table in metadata.sorted_tables}
    return {name: count for name, count in counts.items() if count and name != "core_state"}


async def _project_with_teams(db: Database, keyring: Keyring, teams: int) -> str:
    made = await db.write(lambda conn: service.create_project(conn, keyring, display_name="P", owner_team_id=None, overrides={}))
    assert made is not None
    project = await service.load_project(db, keyring, made[0].id)
    assert project is not None

    async def fill(conn: Any) -> None:
        for _ in range(teams):
            await create_team(conn, project, "T", creator_user_id=None, now=1)

    await db.write(fill)
    return project.id


@pytest.mark.anyio
async def test_a_small_project_is_gone_at_once_and_others_stay(db: Database, keyring: Keyring) -> None:
    await _project_with_teams(db, keyring, 3)
    before = await _rows(db)
    await service.delete_project(db, await _project_with_teams(db, keyring, 5))
    assert await _rows(db) == before
    assert before["teams"] == 3


@pytest.mark.anyio
async def test_a_large_project_is_out_of_reach_at_once_and_purged_little_by_little(db: Database, keyring: Keyring) -> None:
    project_id = await _project_with_teams(db, keyring, 2_500)
    directory = ProjectDirectory(db, keyring)
    found = await directory.find_project(project_id)
    assert found is not None
    await db.write(lambda conn: deletion.bury_project(conn, project_id))  # and here the server was killed
    assert await directory.find_project(project_id) is None
    assert await directory.find_project(f"deleted:{found.tenancy.id}") is None
    assert await service.list_projects(db) == []
    removed = []
    while step := await db.write(deletion.purge_step):
        removed.append(step)
    assert max(removed) < 2 * deletion.ROWS_AT_ONCE
    assert len(removed) >= 3
    assert await _rows(db) == {}
