"""F5: a full disk refuses writes with 503, loses nothing, keeps reading, and is forgotten as soon as there is space."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.invariants import require_invariants
from tests.faults.ledger import Ledger
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
    await wait_for_writes(server)
    before = ledger.acknowledged.total()
    await write_for(ledger, 1.0)
    assert ledger.acknowledged.total() > before
    await ledger.verify_everything()
    print(f"{ledger.acknowledged.total()} acknowledged, {refused} refused")
    assert "Traceback" not in server.log()
    assert server.stop() == 0
    require_invariants(server)


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


async def wait_for_writes(server: RunningServer, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    async with server.project.async_http("server") as http:
        while True:
            answer = await http.post("/users", json={})
            if answer.status_code == 201:
                await http.delete(f"/users/{answer.json()['id']}")
                return
            assert answer.status_code == 503
            assert answer.headers["retry-after"].isdigit()
            assert time.monotonic() < deadline, "no writes although there is space again"
            await asyncio.sleep(0.1)
