"""Databases full of users, filled by SQL, for tests that look at plans and costs of statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import apsw
import asyncpg

from hexclave_server.core.db import Query, sqlite_path
from hexclave_server.migrations import migrate
from tests.postgres import fresh_database, in_a_loop_of_its_own

TENANCY = "11111111-1111-4111-8111-111111111111"
MEMBERS = 10
"""Members of each team."""

_FILL = (
    (
        "INSERT INTO projects (id, display_name, description, is_production_mode, is_development_environment, onboarding_status, created_at)"
        " VALUES ('p', 'p', '', {false}, {false}, 'completed', 0)"
    ),
    f"INSERT INTO tenancies VALUES ('{TENANCY}', 'p', 'main')",
    (
        "INSERT INTO users SELECT '{tenancy}', {user}, 'User ' || i, 'user ' || i, NULL, i / 3 * 1000, i * 7919 % {count}, {anonymous}, {restricted},"
        " NULL, NULL, NULL, NULL, NULL, NULL, {false}, NULL, {false}, {team}, NULL, 0, 0, NULL FROM {numbers}"
    ),
    (
        "INSERT INTO contact_channels SELECT '{tenancy}', {user}, {user}, 'email', 'user' || i || '@example.com', {true}, {verified}, {true}, i"
        " FROM {numbers}"
    ),
    (
        "INSERT INTO contact_channels SELECT '{tenancy}', {other}, {user}, 'email', 'second' || i || '@example.com', {false}, {true}, {false}, i"
        " FROM {numbers}"
    ),
    (
        "INSERT INTO oauth_accounts"
        " (tenancy_id, id, user_id, provider_id, account_id, email, allow_sign_in, allow_connected_accounts, created_at)"
        " SELECT '{tenancy}', {user}, {user}, 'github', 'account' || i, NULL, {true}, {true}, i FROM {numbers}"
    ),
    (
        "INSERT INTO passkeys SELECT '{tenancy}', 'credential' || i, {user}, 'key', 0, 'example.com', {false}, i, NULL FROM {numbers}"
        " WHERE i % 3 = 0"
    ),
    (
        "INSERT INTO teams (tenancy_id, id, display_name, display_name_folded, created_at)"
        f" SELECT '{{tenancy}}', {{user}}, 'Team', 'team', i FROM {{numbers}} WHERE i % {MEMBERS} = 0"
    ),
    "INSERT INTO team_memberships SELECT '{tenancy}', {team}, {user}, NULL, NULL, i FROM {numbers}",
)


def uuid(number: int) -> str:
    """The id of the user with this number, and of the team whose first member he is."""
    return f"00000000-0000-4000-8000-{number:012x}"


def _statements(count: int, *, for_sqlite: bool) -> list[str]:
    number = "printf('%012x', {})" if for_sqlite else "lpad(to_hex({}), 12, '0')"
    cast = "{}" if for_sqlite else "({})::uuid"
    truth = "({})" if not for_sqlite else "{}"
    words = {
        "tenancy": TENANCY,
        "count": count,
        "true": "1" if for_sqlite else "true",
        "false": "0" if for_sqlite else "false",
        "user": cast.format("'00000000-0000-4000-8000-' || " + number.format("i")),
        "other": cast.format("'00000000-0000-4000-9000-' || " + number.format("i")),
        "team": cast.format("'00000000-0000-4000-8000-' || " + number.format(f"i / {MEMBERS} * {MEMBERS}")),
        "anonymous": truth.format("i % 5 = 1"),
        "restricted": truth.format("i % 7 = 2"),
        "verified": truth.format("i % 2 = 0"),
        "numbers": (
            f"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) SELECT i FROM n)"
            if for_sqlite
            else f"generate_series(0, {count - 1}) AS n (i)"
        ),
    }
    return [statement.format(**words) for statement in _FILL]


class Planner(Protocol):
    """A full database that tells how it would run a statement."""

    def plan(self, query: Query, **params: Any) -> list[str]:
        """The steps of the plan, as the database words them."""


class SqliteCrowd:
    """So many users in SQLite, which has no statistics of them."""

    def __init__(self, directory: Path, count: int) -> None:
        migrate(None, directory)
        self._connection = apsw.Connection(str(sqlite_path(None, directory)))
        self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        self._connection.execute("PRAGMA synchronous = OFF")
        with self._connection:
            for statement in _statements(count, for_sqlite=True):
                self._connection.execute(statement)

    def plan(self, query: Query, **params: Any) -> list[str]:
        """The lines of EXPLAIN QUERY PLAN."""
        compiled = query.for_sqlite()
        return [str(row[3]) for row in self._connection.execute("EXPLAIN QUERY PLAN " + compiled.sql, compiled.arguments(params))]

    def steps(self, query: Query, **params: Any) -> tuple[int, int]:
        """How many rows the statement gives, and how many steps of SQLite's machine that takes: its cost without a clock."""
        compiled = query.for_sqlite()
        counted: list[int] = []
        self._connection.trace_v2(
            apsw.SQLITE_TRACE_PROFILE, lambda event: counted.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])
        )
        try:
            rows = self._connection.execute(compiled.sql, compiled.arguments(params)).fetchall()
        finally:
            self._connection.trace_v2(0, None)
        return len(rows), counted[-1]


class PostgresCrowd:
    """So many users in PostgreSQL, with statistics."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        in_a_loop_of_its_own(self._run, [*_statements(count, for_sqlite=False), "ANALYZE"])

    async def _run(self, statements: list[str]) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _explain(self, sql: str, arguments: list[Any]) -> list[str]:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute("SET random_page_cost = 1.1")  # as is usual where there are no turning disks
            return [row[0] for row in await connection.fetch("EXPLAIN (COSTS OFF) " + sql, *arguments)]
        finally:
            await connection.close()

    def plan(self, query: Query, **params: Any) -> list[str]:
        """The lines of EXPLAIN for these parameters."""
        compiled = query.for_postgresql()
        lines: list[str] = in_a_loop_of_its_own(self._explain, compiled.sql, compiled.arguments(params))
        return lines


@contextmanager
def postgres_crowd(count: int) -> Iterator[PostgresCrowd]:
    """So many users in a PostgreSQL database of their own."""
    with fresh_database() as url:
        yield PostgresCrowd(url, count)
