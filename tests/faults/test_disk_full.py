"""F5: a full disk refuses writes with 503, loses nothing, keeps reading, and is forgotten as soon as there is space."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.invariants import require_invariants
from tests.faults.ledger import UNTHROTTLED, Ledger, seconds_until_writes
from tests.server import RunningServer

SIZE = 64 * 1024 * 1024
"""Four times what the writes below could need if nothing were moved out of SQLite's log, at 22 KB each."""
WRITES = 300
REFUSALS = 100


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system."""
    directory = tmp_path / "disk"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
    if done is None or done.returncode != 0:
        pytest.skip("needs the right to mount a small file system (root)")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


@pytest.fixture
def cramped_server(small_disk: Path) -> Iterator[RunningServer]:
    """A server with data and log on the small disk."""
    server = RunningServer("sqlite", {"HEXCLAVE_DATA_DIR": str(small_disk / "data"), **UNTHROTTLED})
    server.data_dir = small_disk / "data"
    server.log_file = small_disk / "server.log"
    with server:
        yield server


async def test_a_full_disk_costs_writes_but_no_data(cramped_server: RunningServer, small_disk: Path) -> None:
    server, ledger = cramped_server, Ledger(cramped_server.project)
    await ledger.write_while(lambda: ledger.acknowledged.total() < WRITES)
    assert set(ledger.statuses) <= {200, 201}
    async with kept_full(small_disk / "filler"):
        await ledger.write_while(lambda: ledger.statuses[503] < REFUSALS)
        await ledger.verify_reads()
    assert await seconds_until_writes(server.project) < 5
    before = ledger.acknowledged.total()
    await ledger.write_while(lambda: ledger.acknowledged.total() < before + WRITES)
    await ledger.verify_everything()
    print(f"{ledger.acknowledged.total()} acknowledged, {ledger.statuses[503]} refused")
    assert set(ledger.statuses) <= {200, 201, 503}
    assert "Traceback" not in server.log()
    assert server.stop() == 0
    require_invariants(server)


async def test_a_file_that_may_not_grow_costs_writes_but_no_data() -> None:
    """The same for a quota, which needs no rights to set up: a limit on the size of files, lowered and lifted while the server runs."""
    with RunningServer("sqlite", {"HEXCLAVE_LOG_LEVEL": "warning", **UNTHROTTLED}) as server:
        ledger = Ledger(server.project)
        await ledger.write_while(lambda: ledger.acknowledged.total() < WRITES)
        assert set(ledger.statuses) <= {200, 201}
        limit_files(server, (server.data_dir / "hexclave.db-wal").stat().st_size)
        await ledger.write_while(lambda: ledger.statuses[503] < REFUSALS)
        await ledger.verify_reads()
        limit_files(server, resource.RLIM_INFINITY)
        assert await seconds_until_writes(server.project) < 5
        before = ledger.acknowledged.total()
        await ledger.write_while(lambda: ledger.acknowledged.total() < before + WRITES)
        await ledger.verify_everything()
        print(f"{ledger.acknowledged.total()} acknowledged, {ledger.statuses[503]} refused")
        assert set(ledger.statuses) <= {200, 201, 503}
        assert server.stop() == 0
        require_invariants(server)


def test_a_server_can_be_stopped_while_the_disk_is_full(cramped_server: RunningServer, small_disk: Path) -> None:
    project = cramped_server.project
    fill(small_disk / "filler")
    with project.http("server") as http:
        assert http.get("/users").status_code == 200
    assert cramped_server.stop() == 0


def test_a_cached_change_on_a_disk_that_is_full_by_now_does_not_end_the_process(small_disk: Path) -> None:
    """The counter of changes is mapped into memory: a page of it that has no place on the disk yet would be a SIGBUS."""
    raises = (
        "import sys; from pathlib import Path; from hexclave_server.core.db.generation_file import GenerationFile\n"
        "file = GenerationFile(Path(sys.argv[1])); print(flush=True); input(); file.raise_by_one()"
    )
    command = [sys.executable, "-c", raises, str(small_disk / "generation")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "\n"
        fill(small_disk / "filler")
        process.communicate("\n")
    assert process.returncode == 0


def limit_files(server: RunningServer, size: int) -> None:
    """How large files may grow that the server writes; its hard limit stays."""
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    for process in (parent, *parent.children(recursive=True)):
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


@contextlib.asynccontextmanager
async def kept_full(path: Path) -> AsyncIterator[None]:
    """Takes all the space that is left for the length of a block, and what a checkpoint frees meanwhile."""

    async def keep_full() -> None:
        while True:
            await asyncio.sleep(0.01)
            fill(path)

    fill(path)
    keeping = asyncio.create_task(keep_full())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        await asyncio.to_thread(path.unlink)


def fill(path: Path) -> None:
    """Takes all the space that is left."""
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
