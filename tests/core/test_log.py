"""A log that cannot be written costs lines and nothing else."""

from __future__ import annotations

import asyncio
import errno
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest
import structlog

from hexclave_server.core import log
from hexclave_server.core.db import DatabaseUnavailable
from hexclave_server.core.jobs import Job, Jobs

if TYPE_CHECKING:
    from hexclave_server.core.db import Connection, Database


class FullDisk(io.StringIO):
    """Refuses what is written while `is_full`."""

    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


@pytest.fixture
def disk() -> Iterator[FullDisk]:
    """Where the log is written for the length of a test."""
    stream = FullDisk()
    log.configure("json", "info", stream)
    yield stream
    structlog.reset_defaults()


def test_events_are_lost_until_there_is_space(disk: FullDisk) -> None:
    log.logger().error("lost")
    disk.is_full = False
    log.logger().error("kept")
    assert "lost" not in disk.getvalue()
    assert "kept" in disk.getvalue()


class AwayDatabase:
    """Refuses writes; tells when it has refused three."""

    def __init__(self) -> None:
        self.tries = 0
        self.was_tried_often = asyncio.Event()

    async def write(self, _work: object) -> int:
        self.tries += 1
        if self.tries == 3:
            self.was_tried_often.set()
        msg = "disk full"
        raise DatabaseUnavailable(msg)


async def nothing(_conn: Connection) -> int:
    return 0


@pytest.mark.usefixtures("disk")
async def test_a_job_goes_on_when_neither_database_nor_log_can_be_written() -> None:
    database = AwayDatabase()
    jobs = Jobs(cast("Database", database), [Job("purge", 0.001, nothing)])
    jobs.start()
    async with asyncio.timeout(30):
        await database.was_tried_often.wait()
    await jobs.stop()
