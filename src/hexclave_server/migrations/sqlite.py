"""Migrations of a SQLite file, through Python's own sqlite3, since that is what SQLAlchemy and so Alembic speak to."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import apsw

from hexclave_server.core.db.errors import DatabaseUnavailable

BUSY_SECONDS = 30.0


def current_revision(path: Path) -> str | None:
    """See the package."""
    if not path.exists():
        return None
    try:
        # apsw: the newest SQLite recovers the log of a process that was killed
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchall():
                return None
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            return str(rows[0][0]) if rows else None
        finally:
            connection.close()
    except apsw.Error as error:
        reason = f"SQLite, {path}: {error}"
        raise DatabaseUnavailable(reason) from error


def upgrade(path: Path) -> None:
    """Run what is pending in one transaction. Raises `DatabaseUnavailable`."""
    from sqlalchemy import create_engine, event  # noqa: PLC0415 - only when there is something to do
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    from hexclave_server.migrations.steps import upgrade_on  # noqa: PLC0415

    engine = create_engine("sqlite://", creator=lambda: _open(path), poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            upgrade_on(connection)
            # Rebuilding a table needs foreign keys off; so they are checked before the commit.
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                msg = f"rows without the row they refer to: {broken[:5]}"
                raise RuntimeError(msg)
    except (OperationalError, sqlite3.OperationalError, OSError) as error:
        reason = f"SQLite, {path}: {error}"
        raise DatabaseUnavailable(reason) from error
    finally:
        engine.dispose()


def _open(path: Path) -> Any:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)  # None: the transaction is ours, DDL included
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = OFF")
    return connection
