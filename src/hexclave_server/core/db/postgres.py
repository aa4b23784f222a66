"""PostgreSQL as a `Database`, with asyncpg.

A single statement runs without a transaction of its own, `write` at READ COMMITTED: queries decide by conditions, so deadlocks and
serialisation failures are the only conflicts, and those are repeated once. Everything that means "away" becomes `DatabaseUnavailable`.
Behind a pooler in transaction mode (`?statement_cache_size=0`) single statements get a transaction, since asyncpg's prepare and execute
are two round trips that must meet the same server.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from asyncpg import InterfaceError, PostgresError

from hexclave_server.core import randomness
from hexclave_server.core.db.cached_generation import CachedGeneration
from hexclave_server.core.db.errors import DatabaseUnavailable, TransactionIsOver
from hexclave_server.core.db.generation import BUMP_GENERATION, GENERATION_KEY, READ_GENERATION
from hexclave_server.core.db.interface import Connection
from hexclave_server.core.db.long_reads import LongReads
from hexclave_server.core.db.postgres_errors import REPEATABLE, SCHEMA_CHANGED, translated
from hexclave_server.core.db.postgres_pool import PostgresPool, RawConnection, outcome_count, split_url
from hexclave_server.core.db.query import Query

R = TypeVar("R")
T = TypeVar("T")

BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresConnection:
    """The `Connection` of one transaction, or of one statement."""

    __slots__ = ("_over", "_raw", "bumped", "failure")

    def __init__(self, raw: RawConnection) -> None:
        self._raw = raw
        self._over = False
        self.bumped = False
        self.failure: BaseException | None = None

    def end(self) -> None:
        """Refuse statements from now on."""
        self._over = True

    async def _run(self, run: Callable[..., Awaitable[T]], sql: str, arguments: list[Any]) -> T:
        if self._over or self.failure is not None:
            msg = "a statement after the end of its transaction, or after an error in it"
            raise TransactionIsOver(msg) from self.failure
        try:
            return await run(sql, *arguments)
        except BaseException as error:
            self.failure = translated(error, self._raw)
            if self.failure is error:
                raise
            raise self.failure from error

    async def first(self, row: type[R], query: Query, **params: Any) -> R | None:
        """See `Connection`."""
        compiled = query.for_postgresql()
        decode = compiled.decoder(row)
        record = await self._run(self._raw.fetchrow, compiled.sql, compiled.arguments(params))
        return None if record is None else decode(record)

    async def all(self, row: type[R], query: Query, **params: Any) -> list[R]:
        """See `Connection`."""
        compiled = query.for_postgresql()
        decode = compiled.decoder(row)
        return [decode(record) for record in await self._run(self._raw.fetch, compiled.sql, compiled.arguments(params))]

    async def value(self, query: Query, **params: Any) -> Any:
        """See `Connection`."""
        compiled = query.for_postgresql()
        record = await self._run(self._raw.fetchrow, compiled.sql, compiled.arguments(params))
        return None if record is None else record[0]

    async def execute(self, query: Query, **params: Any) -> int:
        """See `Connection`."""
        compiled = query.for_postgresql()
        status = await self._run(self._raw.execute, compiled.sql, compiled.arguments(params))
        if query is BUMP_GENERATION:
            self.bumped = True
        return outcome_count(status) if compiled.writes else 0


class PostgresDatabase:
    """One PostgreSQL database as seen by one process."""

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, url: str, data_dir: Path, pool: int) -> None:
        self._pool = PostgresPool(url, pool)
        self._long_reads = LongReads(max(1, pool // 2))
        self._behind_pooler = split_url(url)[1] == 0
        self._generation = CachedGeneration(data_dir / "generation", self._read_counter)

    async def start(self) -> None:
        """See `Database`. A database that is away does not matter yet: `ping` and the first requests tell."""
        await self._generation.start()

    async def close(self) -> None:
        """See `Database`."""
        await self._generation.close()
        await self._pool.close()

    async def first(self, row: type[R], query: Query, **params: Any) -> R | None:
        """See `Connection`."""
        return await self._single(lambda conn: conn.first(row, query, **params))

    async def all(self, row: type[R], query: Query, **params: Any) -> list[R]:
        """See `Connection`."""
        return await self._single(lambda conn: conn.all(row, query, **params))

    async def value(self, query: Query, **params: Any) -> Any:
        """See `Connection`."""
        return await self._single(lambda conn: conn.value(query, **params))

    async def execute(self, query: Query, **params: Any) -> int:
        """See `Connection`."""
        return await self._single(lambda conn: conn.execute(query, **params))

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """See `Database`."""
        return await self._repeating(BEGIN_WRITE, work)

    async def snapshot(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """See `Database`."""
        return await self._repeating(BEGIN_SNAPSHOT, work)

    async def pages(self, row: type[R], query: Query, *, page: int = 1000, **params: Any) -> AsyncIterator[list[R]]:
        """See `Database`. A cursor in a read-only snapshot."""
        compiled = query.for_postgresql()
        decode = compiled.decoder(row)
        async with self._long_reads.turn(params.get("tenancy_id")):  # half of the connections stay for the others
            raw = await self._pool.acquire()
            try:
                await raw.execute(BEGIN_SNAPSHOT)
                cursor = await raw.cursor(compiled.sql, *compiled.arguments(params))
                while records := await cursor.fetch(page):
                    yield [decode(record) for record in records]
                await raw.execute("COMMIT")
            except BaseException as error:
                self._pool.release(raw, broken=True)
                meant = translated(error, raw)
                if meant is error:
                    raise
                raise meant from error
            self._pool.release(raw)

    def generation(self) -> int:
        """See `Database`."""
        return self._generation.read()

    def generation_is_fresh(self) -> bool:
        """See `Database`."""
        return self._generation.is_fresh()

    async def ping(self) -> None:
        """See `Database`."""
        await self._read_counter()

    async def _read_counter(self) -> int:
        return int(await self.value(READ_GENERATION, key=GENERATION_KEY) or 0)

    async def _single(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._repeating(None if not self._behind_pooler else BEGIN_WRITE, work)

    async def _repeating(self, begin: str | None, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            return await self._once(begin, work)
        except REPEATABLE as error:
            if isinstance(error, SCHEMA_CHANGED):
                self._pool.distrust_idle()
            else:  # let the other transaction take the rows it waited for, or the two meet again
                await asyncio.sleep(0.01 + 0.02 * randomness.token_bytes(1)[0] / 255)
        try:
            return await self._once(begin, work)
        except REPEATABLE as error:
            reason = f"PostgreSQL: {error}"
            raise DatabaseUnavailable(reason) from error

    async def _once(self, begin: str | None, work: Callable[[Connection], Awaitable[T]]) -> T:
        raw = await self._pool.acquire()
        view = PostgresConnection(raw)
        try:
            if begin is not None:
                await raw.execute(begin)
            result = await work(view)
            if view.failure is not None:  # caught by the work, but the transaction is lost
                raise view.failure
            if begin is not None:
                await raw.execute("COMMIT")
        except BaseException as error:
            meant = translated(error, raw)
            await self._give_up(raw, error, meant)
            if meant is error:
                raise
            raise meant from error
        finally:
            view.end()
        if view.bumped:
            self._generation.raise_by_one()
        self._pool.release(raw)
        return result

    async def _give_up(self, raw: RawConnection, error: BaseException, meant: BaseException) -> None:
        """Roll back and give the connection back, or close it where its state is uncertain (cancelled, cut, timed out)."""
        if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
            self._pool.distrust_idle()  # the network may have lost them all
        broken = True
        try:
            if isinstance(meant, Exception) and not isinstance(meant, DatabaseUnavailable):
                if raw.is_in_transaction():
                    await raw.execute("ROLLBACK")
                broken = False
        except (OSError, PostgresError, InterfaceError):
            pass  # then it is broken
        finally:
            self._pool.release(raw, broken=broken)
