"""The generation as one process sees it: the node's file, which moves at once, joined with the database's counter, polled.

The counter covers changes by other nodes, and by a process that died between its commit and the file.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from hexclave_server.core import clock
from hexclave_server.core.db.generation_file import GenerationFile

POLL_SECONDS = 0.5
FRESH_SECONDS = 1.0


class CachedGeneration:
    """Polls the counter with `read_counter` while it runs; reading costs two tenths of a microsecond."""

    def __init__(self, path: Path, read_counter: Callable[[], Awaitable[int]]) -> None:
        self._path = path
        self._read_counter = read_counter
        self._file: GenerationFile | None = None
        self._polled = 0
        self._polled_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the file, ask the database once and then every half second."""
        self._file = GenerationFile(self._path)
        await self._poll()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._file is not None:
            self._file.close()
            self._file = None

    def read(self) -> int:
        """A number that differs once anything cached has changed."""
        if self._file is None:
            msg = "the database was not started"
            raise RuntimeError(msg)
        return (self._polled << 32) | self._file.read()

    def is_fresh(self) -> bool:
        """Whether the database confirmed the counter within the last second."""
        return clock.monotonic() - self._polled_at <= FRESH_SECONDS

    def raise_by_one(self) -> None:
        """Tell this node, after a commit that changed something cached."""
        if self._file is not None:
            self._file.raise_by_one()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self._poll()

    async def _poll(self) -> None:
        asked_at = clock.monotonic()
        try:
            self._polled = await self._read_counter()
        except Exception:  # noqa: BLE001 - whatever it is, asking goes on, and `is_fresh` tells
            return
        self._polled_at = asked_at
