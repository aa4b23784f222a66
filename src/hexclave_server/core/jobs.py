"""Work that comes round by itself: rows that mean nothing any more are removed, a little at a time.

Every worker runs the jobs; they are conditional deletes, so two of them at once do no harm. A job that fails is tried again at its next turn.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hexclave_server.core import randomness
from hexclave_server.core.db import DatabaseUnavailable
from hexclave_server.core.log import logger

if TYPE_CHECKING:
    from hexclave_server.core.db import Connection, Database

PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Job:
    """`step` deletes some rows in a write transaction and says how many; it is repeated until there are none, every `interval_seconds`."""

    name: str
    interval_seconds: float
    step: Callable[[Connection], Awaitable[int]]


class Jobs:
    """Runs jobs beside the requests until `stop`."""

    def __init__(self, database: Database, jobs: list[Job]) -> None:
        self._database = database
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins; each job's first turn comes at a random moment of its interval, so that workers do not meet."""
        self._tasks = [asyncio.create_task(self._repeat(job), name=f"job {job.name}") for job in self._jobs]

    async def stop(self) -> None:
        """Ends all jobs between two steps."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _repeat(self, job: Job) -> None:
        await asyncio.sleep(job.interval_seconds * randomness.fraction())
        while True:
            try:
                removed = 1
                while removed:
                    removed = await self._database.write(job.step)
                    await asyncio.sleep(PAUSE_SECONDS)
            except DatabaseUnavailable:
                logger().warning("job postponed: the database is away", job=job.name)
            except Exception as error:  # noqa: BLE001 - one bad turn must not end the job for ever
                logger().error("job failed", job=job.name, kind=type(error).__name__)
            await asyncio.sleep(job.interval_seconds)
