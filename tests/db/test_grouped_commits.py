"""SQLite: many requests share one commit, each answers for itself (DESIGN 4.1)."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw
import pytest

from hexclave_server.core.db import (
    Connection,
    Database,
    DatabaseUnavailable,
    UniqueViolation,
    WaitedInTransaction,
    sqlite_checkpoints,
    sqlite_writes,
)
from tests.db.processes import in_processes, increment
from tests.db.storage import COUNT, INSERT, SELECT, SELECT_ALL, Storage, Thing, thing, uuid

pytestmark = pytest.mark.anyio

FAILING = RuntimeError("on purpose")


async def insert(db: Database, number: int, **values: object) -> int:
    return await db.write(lambda conn: conn.execute(INSERT, **thing(number, **values)))


async def test_an_error_of_one_request_stays_with_it(sqlite_storage: Storage):
    async def fails(conn: Connection) -> None:
        await conn.execute(INSERT, **thing(1000))
        raise FAILING

    async with sqlite_storage.open() as db:
        results = await asyncio.gather(
            *[insert(db, number) for number in range(10)],
            db.write(fails),
            insert(db, 0),
            *[insert(db, number) for number in range(10, 20)],
            return_exceptions=True,
        )
        assert results[:10] == [1] * 10
        assert results[12:] == [1] * 10
        assert results[10] is FAILING
        assert isinstance(results[11], UniqueViolation)
        assert {row.id for row in await db.all(Thing, SELECT_ALL)} == {uuid(number) for number in range(20)}


async def test_requests_that_come_together_share_commits(sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch):
    async with sqlite_storage.open() as db:
        commits = []
        run_group = sqlite_writes.GroupedWriter._run_group

        async def counted(self: sqlite_writes.GroupedWriter) -> None:
            commits.append(1)
            await run_group(self)

        monkeypatch.setattr(sqlite_writes.GroupedWriter, "_run_group", counted)
        await asyncio.gather(*[insert(db, number) for number in range(64)])
        assert len(commits) <= 16


async def test_work_that_waits_is_a_bug_and_is_undone(sqlite_storage: Storage):
    async def waits(conn: Connection) -> None:
        await conn.execute(INSERT, **thing(1000))
        try:
            await asyncio.sleep(0.01)
        finally:
            await conn.execute(INSERT, **thing(1001))

    async def nested(conn: Connection) -> None:
        await conn.execute(INSERT, **thing(1002))
        await db.write(lambda inner: inner.execute(INSERT, **thing(1003)))

    async with sqlite_storage.open() as db:
        results = await asyncio.gather(insert(db, 1), db.write(waits), db.write(nested), insert(db, 2), return_exceptions=True)
        assert results[0] == results[3] == 1
        assert isinstance(results[1], WaitedInTransaction)
        assert isinstance(results[2], WaitedInTransaction)
        await insert(db, 3)
        stored = {row.id for row in await db.all(Thing, SELECT_ALL)}
        assert stored - {uuid(1003)} == {uuid(1), uuid(2), uuid(3)}  # the inner write was queued before anyone could know


async def test_the_loop_runs_on_while_the_disk_syncs(sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch):
    async with sqlite_storage.open() as db:
        await insert(db, 0)
        writer = db._writer  # type: ignore[attr-defined]
        connection = writer._apsw

        class Slow:
            def __getattr__(self, name: str) -> object:
                return getattr(connection, name)

            def execute(self, sql: str, *args: object) -> object:
                if sql == "COMMIT":
                    time.sleep(2)
                return connection.execute(sql, *args)

        writer._apsw = Slow()
        started = time.monotonic()
        writing = asyncio.create_task(insert(db, 1))
        longest = 0.0
        while not writing.done():
            before = time.monotonic()
            await asyncio.sleep(0.001)
            assert await db.first(Thing, SELECT, id=uuid(0)) is not None
            longest = max(longest, time.monotonic() - before)
        assert time.monotonic() - started >= 2
        assert longest < 1
        writer._apsw = connection


async def test_work_sees_the_context_of_its_request(sqlite_storage: Storage):
    request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id")

    async def work(_conn: Connection) -> str:
        return request_id.get()

    async def request(name: str) -> str:
        request_id.set(name)
        return await db.write(work)

    async with sqlite_storage.open() as db:
        assert await asyncio.gather(*[request(f"r{number}") for number in range(5)]) == [f"r{number}" for number in range(5)]


@contextmanager
def full_disk(bytes_allowed: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_allowed, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_refuses_the_whole_group_and_recovers(sqlite_storage: Storage):
    log = sqlite_storage.data_dir / "hexclave.db-wal"
    async with sqlite_storage.open() as db:
        await insert(db, 0)
        for way in range(3):
            before = await db.value(COUNT)
            base = 10_000 * (way + 1)
            with full_disk(log.stat().st_size + 50_000):
                results = await asyncio.gather(
                    *[insert(db, base + number, notes="x" * 20_000) for number in range(20)], insert(db, 0), return_exceptions=True
                )
                assert all(isinstance(result, DatabaseUnavailable) for result in results), results
                assert await db.value(COUNT) == before  # reads work
                assert await db.first(Thing, SELECT, id=uuid(0)) is not None
            assert await asyncio.gather(*[insert(db, base + number, notes="x" * 20_000) for number in range(20)]) == [1] * 20
            assert await db.value(COUNT) == before + 20
    assert sqlite_storage.run("PRAGMA integrity_check") == [("ok",)]


async def test_a_database_without_room_refuses_and_recovers(sqlite_storage: Storage):
    async with sqlite_storage.open() as db:
        await insert(db, 0)
        connection = db._writer._apsw  # type: ignore[attr-defined]
        pages = connection.execute("PRAGMA page_count").fetchall()[0][0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall()
        results = await asyncio.gather(*[insert(db, n, notes="x" * 3000) for n in range(1, 20)], return_exceptions=True)
        refused = [number for number, result in enumerate(results, 1) if isinstance(result, DatabaseUnavailable)]
        assert refused
        assert all(result == 1 for number, result in enumerate(results, 1) if number not in refused)
        assert {row.id for row in await db.all(Thing, SELECT_ALL)} == {uuid(number) for number in range(20) if number not in refused}
        assert await insert(db, 1, notes="x" * 30_000) == 1  # on a new connection, without that limit


async def test_a_locked_database_is_waited_for(sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch):
    other = apsw.Connection(str(sqlite_storage.data_dir / "hexclave.db"))
    async with sqlite_storage.open() as db:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(insert(db, 1))
        await asyncio.sleep(0.05)
        assert not writing.done()
        other.execute("COMMIT")
        assert await writing == 1
        monkeypatch.setattr(sqlite_writes, "LONGEST_WAIT_SECONDS", 0.05)
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(insert(db, 2), insert(db, 3), return_exceptions=True)
        assert all(isinstance(result, DatabaseUnavailable) for result in results)
        other.execute("COMMIT")
        assert await insert(db, 2) == 1
    other.close()


def test_several_processes_write_to_one_file(sqlite_storage: Storage):
    sqlite_storage.run(f"INSERT INTO things (id, made_at) VALUES ('{uuid(1)}', 0)")
    in_processes(3, increment, sqlite_storage.data_dir, 200)
    assert sqlite_storage.run("SELECT made_at FROM things") == [(600,)]
    assert sqlite_storage.run("PRAGMA integrity_check") == [("ok",)]


async def test_the_log_is_moved_into_the_file_by_one_process(sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_checkpoints, "LOOK_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(sqlite_checkpoints, "AT_LOG_BYTES", 50_000)
    log = sqlite_storage.data_dir / "hexclave.db-wal"
    async with sqlite_storage.open() as db, sqlite_storage.open() as other:
        for number in range(20):
            await insert(db, number, notes="x" * 10_000)
        for _ in range(200):
            await asyncio.sleep(0.02)
            if log.stat().st_size == 0:
                break
        assert log.stat().st_size == 0
        holders = [one._checkpoints._lock is not None for one in (db, other)]  # type: ignore[attr-defined]
        assert sum(holders) <= 1
        assert await other.value(COUNT) == 20
    assert not log.exists()


async def test_the_log_is_moved_although_somebody_always_writes(sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_checkpoints, "LOOK_EVERY_SECONDS", 3600)
    monkeypatch.setattr(sqlite_checkpoints, "TRY_FOR_SECONDS", 30)
    log = sqlite_storage.data_dir / "hexclave.db-wal"
    async with sqlite_storage.open() as db:
        await insert(db, 1)
        with contextlib.closing(apsw.Connection(str(sqlite_storage.data_dir / "hexclave.db"))) as writer:
            writer.execute("BEGIN IMMEDIATE")
            moving = asyncio.create_task(asyncio.to_thread(db._checkpoints._checkpoint))  # type: ignore[attr-defined]
            await asyncio.sleep(0.1)
            assert not moving.done()
            writer.execute("COMMIT")
            await moving
        assert log.stat().st_size == 0


async def test_after_closing_writes_are_refused(sqlite_storage: Storage):
    async with sqlite_storage.open() as db:
        writing = [asyncio.create_task(insert(db, number)) for number in range(5)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*writing) == [1] * 5  # closing finishes what was asked before
    with pytest.raises(DatabaseUnavailable):
        await insert(db, 9)
