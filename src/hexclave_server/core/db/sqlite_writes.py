"""Grouped commits on the one write connection of a process (DESIGN 4.1).

Requests that arrive while a commit is under way form the next group. One group is one transaction: per request a savepoint in which its
coroutine is driven by hand to its end, then COMMIT in a thread, then the answers. So many writers share one sync of the disk, and the
event loop never waits for it. Either a whole group is kept or nothing of it; an error of one request undoes its savepoint only.
"""

import asyncio
import contextlib
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import apsw

from hexclave_server.core import clock, randomness
from hexclave_server.core.db.errors import DatabaseUnavailable, WaitedInTransaction
from hexclave_server.core.db.interface import Connection
from hexclave_server.core.db.sqlite_file import SqliteConnection, roll_back, translated

T = TypeVar("T")
Work = Callable[[Connection], Awaitable[T]]

LONGEST_WAIT_SECONDS = 5.0
LONGEST_GROUP_SECONDS = 0.005
LONGEST_QUEUE = 4096


class _Request:
    """One `write` on its way: its work, and where its caller waits."""

    __slots__ = ("answer", "context", "error", "result", "work")

    def __init__(self, work: Work[Any], answer: asyncio.Future[Any]) -> None:
        self.work = work
        self.answer = answer
        self.context = contextvars.copy_context()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        if self.answer.done():  # the caller was cancelled meanwhile
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)

    def refuse(self, reason: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(DatabaseUnavailable(reason))


class GroupedWriter:
    """Runs write transactions one group at a time; one per process and file."""

    def __init__(self, open_connection: Callable[[], apsw.Connection], on_bump: Callable[[], None]) -> None:
        self._open = open_connection
        self._on_bump = on_bump
        self._apsw: apsw.Connection | None = None
        self._queue: deque[_Request] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "sqlite-commit")
        self._closing = False

    async def write(self, work: Work[T]) -> T:
        """Run `work` in the next group. Raises what it raises, and `DatabaseUnavailable`."""
        if self._closing or len(self._queue) >= LONGEST_QUEUE:
            msg = "SQLite: the server is shutting down" if self._closing else "SQLite: too many writes are waiting"
            raise DatabaseUnavailable(msg)
        loop = asyncio.get_running_loop()
        request = _Request(work, loop.create_future())
        self._queue.append(request)
        if self._runner is None:
            # A context of its own: the runner outlives the request that happens to start it.
            self._runner = loop.create_task(self._run_groups(), context=contextvars.Context())
        result: T = await request.answer
        return result

    async def close(self) -> None:
        """Finish what is queued, then close the connection."""
        self._closing = True
        if self._runner is not None:
            await asyncio.wait([self._runner])
        self._thread.shutdown()
        if self._apsw is not None:
            self._apsw.close(force=True)
            self._apsw = None

    async def _run_groups(self) -> None:
        try:
            while self._queue:
                await self._run_group()
        finally:
            self._runner = None
            while self._queue:  # only after a bug or a cancelled runner: nobody may wait for ever
                self._queue.popleft().refuse("SQLite: the writer stopped")

    async def _run_group(self) -> None:
        group: list[_Request] = []
        try:
            connection = await self._begin()
            before = connection.total_changes()
            bumped = self._run_requests(connection, group)
            if connection.total_changes() != before:
                await asyncio.get_running_loop().run_in_executor(self._thread, connection.execute, "COMMIT")
            else:
                connection.execute("COMMIT")
        except (apsw.Error, DatabaseUnavailable) as error:
            self._lose(group or self._take_all(), error)
        except BaseException as error:
            self._lose(group, error)
            raise
        else:
            if bumped:
                self._on_bump()
            for request in group:
                request.settle()

    async def _begin(self) -> apsw.Connection:
        """Take the write lock. The retry is ours: SQLite's own sleeps in the loop's thread and is unfair between processes."""
        give_up_at = clock.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            if self._apsw is None:
                self._apsw = self._open()
            try:
                self._apsw.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                if clock.monotonic() > give_up_at:
                    raise
                await asyncio.sleep(0.0005 + 0.0015 * randomness.token_bytes(1)[0] / 255)
            else:
                return self._apsw

    def _run_requests(self, connection: apsw.Connection, group: list[_Request]) -> bool:
        """Run queued requests into the open transaction, for a few milliseconds; whether one of them bumped the generation."""
        bumped = False
        until = clock.monotonic() + LONGEST_GROUP_SECONDS
        while self._queue:
            request = self._queue.popleft()
            if request.answer.done():  # cancelled before its turn
                continue
            group.append(request)
            bumped |= _run_in_savepoint(connection, request)
            if clock.monotonic() > until:
                break
        return bumped

    def _take_all(self) -> list[_Request]:
        requests = list(self._queue)
        self._queue.clear()
        return requests

    def _lose(self, group: list[_Request], error: BaseException) -> None:
        """Undo the whole transaction and refuse all of its requests."""
        reason = str(translated(error)) if isinstance(error, apsw.Error) else str(error)
        if self._apsw is not None:
            roll_back(self._apsw)
            if not isinstance(error, apsw.BusyError):  # after an I/O error a connection is not to be trusted
                self._apsw.close(force=True)
                self._apsw = None
        for request in group:
            request.refuse(reason)


def _run_in_savepoint(connection: apsw.Connection, request: _Request) -> bool:
    """Run one request's work; its own errors stay with it. Raises where the whole transaction is lost."""
    view = SqliteConnection(connection)
    connection.execute("SAVEPOINT request")
    try:
        request.result = request.context.run(drive, request.work, view)
        if view.failure is not None:  # caught by the work; PostgreSQL would not let it go on either
            raise view.failure
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(view.failure, DatabaseUnavailable):
            raise view.failure from None
        if not connection.in_transaction:
            msg = "SQLite ended the transaction"
            raise DatabaseUnavailable(msg) from error
        connection.execute("ROLLBACK TO request")
        request.error = error
        view.bumped = False
    finally:
        view.end()
    connection.execute("RELEASE request")
    return view.bumped


def drive(work: Work[T], connection: SqliteConnection) -> T:
    """Run a coroutine that has nothing to wait for to its end. Raises `WaitedInTransaction` where it waits all the same."""
    steps = work(connection).__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    connection.end()  # what the work does while it is torn down must not write
    close = getattr(steps, "close", None)
    if close is not None:
        with contextlib.suppress(Exception):
            close()
    msg = "the work of a transaction awaited something other than its connection"
    raise WaitedInTransaction(msg)
