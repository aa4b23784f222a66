"""A change of something cached is seen by every process of the node at once, and by other nodes within a second (DESIGN 4.2)."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hexclave_server.core.db import Connection, Database, bump_generation
from hexclave_server.core.db.cached_generation import FRESH_SECONDS, POLL_SECONDS
from hexclave_server.core.db.generation_file import GenerationFile
from tests.db.processes import bump, in_processes
from tests.db.storage import INSERT, Storage, thing

pytestmark = pytest.mark.anyio

SOON = 10  # seconds: after the next poll or never; what lies between tells of the machine that runs the test


async def test_a_bump_is_seen_at_once_by_everyone_on_the_node(storage: Storage, db: Database):
    async with storage.open() as other:
        for _ in range(3):
            mine, others = db.generation(), other.generation()
            await db.write(bump_generation)
            assert db.generation() != mine
            assert other.generation() != others


async def test_other_writes_and_failed_bumps_change_nothing(db: Database):
    async def fails(conn: Connection) -> None:
        await bump_generation(conn)
        raise LookupError

    before = db.generation()
    await db.write(lambda conn: conn.execute(INSERT, **thing(1)))
    with pytest.raises(LookupError):
        await db.write(fails)
    assert db.generation() == before


def test_the_database_is_asked_often_enough_for_a_second():
    assert POLL_SECONDS <= FRESH_SECONDS / 2 <= 0.5


async def test_another_node_sees_a_bump_soon(postgres_storage: Storage, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with postgres_storage.open() as db, postgres_storage.open(data_dir=elsewhere) as node:
        before = node.generation()
        started = time.monotonic()
        await db.write(bump_generation)
        while node.generation() == before:
            await asyncio.sleep(0.01)
            assert time.monotonic() - started < SOON


async def test_a_bump_whose_process_died_is_seen_soon(storage: Storage, db: Database):
    before = db.generation()
    storage.run("INSERT INTO core_state (key, counter) VALUES ('generation', 1)")  # committed, but nobody told the node
    started = time.monotonic()
    while db.generation() == before:
        await asyncio.sleep(0.01)
        assert time.monotonic() - started < SOON


async def test_without_the_database_the_generation_goes_stale(storage: Storage, db: Database, monkeypatch: pytest.MonkeyPatch):
    assert db.generation_is_fresh()
    storage.run("ALTER TABLE core_state RENAME TO away")
    polling = db._generation._task  # type: ignore[attr-defined]
    await asyncio.sleep(1.2)
    assert not db.generation_is_fresh()
    assert not polling.done()
    storage.run("ALTER TABLE away RENAME TO core_state")
    started = time.monotonic()
    while not db.generation_is_fresh():
        await asyncio.sleep(0.01)
        assert time.monotonic() - started < SOON


async def test_a_bump_by_another_process_is_seen_when_it_is_done(storage: Storage, db: Database):
    before = db.generation()
    await asyncio.to_thread(in_processes, 1, bump, storage.url, storage.data_dir)
    assert db.generation() != before


def test_no_raise_is_lost_between_those_who_raise_at_once(tmp_path: Path):
    files = [GenerationFile(tmp_path / "generation") for _ in range(3)]

    def raise_often(file: GenerationFile) -> None:
        for _ in range(1000):
            file.raise_by_one()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(raise_often, files))
    assert {file.read() for file in files} == {3000}
    for file in files:
        file.close()
