"""Migrations of a PostgreSQL database. Nodes may start together: the first migrates, the others wait for its lock and find nothing to do."""

import asyncio
from typing import Any

import asyncpg

from hexclave_server.core.db.errors import DatabaseUnavailable
from hexclave_server.core.db.postgres_pool import split_url

LOCK = 0x6865786C617665  # any number of our own
CONNECT_SECONDS = 10.0


async def _connect(url: str) -> Any:
    # Without a time limit for statements, and without prepared statements: there may be a pooler in between.
    return await asyncpg.connect(split_url(url)[0], timeout=CONNECT_SECONDS, statement_cache_size=0)


def current_revision(url: str) -> str | None:
    """See the package."""
    try:
        return asyncio.run(_current_revision(url))
    except (OSError, asyncpg.PostgresError) as error:
        reason = f"PostgreSQL: {str(error) or type(error).__name__}"
        raise DatabaseUnavailable(reason) from error


async def _current_revision(url: str) -> str | None:
    connection = await _connect(url)
    try:
        async with connection.transaction():
            if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
                return None
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
            return None if revision is None else str(revision)
    finally:
        await connection.close()


def upgrade(url: str) -> None:
    """Run what is pending in one transaction. Raises `DatabaseUnavailable`."""
    try:
        asyncio.run(_upgrade(url))
    except (OSError, asyncpg.PostgresConnectionError) as error:
        reason = f"PostgreSQL: {str(error) or type(error).__name__}"
        raise DatabaseUnavailable(reason) from error


async def _upgrade(url: str) -> None:
    from sqlalchemy import text  # noqa: PLC0415 - only when there is something to do
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    from hexclave_server.migrations.steps import upgrade_on  # noqa: PLC0415

    async def connect() -> Any:
        return await _connect(url)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            await connection.run_sync(upgrade_on)
    finally:
        await engine.dispose()
