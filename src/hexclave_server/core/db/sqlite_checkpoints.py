"""Moving the write-ahead log into the database file: by one process, in a thread, by size and by time.

Whoever holds the lock file does it; when that process dies, the system frees the lock and another takes over. First a passive pass, which
blocks nobody, then TRUNCATE, which holds writers off only for what is left. It needs a moment in which nobody writes; where writes come
without pause one try in five finds one, so it tries for a while (not by a busy handler: that would hold off writers while it waits for readers).
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw

from hexclave_server.core import clock
from hexclave_server.core.db.errors import DatabaseUnavailable

LOOK_EVERY_SECONDS = 1.0
AT_LOG_BYTES = 8 * 1024 * 1024
AT_AGE_SECONDS = 60.0
TRY_FOR_SECONDS = 0.5
TRY_EVERY_SECONDS = 0.001


class Checkpoints:
    """The background task of one process; does nothing while another process holds the lock."""

    def __init__(self, path: Path, open_connection: Callable[[], apsw.Connection]) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._lock_path = path.with_name(path.name + "-checkpoint.lock")
        self._open = open_connection
        self._lock: int | None = None
        self._apsw: apsw.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "sqlite-checkpoint")
        self._last = clock.monotonic()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, every second."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop and free the lock; a checkpoint under way is finished."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._thread.shutdown()
        if self._apsw is not None:
            self._apsw.close(force=True)
        if self._lock is not None:
            os.close(self._lock)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if self._is_due() and self._holds_lock():
                self._last = clock.monotonic()
                await asyncio.get_running_loop().run_in_executor(self._thread, self._checkpoint)

    def _is_due(self) -> bool:
        try:
            size = self._log.stat().st_size
        except OSError:
            return False
        return size >= AT_LOG_BYTES or (size > 0 and clock.monotonic() - self._last >= AT_AGE_SECONDS)

    def _holds_lock(self) -> bool:
        if self._lock is not None:
            return True
        try:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def _checkpoint(self) -> None:
        # Readers in the way, or a full disk: the log stays as it is and the next look tries again.
        with contextlib.suppress(apsw.Error, DatabaseUnavailable):
            if self._apsw is None:
                self._apsw = self._open()
            self._apsw.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            give_up_at = clock.monotonic() + TRY_FOR_SECONDS
            while not _truncate_log(self._apsw) and clock.monotonic() < give_up_at:
                time.sleep(TRY_EVERY_SECONDS)


def _truncate_log(connection: apsw.Connection) -> bool:
    """Whether nobody was in the way."""
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return False
    return True
