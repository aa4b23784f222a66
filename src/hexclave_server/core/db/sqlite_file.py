"""Opening connections to the SQLite file, the statements they run, and what SQLite's errors mean.

Every connection: WAL, synchronous=FULL (nothing acknowledged is lost), foreign keys, no busy handler (its sleep would stop the event loop;
callers retry), no automatic checkpoints (one process does them, see sqlite_checkpoints.py).
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import apsw
from sqlalchemy import Index, UniqueConstraint

from hexclave_server.core.db.errors import ConstraintViolation, DatabaseUnavailable, ForeignKeyViolation, TransactionIsOver, UniqueViolation
from hexclave_server.core.db.generation import BUMP_GENERATION
from hexclave_server.core.db.query import CompiledQuery, Query
from hexclave_server.core.db.schema import metadata

R = TypeVar("R")

# While the first connection after a crash recovers the log, others are refused; only then is there something to wait for at opening.
OPENING_TIMEOUT_MILLIS = 5000

_UNAVAILABLE = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.InterruptError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)


def open_connection(path: Path, *, reads_only: bool, cache_kilobytes: int = 8000) -> apsw.Connection:
    """A connection to the file, which must exist and be migrated. Raises `DatabaseUnavailable`."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=512)
        try:
            connection.set_busy_timeout(OPENING_TIMEOUT_MILLIS)
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "fullfsync = ON",  # macOS: flush the disk's own cache as well
                "foreign_keys = ON",
                "trusted_schema = OFF",
                f"cache_size = -{cache_kilobytes}",
                f"query_only = {'ON' if reads_only else 'OFF'}",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            # Plans that do not depend on the values of parameters: else joins are prepared anew at every execution (48 µs instead of 9).
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
            connection.wal_autocheckpoint(0)
            connection.set_busy_timeout(0)
        except BaseException:
            connection.close(force=True)
            raise
    except apsw.Error as error:
        raise translated(error) from error
    return connection


def translated(error: apsw.Error) -> Exception:
    """The error of our own that stands for one of SQLite; the error itself where it is a bug of ours."""
    if isinstance(error, _UNAVAILABLE):
        return DatabaseUnavailable(f"SQLite: {error}")
    if isinstance(error, apsw.ConstraintError):
        rule = error.extendedresult  # type: ignore[attr-defined]  # apsw sets it, its stubs do not say so
        if rule in (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY):
            return UniqueViolation(str(error), _unique_constraint_named_in(str(error)))
        if rule == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
            return ForeignKeyViolation(str(error))
        return ConstraintViolation(str(error))
    return error


def _unique_constraint_named_in(message: str) -> str | None:
    """SQLite says `UNIQUE constraint failed: t.a, t.b`: find what the schema calls that."""
    names = [part.strip() for part in message.rpartition(": ")[2].split(",")]
    table = metadata.tables.get(names[0].partition(".")[0])
    if table is None:
        return None
    columns = [name.partition(".")[2] for name in names]
    if [column.name for column in table.primary_key.columns] == columns:
        return str(table.primary_key.name)
    rules: list[Index | UniqueConstraint] = [
        *(index for index in table.indexes if index.unique),
        *(c for c in table.constraints if isinstance(c, UniqueConstraint)),
    ]
    return next((str(rule.name) for rule in rules if [column.name for column in rule.columns] == columns), None)


class SqliteConnection:
    """The `Connection` of one transaction, or of one reader. Nothing in it waits."""

    __slots__ = ("_apsw", "_over", "bumped", "failure")

    def __init__(self, connection: apsw.Connection) -> None:
        self._apsw = connection
        self._over = False
        self.bumped = False
        self.failure: Exception | None = None

    def end(self) -> None:
        """Refuse statements from now on."""
        self._over = True

    def _run(self, compiled: CompiledQuery, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if self._over or self.failure is not None:
            msg = "a statement after the end of its transaction, or after an error in it"
            raise TransactionIsOver(msg) from self.failure
        try:
            return self._apsw.execute(compiled.sql, compiled.arguments(params)).fetchall()
        except apsw.Error as error:
            self.failure = translated(error)
            if self.failure is error:
                raise
            raise self.failure from error

    async def first(self, row: type[R], query: Query, **params: Any) -> R | None:
        """See `Connection`."""
        compiled = query.for_sqlite()
        decode = compiled.decoder(row)
        rows = self._run(compiled, params)
        return decode(rows[0]) if rows else None

    async def all(self, row: type[R], query: Query, **params: Any) -> list[R]:
        """See `Connection`."""
        compiled = query.for_sqlite()
        decode = compiled.decoder(row)
        return [decode(values) for values in self._run(compiled, params)]

    async def value(self, query: Query, **params: Any) -> Any:
        """See `Connection`."""
        compiled = query.for_sqlite()
        rows = self._run(compiled, params)
        return compiled.first_value(rows[0]) if rows else None

    async def execute(self, query: Query, **params: Any) -> int:
        """See `Connection`."""
        compiled = query.for_sqlite()
        self._run(compiled, params)
        if query is BUMP_GENERATION:
            self.bumped = True
        return self._apsw.changes() if compiled.writes else 0


def roll_back(connection: apsw.Connection) -> None:
    """End the transaction if there is one; after a full disk SQLite has ended it already."""
    with contextlib.suppress(apsw.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
