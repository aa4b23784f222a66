"""The processes that hash passwords: bounded, fair, replaced when they die, gone when nobody needs them (QUALITY A14)."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from hexclave_server.core import hash_processes
from hexclave_server.core.errors import Unavailable
from hexclave_server.core.hash_processes import HashingFailed, HashProcesses
from hexclave_server.core.passwords import PasswordHasher

PROMPT = 5.0


def run(hasher: PasswordHasher, work: Callable[[], Awaitable[None]]) -> None:
    """Runs a test's body in an event loop, and closes the hasher."""

    async def all_of_it() -> None:
        try:
            await work()
        finally:
            hasher.close()

    asyncio.run(all_of_it())


async def started(hasher: PasswordHasher, count: int) -> list[int]:
    """The ids of so many processes, after they hashed."""
    await asyncio.gather(*(hasher.hash("x") for _ in range(count)))
    assert hasher._pool is not None
    return hasher._pool.pids()


def send(pids: list[int], sent: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, sent)


async def until(condition: Callable[[], bool]) -> None:
    """Waits until it holds; fails when that takes long."""
    deadline = time.monotonic() + PROMPT
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def is_hash(result: Any) -> bool:
    return isinstance(result, str) and result.startswith("$argon2id$")


def test_a_flood_is_refused_and_the_pool_recovers() -> None:
    hasher = PasswordHasher(processes=2, queue=3)

    async def work() -> None:
        pids = await started(hasher, 2)
        send(pids, signal.SIGSTOP)
        tasks = [asyncio.create_task(hasher.hash("x")) for _ in range(5)]
        await asyncio.sleep(0.05)
        for _ in range(20):
            with pytest.raises(Unavailable) as refusal:
                await hasher.hash("x")
            assert refusal.value.retry_after_seconds >= 1
        send(pids, signal.SIGCONT)
        assert all(map(is_hash, await asyncio.gather(*tasks)))
        assert all(map(is_hash, await asyncio.gather(*(hasher.hash("x") for _ in range(5)))))
        assert set(hasher._pool.pids()) == set(pids)  # type: ignore[union-attr]

    run(hasher, work)


def test_who_fills_the_queue_makes_room_for_others() -> None:
    hasher = PasswordHasher(processes=1, queue=4)

    async def work() -> None:
        pids = await started(hasher, 1)
        send(pids, signal.SIGSTOP)
        greedy = [asyncio.create_task(hasher.hash("x", "greedy")) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await hasher.hash("x", "greedy")
        modest = [asyncio.create_task(hasher.hash("x", "modest")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):  # half of the places each
            await hasher.hash("x", "modest")
        send(pids, signal.SIGCONT)
        assert all(map(is_hash, await asyncio.gather(*modest)))
        results = await asyncio.gather(*greedy, return_exceptions=True)
        assert [is_hash(result) for result in results] == [True, True, True, False, False]
        assert all(isinstance(result, Unavailable) for result in results[3:])

    run(hasher, work)


def test_requests_that_go_away_give_their_places_back() -> None:
    hasher = PasswordHasher(processes=1, queue=3)

    async def work() -> None:
        pids = await started(hasher, 1)
        send(pids, signal.SIGSTOP)
        for _ in range(10):
            tasks = [asyncio.create_task(hasher.hash("x")) for _ in range(3)]
            await asyncio.sleep(0.005)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
        send(pids, signal.SIGCONT)
        await until(lambda: hasher._pool._idle != [])  # type: ignore[union-attr]
        assert all(map(is_hash, await asyncio.gather(*(hasher.hash("x") for _ in range(4)))))

    run(hasher, work)


def test_closing_refuses_what_waits() -> None:
    hasher = PasswordHasher(processes=1, queue=5)

    async def work() -> None:
        pids = await started(hasher, 1)
        send(pids, signal.SIGSTOP)
        tasks = [asyncio.create_task(hasher.hash("x")) for _ in range(3)]
        await asyncio.sleep(0.05)
        hasher.close()
        send(pids, signal.SIGCONT)
        running, *waiting = await asyncio.gather(*tasks, return_exceptions=True)
        assert is_hash(running)
        assert all(isinstance(result, Unavailable) for result in waiting)
        assert not psutil.pid_exists(pids[0])

    run(hasher, work)


def test_a_killed_process_costs_nobody_an_answer() -> None:
    hasher = PasswordHasher(processes=2)

    async def work() -> None:
        for busy in (True, False):
            pids = await started(hasher, 2)
            send(pids, signal.SIGSTOP)
            tasks = [asyncio.create_task(hasher.hash("x")) for _ in range(6 if busy else 0)]
            await asyncio.sleep(0.05)
            send(pids, signal.SIGKILL)
            tasks += [asyncio.create_task(hasher.hash("x")) for _ in range(4)]
            assert all(map(is_hash, await asyncio.gather(*tasks)))
            assert not any(psutil.pid_exists(pid) for pid in pids)

    run(hasher, work)


def test_a_job_that_no_process_survives_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_processes, "COMMAND", ("-c", "import os; os.read(0, 1); os._exit(3)"))
    hasher = PasswordHasher(processes=2)

    async def work() -> None:
        results = await asyncio.gather(*(hasher.hash("x") for _ in range(5)), return_exceptions=True)
        assert all(isinstance(result, Unavailable) for result in results)

    run(hasher, work)


def test_where_no_process_can_be_started_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    hasher = PasswordHasher(processes=2)

    async def work() -> None:
        with pytest.raises(Unavailable):
            await hasher.hash("x")

    run(hasher, work)


def test_an_error_in_a_process_is_named_and_the_process_goes_on() -> None:
    async def work() -> None:
        pool = HashProcesses(1, 1)
        with pytest.raises(HashingFailed, match="TypeError"):
            await pool.run("hash", 1)
        assert is_hash(await pool.run("hash", "x"))
        pool.close()

    asyncio.run(work())


def test_a_password_larger_than_the_sockets_buffer_arrives() -> None:
    hasher = PasswordHasher(processes=1)

    async def work() -> None:
        long = "x" * 3_000_000
        stored = await hasher.hash(long)
        assert (await hasher.verify(long, stored)).ok
        assert not (await hasher.verify(long + "x", stored)).ok

    run(hasher, work)


def test_idle_processes_give_memory_back_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_processes, "IDLE_SECONDS", 0.6)
    hasher = PasswordHasher(processes=2)

    async def work() -> None:
        pids = await started(hasher, 2)
        processes = [psutil.Process(pid) for pid in pids]
        await until(lambda: all(process.memory_full_info().uss < 15e6 for process in processes))
        await until(lambda: not any(psutil.pid_exists(pid) for pid in pids))
        assert len(await started(hasher, 1)) == 1

    run(hasher, work)


def test_one_at_a_time_needs_one_process() -> None:
    hasher = PasswordHasher(processes=4)

    async def work() -> None:
        for _ in range(4):
            assert len(await started(hasher, 1)) == 1

    run(hasher, work)


def test_they_start_late_are_nice_and_the_loop_stays_free() -> None:
    own = psutil.Process()
    before = set(own.children())
    hasher = PasswordHasher(processes=2)
    assert set(own.children()) == before

    async def work() -> None:
        pids = await started(hasher, 2)
        hashes = asyncio.gather(*(hasher.hash("x") for _ in range(8)))
        await asyncio.sleep(0)
        worst = 0.0
        while not hashes.done():
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - begun)
        await hashes
        assert worst < 0.25
        assert all(psutil.Process(pid).nice() >= 10 for pid in pids)

    run(hasher, work)


def test_nothing_secret_is_seen_from_outside(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEXCLAVE_MASTER_SECRET", "the master secret")
    monkeypatch.setenv("SOMETHING_SECRET", "of the operator")
    hasher = PasswordHasher(processes=1)

    async def work() -> None:
        stored = await hasher.hash("the password")
        await hasher.verify("the password", stored)
        [pid] = hasher._pool.pids()  # type: ignore[union-attr]
        seen = b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))  # noqa: ASYNC240
        for secret in ("the password", stored, "the master secret", "of the operator"):
            assert secret.encode() not in seen
        assert len(os.listdir(f"/proc/{pid}/fd")) == 3, "the socket twice and standard error"  # noqa: PTH208

    run(hasher, work)
    assert capfd.readouterr() == ("", "")


def test_signals_for_everybody_do_not_end_them() -> None:
    hasher = PasswordHasher(processes=1)

    async def work() -> None:
        pids = await started(hasher, 1)
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            send(pids, each)
        assert await started(hasher, 1) == pids

    run(hasher, work)


KILLED = """
import asyncio, os, signal
from hexclave_server.core.passwords import PasswordHasher
async def main():
    hasher = PasswordHasher(processes=2)
    await asyncio.gather(hasher.hash("x"), hasher.hash("x"))
    waiting = [asyncio.create_task(hasher.hash("x")) for _ in range(BUSY)]
    await asyncio.sleep(0)
    print(*hasher._pool.pids(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@pytest.mark.parametrize("busy", [0, 6])
def test_kill_minus_9_of_the_server_leaves_none(busy: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED.replace("BUSY", str(busy))], stdout=subprocess.PIPE, check=False, timeout=20)
    assert done.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2

    def is_gone(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    asyncio.run(until(lambda: all(map(is_gone, pids))))


FORKED = """
import asyncio, os
from hexclave_server.core.passwords import PasswordHasher
hasher = PasswordHasher(processes=1)
async def main():
    await hasher.hash("x")
    child = os.fork()
    if child == 0:
        try:
            asyncio.set_event_loop(None)
            asyncio.events._set_running_loop(None)
            asyncio.run(asyncio.wait_for(hasher.hash("x"), 5))
            hasher.close()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    await asyncio.wait_for(hasher.hash("x"), 5)
    hasher.close()
asyncio.run(main())
"""


def test_after_a_fork_each_has_its_own() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=True, timeout=20)


def test_one_hasher_serves_one_event_loop_after_another() -> None:
    hasher = PasswordHasher(processes=1)
    for _ in range(3):
        assert is_hash(asyncio.run(hasher.hash("x")))
    hasher.close()
