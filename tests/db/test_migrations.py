"""Both databases are migrated to exactly the tables in the code, all or nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hexclave_server.core.db import metadata, sqlite_path
from hexclave_server.migrations import HEAD, NewerDatabase, current_is_head, current_revision, migrate, pending, steps
from hexclave_server.migrations.authoring import import_all_tables
from hexclave_server.migrations.steps import alembic_config
from tests.db.processes import in_processes
from tests.postgres import postgres
from tests.server import DatabaseKind


@pytest.fixture
def empty(database: DatabaseKind, tmp_path: Path):
    """URL and data directory of an empty database."""
    if database == "sqlite":
        yield None, tmp_path
    else:
        with postgres().fresh_database(migrated=False) as url:
            yield url, tmp_path


def on_connection(url: str | None, data_dir: Path, function: Any) -> Any:
    """Call `function` with a SQLAlchemy connection."""
    if url is None:
        engine = create_engine(f"sqlite:///{sqlite_path(None, data_dir)}", poolclass=NullPool)
        with engine.begin() as connection:
            return function(connection)

    async def run() -> Any:
        async_engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool)
        async with async_engine.begin() as connection:
            return await connection.run_sync(function)

    return asyncio.run(run())


def test_head_is_alembics_head():
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_the_migrated_schema_is_the_one_in_the_code(empty):
    migrate(*empty)
    import_all_tables()

    def differences(connection: Any) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    assert on_connection(*empty, differences) == []


def test_collations_and_partial_indexes_are_migrated(empty):
    """What Alembic does not compare."""
    migrate(*empty)
    import_all_tables()
    partial = {
        index.name for table in metadata.tables.values() for index in table.indexes if index.dialect_options["sqlite"]["where"] is not None
    }

    def look(connection: Any) -> tuple[set[str], list[Any]]:
        if connection.dialect.name == "sqlite":
            rows = connection.execute(text("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'"))
            return {row[0] for row in rows}, []
        rows = connection.execute(text("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '% WHERE %' AND schemaname = 'public'"))
        names = {row[0] for row in rows}
        others = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
                " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
            )
        )
        return names, list(others)

    assert on_connection(*empty, look) == (partial, [])


def test_migrating_twice_does_nothing(empty):
    assert current_revision(*empty) is None
    assert not current_is_head(*empty)
    assert pending(*empty)[-1] == HEAD
    assert migrate(*empty)[-1] == HEAD
    assert current_is_head(*empty)
    assert migrate(*empty) == pending(*empty) == []


def test_a_database_of_a_newer_release_is_refused(empty):
    migrate(*empty)
    on_connection(*empty, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(NewerDatabase, match="9999"):
        migrate(*empty)


def test_an_interrupted_migration_has_not_happened(empty, monkeypatch: pytest.MonkeyPatch):
    upgrade_on = steps.upgrade_on

    def interrupted(connection: Any) -> None:
        upgrade_on(connection)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(steps, "upgrade_on", interrupted)
        with pytest.raises(KeyboardInterrupt):
            migrate(*empty)
    assert current_revision(*empty) is None
    migrate(*empty)
    assert current_is_head(*empty)


def test_nodes_may_migrate_together(empty):
    in_processes(3, migrate, *empty)
    assert current_is_head(*empty)
