"""What a server's database holds, read from the side with plain SQL: for tests that trust no answer of the server."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import apsw
import asyncpg

from tests.postgres import in_a_loop_of_its_own
from tests.server import RunningServer


def rows(server: RunningServer, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement; ids and JSON as text on both databases."""
    if server.database == "postgresql":
        url = server.environment["HEXCLAVE_DATABASE_URL"]
        return [tuple(row) for row in in_a_loop_of_its_own(_fetch, url, statement)]
    with contextlib.closing(apsw.Connection(str(sqlite_file(server)))) as connection:
        connection.set_busy_timeout(5000)
        return connection.execute(statement).fetchall()


async def _fetch(url: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")
        return await connection.fetch(statement)  # type: ignore[no-any-return]
    finally:
        await connection.close()


def sqlite_file(server: RunningServer) -> Path:
    """The database file of a server on SQLite."""
    return server.data_dir / "hexclave.db"


def tables(server: RunningServer) -> list[str]:
    """The names of all tables."""
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }
    return sorted(str(name) for (name,) in rows(server, catalogue[server.database]))


def contents(server: RunningServer, *, but: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Every row of every table as text, to compare two moments and to search for what must not be there."""
    return {table: sorted(map(repr, rows(server, f'SELECT * FROM "{table}"'))) for table in tables(server) if table not in but}


def require_sound(server: RunningServer) -> None:
    """SQLite's own checks: no page is damaged, no row refers to one that is gone. (PostgreSQL checks references itself.)"""
    if server.database == "sqlite":
        assert rows(server, "PRAGMA integrity_check") == [("ok",)]
        assert rows(server, "PRAGMA foreign_key_check") == []
