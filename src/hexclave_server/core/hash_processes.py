"""Processes that hash passwords for one server worker: started when needed, closed when idle, replaced when they die.

Processes and not threads, since a thread of low priority that is displaced while it holds the interpreter's lock stops the event loop
(docs/adr/0006). Invariants: a job waits only where all processes are busy, and only so many wait; a job is tried on a second process
when the first one dies, and never a third time; passwords and hashes go through a socket, nowhere else; nothing starts before the first job.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

from hexclave_server.core.errors import Unavailable
from hexclave_server.core.log import logger

IDLE_SECONDS: Final = 60.0
RETRY_AFTER_SECONDS: Final = 1
MOST_TRIES: Final = 2
COMMAND: Final = ("-P", "-c", "from hexclave_server.core.hash_process import main; main()")
# One block of 19 MiB is allocated for each hash and freed after it. As told here glibc keeps it, in huge pages where the system has them:
# 5% less CPU per hash than a thread of the server needs (docs/adr/0006). Other C libraries ignore this.
MALLOC: Final = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=134217728",
}
INHERITED: Final = ("PATH", "HOME", "PYTHON", "LD_")
"""Beginnings of the environment variables a process needs to find Python and its libraries; the server's secrets are in others."""

_CHUNK: Final = 65_536


class HashingFailed(Exception):
    """A bug, or not enough memory: a hash function raised the error with this name."""


class _Job:
    """A line to send, for whom, and where the caller waits."""

    __slots__ = ("answer", "line", "owner", "tries")

    def __init__(self, request: tuple[Any, ...], owner: str | None, answer: asyncio.Future[Any]) -> None:
        self.line = json.dumps(request).encode("ascii") + b"\n"
        self.owner = owner
        self.answer = answer
        self.tries = 0

    def refuse(self) -> None:
        if not self.answer.done():
            self.answer.set_exception(Unavailable(retry_after_seconds=RETRY_AFTER_SECONDS))

    def settle(self, line: bytes) -> None:
        if self.answer.done():  # the client went away meanwhile
            return
        result, failure = json.loads(line)
        if failure is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(HashingFailed(failure))


class _Process:
    """One process with its socket and the job that it has, if any. Raises OSError where none can be started."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_answer: Callable[[_Process, bytes], None], on_death: Callable[[_Process], None]
    ) -> None:
        self._loop = loop
        self._on_answer = on_answer
        self._on_death = on_death
        self._unsent = bytearray()
        self._received = bytearray()
        self.job: _Job | None = None
        self.retirement: asyncio.TimerHandle | None = None
        self._socket, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
                    [sys.executable, *COMMAND], stdin=theirs.fileno(), stdout=theirs.fileno(), env=_environment()
                )
            except BaseException:
                self._socket.close()
                raise
        self._socket.setblocking(False)
        loop.add_reader(self._socket, self._read)

    def begin(self, job: _Job) -> None:
        """Sends the job; `on_answer` or `on_death` will be called."""
        if self.retirement is not None:
            self.retirement.cancel()
        self.job = job
        self._unsent += job.line
        self._write()

    def end(self) -> int:
        """Ends the process, whatever it does; how it had ended if it had, else -9. What it knew is worth nothing, so nothing is asked of it."""
        if self.retirement is not None:
            self.retirement.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket.close()
        self._process.kill()
        return self._process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:  # it is dead: reading tells
            sent = len(self._unsent)
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._on_death(self)
            return
        self._received += data
        if self._received.endswith(b"\n"):
            line = bytes(self._received)
            self._received.clear()
            self._on_answer(self, line)


class HashProcesses:
    """Up to `limit` processes, and up to `places` jobs that wait for one. Belongs to the event loop in which it was made."""

    def __init__(self, limit: int, places: int) -> None:
        self._limit = limit
        self._places = places
        self._loop = asyncio.get_running_loop()
        self._forked_from = os.getpid()
        self._waiting: deque[_Job] = deque()
        self._all: set[_Process] = set()
        self._idle: list[_Process] = []
        self._closed = False

    def is_usable(self) -> bool:
        """Whether it belongs to the running event loop of this process: no other may touch its sockets."""
        return self._forked_from == os.getpid() and self._loop is asyncio.get_running_loop()

    def pids(self) -> list[int]:
        """The processes that are there now."""
        return [process.pid for process in self._all]

    async def run(self, *request: Any, owner: str | None = None) -> Any:
        """The result of a job (see `hash_process.JOBS`). Raises Unavailable when too many wait, `close` was called or two processes died."""
        job = _Job(request, owner, self._loop.create_future())
        if len(self._waiting) >= self._places:
            self._make_room(owner)
        self._waiting.append(job)
        self._assign()
        try:
            return await job.answer
        except asyncio.CancelledError:
            if job in self._waiting:
                self._waiting.remove(job)
            raise

    def close(self) -> None:
        """Refuses what waits and ends idle processes; a busy one ends with its answer. In a fork it does nothing: they are not its own."""
        if self._forked_from != os.getpid():
            return
        self._closed = True
        while self._waiting:
            self._waiting.popleft().refuse()
        for process in self._idle if not self._loop.is_closed() else [*self._all]:
            self._all.discard(process)
            process.end()
        self._idle.clear()

    def _make_room(self, owner: str | None) -> None:
        """The owner with the most places gives up his newest one to another with less, so that no project keeps out all others."""
        taken = Counter(job.owner for job in self._waiting)
        greediest, most = taken.most_common(1)[0] if taken else (owner, 0)
        if taken[owner] + 1 >= most:
            raise Unavailable(retry_after_seconds=RETRY_AFTER_SECONDS)
        newest = next(job for job in reversed(self._waiting) if job.owner == greediest)
        self._waiting.remove(newest)
        newest.refuse()

    def _assign(self) -> None:
        while self._waiting and (process := self._free_process()) is not None:
            job = self._waiting.popleft()
            job.tries += 1
            process.begin(job)

    def _free_process(self) -> _Process | None:
        if self._idle:
            return self._idle.pop()  # the one that was busy last, so that the others may retire
        if len(self._all) >= self._limit:
            return None
        try:
            process = _Process(self._loop, self._answered, self._died)
        except OSError as error:
            logger().error("no process for hashing passwords can be started", reason=str(error))
            while self._waiting and not self._all:
                self._waiting.popleft().refuse()
            return None
        self._all.add(process)
        return process

    def _answered(self, process: _Process, line: bytes) -> None:
        job, process.job = process.job, None
        if self._closed:
            self._end(process)
        else:
            process.retirement = self._loop.call_later(IDLE_SECONDS, self._end, process)
            self._idle.append(process)
            self._assign()  # first: the process has something to do while the answer goes its way
        if job is not None:
            job.settle(line)

    def _died(self, process: _Process) -> None:
        job = process.job
        logger().warning("a process for hashing passwords died", status=self._end(process))
        if job is not None and (self._closed or job.tries >= MOST_TRIES):
            job.refuse()
        elif job is not None and not job.answer.done():
            self._waiting.appendleft(job)
        self._assign()

    def _end(self, process: _Process) -> int:
        self._all.discard(process)
        if process in self._idle:
            self._idle.remove(process)
        return process.end()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(INHERITED)} | MALLOC
