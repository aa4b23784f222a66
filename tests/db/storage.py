"""A migrated, empty database of either kind, with one table for the tests of the database layer, which `open` opens any number of times."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import apsw
import msgspec
from sqlalchemy import MetaData, Table, UniqueConstraint, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from hexclave_server.core.db import Database, Query, bool_column, id_column, json_column, make_database, millis_column, text_column
from hexclave_server.migrations import migrate
from tests.postgres import PostgresForTests, postgres

things = Table(
    "things",
    MetaData(),  # not the product's
    id_column("id", primary_key=True),
    text_column("name"),
    bool_column("is_new"),
    millis_column("made_at"),
    json_column("notes"),
    UniqueConstraint("name"),
)


class Thing(msgspec.Struct, frozen=True):
    id: str
    name: str | None
    is_new: bool | None
    made_at: int | None
    notes: str | None


INSERT = Query(insert(things))
SELECT = Query(select(things).where(things.c.id == bindparam("id")))
SELECT_ALL = Query(select(things).order_by(things.c.name, things.c.id))
COUNT = Query(select(func.count().label("count")).select_from(things))
RENAME = Query(update(things).where(things.c.id == bindparam("which")).values(name=bindparam("new_name")))
ADD_ONE = Query(update(things).where(things.c.id == bindparam("which")).values(made_at=things.c.made_at + 1).returning(things.c.made_at))
DELETE = Query(delete(things).where(things.c.id == bindparam("id")))


def uuid(number: int) -> str:
    """A UUID that tests can tell from another."""
    return f"00000000-0000-4000-8000-{number:012x}"


def thing(number: int, **values: Any) -> dict[str, Any]:
    """Parameters of INSERT."""
    return {"id": uuid(number), "name": f"thing {number}", "is_new": True, "made_at": 0, "notes": None, **values}


class Storage:
    """One database: its URL (None for SQLite in `data_dir`), and the means to open it."""

    def __init__(self, kind: str, url: str | None, data_dir: Path, server: PostgresForTests | None) -> None:
        self.kind = kind
        self.url = url
        self.data_dir = data_dir
        self.server = server

    @contextlib.asynccontextmanager
    async def open(self, *, data_dir: Path | None = None, pool: int = 10) -> AsyncIterator[Database]:
        """A started database; with another `data_dir` (PostgreSQL) as another node sees it."""
        db = make_database(self.url, data_dir or self.data_dir, pool)
        await db.start()
        try:
            yield db
        finally:
            await db.close()

    def run(self, sql: str) -> list[Any]:
        """A statement from the side."""
        if self.server is not None and self.url is not None:
            name = self.url.split("/")[3].partition("?")[0]
            return self.server.run(sql, database=name)
        connection = apsw.Connection(str(self.data_dir / "hexclave.db"))
        connection.set_busy_timeout(5000)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@cache
def _migrated_sqlite() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="hexclave-template-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    migrate(None, directory)
    return directory / "hexclave.db"


@contextlib.contextmanager
def new_storage(kind: str, data_dir: Path, server: PostgresForTests | None = None) -> Iterator[Storage]:
    """A database with the product's tables and `things`."""
    if kind == "sqlite":
        shutil.copy(_migrated_sqlite(), data_dir / "hexclave.db")
        storage = Storage(kind, None, data_dir, None)
        storage.run(str(CreateTable(things).compile(dialect=sqlite.dialect())))
        yield storage
        return
    server = server or postgres()
    with server.fresh_database() as url:
        storage = Storage(kind, url, data_dir, server)
        storage.run(str(CreateTable(things).compile(dialect=postgresql.dialect())))
        yield storage
