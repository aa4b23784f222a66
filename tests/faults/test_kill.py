"""F1: kill -9 during writes. Nothing that was acknowledged is lost, nothing is half there, and the server starts again at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import statistics
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.faults.invariants import require_invariants
from tests.faults.ledger import LONGEST_WAIT_SECONDS, UNTHROTTLED, Ledger
from tests.server import DatabaseKind, RunningServer

ROUNDS = int(os.environ.get("KILL_ROUNDS", "50"))
WRITES_BEFORE_KILL = 10
RESTART_SECONDS = 3.0
GONE_SECONDS = 15.0
VICTIMS = ("parent", "worker", "all", "worker")


@pytest.fixture
def killed_server(database: DatabaseKind) -> Iterator[RunningServer]:
    with RunningServer(database, {"HEXCLAVE_LOG_LEVEL": "warning", **UNTHROTTLED}, workers=2) as server:
        yield server


def processes_of(server: RunningServer) -> list[psutil.Process]:
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    return [parent, *parent.children(recursive=True)]


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill(server: RunningServer, victim: str, chooser: random.Random) -> list[psutil.Process]:
    """Kills; the processes that must be gone soon."""
    parent, *workers = processes_of(server)
    doomed = {"parent": [parent], "worker": [chooser.choice(workers)], "all": [parent, *workers]}[victim]
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    return [parent, *workers] if victim != "worker" else doomed


async def test_kill_9_loses_nothing_that_was_acknowledged(killed_server: RunningServer) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, {ROUNDS} rounds")
    chooser = random.Random(seed)
    server, ledger, restarts = killed_server, Ledger(killed_server.project), []
    for number in range(ROUNDS):
        victim = VICTIMS[number % len(VICTIMS)]
        first_of_round = len(ledger.accounts)
        await write_and_kill(server, ledger, victim, chooser)
        if victim != "worker":
            restarts.append(await asyncio.to_thread(restart, server))
        await ledger.verify(ledger.accounts[first_of_round:])
        require_invariants(server)
    await ledger.verify_everything()
    print(f"acknowledged: {dict(ledger.acknowledged)}, statuses {dict(ledger.statuses)}")
    print(f"restarts: median {statistics.median(restarts):.2f} s, longest {max(restarts):.2f} s")
    assert ledger.acknowledged.total() >= WRITES_BEFORE_KILL * ROUNDS
    # On a machine that is busy with other things as well, everything takes as much longer.
    assert statistics.median(restarts) < RESTART_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert server.stop() == 0
    require_invariants(server)


async def write_and_kill(server: RunningServer, ledger: Ledger, victim: str, chooser: random.Random) -> None:
    stop = asyncio.Event()
    enough = ledger.acknowledged.total() + WRITES_BEFORE_KILL
    writing = asyncio.create_task(ledger.write_until(stop))
    try:
        await asyncio.sleep(chooser.uniform(0.05, 0.5))
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while ledger.acknowledged.total() < enough:
            assert time.monotonic() < deadline, "a machine this slow tests nothing"
            await asyncio.sleep(0.01)
        doomed = await asyncio.to_thread(kill, server, victim, chooser)
        await asyncio.sleep(0.05)
    finally:
        stop.set()
        await writing
    deadline = time.monotonic() + GONE_SECONDS
    while not all(is_gone(process) for process in doomed):
        assert time.monotonic() < deadline, f"left over after killing {victim}: {doomed}"
        await asyncio.sleep(0.01)


def restart(server: RunningServer) -> float:
    """Starts the server again; seconds until it is healthy."""
    assert server.process is not None
    server.process.wait(GONE_SECONDS)
    started = time.monotonic()
    server.start()
    return time.monotonic() - started
