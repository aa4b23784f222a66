"""Brings a database to the schema of this release (Alembic, one idea per file in `versions`).

All pending steps run in one transaction, so a migration that is interrupted has not happened. Going back is restoring a backup.
Alembic is imported only when there is something to do; that HEAD is right is tested. None of these functions may run inside an event
loop, nor on SQLite while this process has the file open (two SQLite libraries must not have one file open in one process).
"""

from pathlib import Path

from hexclave_server.core.db.opening import is_postgresql, sqlite_path

HEAD = "0008"


class NewerDatabase(Exception):
    """The database was migrated by a newer release than this one."""


def current_revision(url: str | None, data_dir: Path) -> str | None:
    """The revision that the database is at, None for an empty or absent one. Raises `DatabaseUnavailable`."""
    if is_postgresql(url):
        from hexclave_server.migrations import postgres  # noqa: PLC0415 - one driver in memory, not both

        return postgres.current_revision(str(url))
    from hexclave_server.migrations import sqlite  # noqa: PLC0415

    return sqlite.current_revision(sqlite_path(url, data_dir))


def current_is_head(url: str | None, data_dir: Path) -> bool:
    """Whether nothing is to be done. Raises `DatabaseUnavailable`."""
    return current_revision(url, data_dir) == HEAD


def pending(url: str | None, data_dir: Path) -> list[str]:
    """The revisions that `migrate` would apply, oldest first. Raises `NewerDatabase`, `DatabaseUnavailable`."""
    revision = current_revision(url, data_dir)
    if revision == HEAD:
        return []
    from hexclave_server.migrations.steps import pending_after  # noqa: PLC0415 - Alembic takes a quarter of a second to import

    return pending_after(revision)


def migrate(url: str | None, data_dir: Path) -> list[str]:
    """Apply what is pending, all or nothing; the revisions applied, oldest first. Raises `NewerDatabase`, `DatabaseUnavailable`."""
    revisions = pending(url, data_dir)
    if not revisions:
        return []
    if is_postgresql(url):
        from hexclave_server.migrations import postgres  # noqa: PLC0415

        postgres.upgrade(str(url))
    else:
        from hexclave_server.migrations import sqlite  # noqa: PLC0415

        sqlite.upgrade(sqlite_path(url, data_dir))
    return revisions
