"""F5: a full disk refuses writes with 503, loses nothing, keeps reading, and is forgotten as soon as there is space."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.invariants import require_invariants
from tests.faults.ledger import Ledger, seconds_until_writes
from tests.server import RunningServer

SIZE = 20 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 20 MB."""
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
    server = RunningServer("sqlite", {"HEXCLAVE_DATA_DIR": str(small_disk / "data")})
    server.data_dir = small_disk / "data"
    server.log_file = small_disk / "server.log"
    with server:
        yield server


async def test_a_full_disk_costs_writes_but_no_data(cramped_server: RunningServer, small_disk: Path) -> None:
    server, ledger = cramped_server, Ledger(cramped_server.project)
    await write_for(ledger, 1.0)
    assert set(ledger.statuses) <= {200, 201}
    fill(small_disk / "filler")
    await write_for(ledger, 3.0)
    refused = ledger.statuses[503]
    assert refused > 0
    await ledger.verify_reads()
    (small_disk / "filler").unlink()
    assert await seconds_until_writes(server.project) < 5
    before = ledger.acknowledged.total()
    await write_for(ledger, 1.0)
    assert ledger.acknowledged.total() > before
    await ledger.verify_everything()
    print(f"{ledger.acknowledged.total()} acknowledged, {refused} refused")
    assert "Traceback" not in server.log()
    assert server.stop() == 0
    require_invariants(server)


async def test_a_file_that_may_not_grow_costs_writes_but_no_data() -> None:
    """The same for a quota, which needs no rights to set up: a limit on the size of files, lowered and lifted while the server runs."""
    with RunningServer("sqlite", {"HEXCLAVE_LOG_LEVEL": "warning"}) as server:
        ledger = Ledger(server.project)
        await write_for(ledger, 1.0)
        assert set(ledger.statuses) <= {200, 201}
        limit_files(server, (server.data_dir / "hexclave.db-wal").stat().st_size)
        await write_for(ledger, 2.0)
        refused = ledger.statuses[503]
        assert refused > 0
        await ledger.verify_reads()
        limit_files(server, resource.RLIM_INFINITY)
        assert await seconds_until_writes(server.project) < 5
        await write_for(ledger, 0.5)
        await ledger.verify_everything()
        print(f"{ledger.acknowledged.total()} acknowledged, {refused} refused")
        assert server.stop() == 0
        require_invariants(server)


def limit_files(server: RunningServer, size: int) -> None:
    """How large files may grow that the server writes; its hard limit stays."""
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    for process in (parent, *parent.children(recursive=True)):
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


async def write_for(ledger: Ledger, seconds: float) -> None:
    stop = asyncio.Event()
    writing = asyncio.create_task(ledger.write_until(stop))
    await asyncio.sleep(seconds)
    stop.set()
    await writing


def fill(path: Path) -> None:
    """Takes all the space that is left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
