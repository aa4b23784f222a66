"""Work for other processes. They are forked from a server that has imported this module once, so that each starts in no time."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hexclave_server.core.db import bump_generation, make_database
from tests.db.storage import ADD_ONE, uuid

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [__name__, "hexclave_server.core.db.sqlite", "hexclave_server.core.db.postgres", "hexclave_server.migrations.steps"]
)


def in_processes(count: int, function: Callable[..., Any], *arguments: Any) -> None:
    """Run a function of this module, or of the product, in several processes at once; fails unless all succeed."""
    processes = [_CONTEXT.Process(target=function, args=arguments) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(40)
    assert [process.exitcode for process in processes] == [0] * count


def increment(data_dir: Path, times: int) -> None:
    """Raise `made_at` of the thing number 1, by four writers at once."""

    async def run() -> None:
        db = make_database(None, data_dir)
        await db.start()

        async def some() -> None:
            for _ in range(times // 4):
                await db.write(lambda conn: conn.value(ADD_ONE, which=uuid(1)))

        await asyncio.gather(*[some() for _ in range(4)])
        await db.close()

    asyncio.run(run())


def bump(url: str | None, data_dir: Path) -> None:
    """Bump the generation once."""

    async def run() -> None:
        db = make_database(url, data_dir)
        await db.start()
        await db.write(bump_generation)
        await db.close()

    asyncio.run(run())
