"""The connections of one process to PostgreSQL.

A pool of our own: asyncpg's wraps each use in a proxy and resets the session after it, which costs more than a point read; nothing here
relies on session state. Waiting is bounded, a connection that is closed, broken or left in a transaction is never handed out again.
"""

import asyncio
from collections import deque
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from hexclave_server.core import clock
from hexclave_server.core.db.errors import DatabaseUnavailable

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 15.0
LONGEST_WAIT_SECONDS = 5.0
LONGEST_QUEUE = 4096
AFTER_REFUSAL_SECONDS = 0.25
IDLE_SECONDS = 120.0  # less than what firewalls and proxies silently drop

RawConnection: TypeAlias = Any  # asyncpg brings no types


def split_url(url: str) -> tuple[str, int | None]:
    """The URL as asyncpg takes it, and `statement_cache_size` of its query, which is ours."""
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    sizes = [int(value) for name, value in options if name == "statement_cache_size"]
    rest = urlencode([(name, value) for name, value in options if name != "statement_cache_size"], safe="/")
    return urlunsplit(parts._replace(query=rest)), sizes[-1] if sizes else None


async def connect(url: str) -> RawConnection:
    """One connection, with ids as text. Raises what asyncpg raises."""
    dsn, cache_size = split_url(url)
    connection = await asyncpg.connect(
        dsn,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        statement_cache_size=512 if cache_size is None else cache_size,
        max_cached_statement_lifetime=0,
        server_settings={"application_name": "hexclave"},
    )
    try:
        # In a transaction, so that behind a pooler its two round trips meet the same server.
        async with connection.transaction():
            await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")
    except BaseException:
        connection.terminate()
        raise
    return connection


class PostgresPool:
    """At most `size` connections, opened when needed, the last used first."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._open = 0
        self._idle: list[tuple[RawConnection, float]] = []
        self._waiters: deque[asyncio.Future[RawConnection | None]] = deque()
        self._refused_until = float("-inf")
        self._closed = False

    async def acquire(self) -> RawConnection:
        """A connection, to be given back with `release`. Raises `DatabaseUnavailable`."""
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_closed() and clock.monotonic() - since < IDLE_SECONDS:
                return connection
            self._drop(connection)
        if self._closed:
            msg = "PostgreSQL: the server is shutting down"
            raise DatabaseUnavailable(msg)
        if self._open < self._size:
            return await self._connect()
        return await self._wait()

    def release(self, connection: RawConnection, *, broken: bool = False) -> None:
        """Give a connection back; `broken` closes it."""
        if broken or self._closed or connection.is_closed() or connection.is_in_transaction():
            self._drop(connection)
            self._hand_over(None)
        elif not self._hand_over(connection):
            self._idle.append((connection, clock.monotonic()))

    def distrust_idle(self) -> None:
        """Close the connections nobody uses: the schema changed under their prepared statements, or the network lost them."""
        while self._idle:
            self._drop(self._idle.pop()[0])

    async def close(self) -> None:
        """Close what is idle now and the others when they come back."""
        self._closed = True
        idle, self._idle = self._idle, []
        for connection, _ in idle:
            self._open -= 1
            try:
                await connection.close(timeout=1)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()
        while self._hand_over(None):
            pass

    def _drop(self, connection: RawConnection) -> None:
        self._open -= 1
        connection.terminate()

    def _hand_over(self, connection: RawConnection | None) -> bool:
        """Give a connection, or the place for one, to who waits longest; False when nobody waits."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    async def _connect(self) -> RawConnection:
        if clock.monotonic() < self._refused_until:  # do not knock once per request on a door that was shut a moment ago
            msg = "PostgreSQL: no connection"
            raise DatabaseUnavailable(msg)
        self._open += 1
        try:
            return await connect(self._url)
        except BaseException as error:
            self._open -= 1
            self._hand_over(None)
            if not isinstance(error, (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
                raise
            self._refused_until = clock.monotonic() + AFTER_REFUSAL_SECONDS
            reason = f"PostgreSQL: {str(error) or type(error).__name__}"
            raise DatabaseUnavailable(reason) from error

    async def _wait(self) -> RawConnection:
        if len(self._waiters) >= LONGEST_QUEUE:
            msg = "PostgreSQL: too many requests wait for a connection"
            raise DatabaseUnavailable(msg)
        waiter: asyncio.Future[RawConnection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                connection = await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():  # it came at the very moment that we were cancelled
                given = waiter.result()
                if given is None:
                    self._hand_over(None)
                else:
                    self.release(given)
            if isinstance(error, TimeoutError):
                msg = "PostgreSQL: all connections are busy"
                raise DatabaseUnavailable(msg) from error
            raise
        return connection if connection is not None else await self.acquire()


def outcome_count(status: Any) -> int:
    """The number of rows from a command status such as `UPDATE 3`; 0 where it names none."""
    last = str(status).rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
