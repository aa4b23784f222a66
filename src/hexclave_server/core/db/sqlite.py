"""SQLite as a `Database`: point reads on the event loop (a thread hop would cost more), writes in groups, long reads in threads.

Several worker processes share one file; see sqlite_file.py, sqlite_writes.py and sqlite_checkpoints.py for how.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import apsw

from hexclave_server.core import clock
from hexclave_server.core.db.cached_generation import CachedGeneration
from hexclave_server.core.db.errors import DatabaseUnavailable
from hexclave_server.core.db.generation import GENERATION_KEY, READ_GENERATION
from hexclave_server.core.db.interface import Connection
from hexclave_server.core.db.long_reads import LongReads
from hexclave_server.core.db.query import CompiledQuery, Query
from hexclave_server.core.db.sqlite_checkpoints import Checkpoints
from hexclave_server.core.db.sqlite_file import SqliteConnection, open_connection, roll_back, translated
from hexclave_server.core.db.sqlite_writes import GroupedWriter, drive

R = TypeVar("R")
T = TypeVar("T")

LONG_READS_AT_ONCE = 4
LONGEST_WAIT_SECONDS = 5.0
RETRY_SECONDS = 0.001


class SqliteDatabase:
    """One SQLite file as seen by one process."""

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: apsw.Connection | None = None
        self._writer = GroupedWriter(lambda: open_connection(path, reads_only=False), self._raise_generation)
        self._checkpoints = Checkpoints(path, lambda: open_connection(path, reads_only=False, cache_kilobytes=2000))
        self._generation = CachedGeneration(path.with_name(path.name + "-generation"), self._read_counter)
        self._long_reads = LongReads(LONG_READS_AT_ONCE)
        self._threads = ThreadPoolExecutor(LONG_READS_AT_ONCE, "sqlite-read")

    async def start(self) -> None:
        """See `Database`. Raises `DatabaseUnavailable`."""
        self._reader = open_connection(self._path, reads_only=True)
        await self._generation.start()
        self._checkpoints.start()

    async def close(self) -> None:
        """See `Database`."""
        await self._checkpoints.close()
        await self._writer.close()
        await self._generation.close()
        self._threads.shutdown()
        if self._reader is not None:
            self._reader.close(force=True)
            self._reader = None

    async def _read(self, compiled: CompiledQuery, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        arguments = compiled.arguments(params)
        give_up_at: float | None = None
        while True:
            try:
                return self._reader.execute(compiled.sql, arguments).fetchall()  # type: ignore[union-attr]
            except apsw.BusyError as error:  # only while another process recovers the log after a crash
                give_up_at = give_up_at or clock.monotonic() + LONGEST_WAIT_SECONDS
                if clock.monotonic() > give_up_at:
                    raise translated(error) from error
                await asyncio.sleep(RETRY_SECONDS)
            except apsw.Error as error:
                meant = translated(error)
                if meant is error:
                    raise
                raise meant from error

    async def first(self, row: type[R], query: Query, **params: Any) -> R | None:
        """See `Connection`."""
        compiled = query.for_sqlite()
        if compiled.writes:
            return await self._writer.write(lambda conn: conn.first(row, query, **params))
        decode = compiled.decoder(row)
        rows = await self._read(compiled, params)
        return decode(rows[0]) if rows else None

    async def all(self, row: type[R], query: Query, **params: Any) -> list[R]:
        """See `Connection`."""
        compiled = query.for_sqlite()
        if compiled.writes:
            return await self._writer.write(lambda conn: conn.all(row, query, **params))
        decode = compiled.decoder(row)
        return [decode(values) for values in await self._read(compiled, params)]

    async def value(self, query: Query, **params: Any) -> Any:
        """See `Connection`."""
        compiled = query.for_sqlite()
        if compiled.writes:
            return await self._writer.write(lambda conn: conn.value(query, **params))
        rows = await self._read(compiled, params)
        return compiled.first_value(rows[0]) if rows else None

    async def execute(self, query: Query, **params: Any) -> int:
        """See `Connection`."""
        return await self._writer.write(lambda conn: conn.execute(query, **params))

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """See `Database`."""
        return await self._writer.write(work)

    async def snapshot(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """See `Database`. The work is driven by hand, as a write is: nothing can come between."""
        reader = self._reader
        if reader is None:
            msg = "the database was not started"
            raise RuntimeError(msg)
        view = SqliteConnection(reader)
        try:
            reader.execute("BEGIN")
            return drive(work, view)
        except apsw.Error as error:
            raise translated(error) from error
        finally:
            view.end()
            roll_back(reader)

    async def pages(self, row: type[R], query: Query, *, page: int = 1000, **params: Any) -> AsyncIterator[list[R]]:
        """See `Database`."""
        compiled = query.for_sqlite()
        decode = compiled.decoder(row)
        arguments = compiled.arguments(params)
        loop = asyncio.get_running_loop()
        async with self._long_reads.turn(params.get("tenancy_id")):
            connection = await loop.run_in_executor(self._threads, lambda: open_connection(self._path, reads_only=True))
            try:
                cursor = connection.cursor()

                def next_page(*, is_first: bool) -> list[R]:
                    if is_first:
                        cursor.execute(compiled.sql, arguments)
                    return [decode(values) for values in islice(cursor, page)]

                try:
                    rows = await loop.run_in_executor(self._threads, lambda: next_page(is_first=True))
                    while rows:
                        yield rows
                        rows = await loop.run_in_executor(self._threads, lambda: next_page(is_first=False))
                except apsw.Error as error:
                    raise translated(error) from error
            finally:
                await loop.run_in_executor(self._threads, lambda: connection.close(force=True))

    def generation(self) -> int:
        """See `Database`."""
        return self._generation.read()

    def generation_is_fresh(self) -> bool:
        """See `Database`."""
        return self._generation.is_fresh()

    async def ping(self) -> None:
        """See `Database`."""
        try:
            await self._read_counter()
        except apsw.Error as error:
            msg = f"SQLite: {error}"
            raise DatabaseUnavailable(msg) from error

    async def _read_counter(self) -> int:
        return int(await self.value(READ_GENERATION, key=GENERATION_KEY) or 0)

    def _raise_generation(self) -> None:
        self._generation.raise_by_one()
