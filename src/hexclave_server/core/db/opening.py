"""From a database URL to a `Database`: `sqlite:///path`, `postgresql://…`, or nothing for SQLite in the data directory."""

from pathlib import Path

from hexclave_server.core.db.interface import Database

SQLITE_FILE = "hexclave.db"


def is_postgresql(url: str | None) -> bool:
    """Whether the URL names a PostgreSQL database."""
    return bool(url) and str(url).startswith(("postgresql://", "postgres://"))


def sqlite_path(url: str | None, data_dir: Path) -> Path:
    """The SQLite file that the URL names; without a URL the one in the data directory. Raises ValueError for other URLs."""
    if not url:
        return data_dir / SQLITE_FILE
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url == prefix:
        msg = "a database URL is sqlite:///path or postgresql://…"
        raise ValueError(msg)
    return Path(url.removeprefix(prefix))


def make_database(url: str | None, data_dir: Path, pool: int = 10) -> Database:
    """The database, not yet opened (`start` does). `pool` is the largest number of PostgreSQL connections of this process."""
    if is_postgresql(url):
        from hexclave_server.core.db.postgres import PostgresDatabase  # noqa: PLC0415 - one driver in memory, not both

        return PostgresDatabase(str(url), data_dir, pool)
    from hexclave_server.core.db.sqlite import SqliteDatabase  # noqa: PLC0415

    return SqliteDatabase(sqlite_path(url, data_dir))
