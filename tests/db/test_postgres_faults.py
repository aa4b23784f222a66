"""PostgreSQL restarts, cut connections, deadlocks, changed schemas, full pools: refused or repeated, never a poisoned pool (QUALITY F3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import bindparam, select, update

from hexclave_server.core.db import Connection, Database, DatabaseUnavailable, Query, make_database, postgres_pool
from hexclave_server.core.db.postgres_pool import LONGEST_WAIT_SECONDS, split_url
from tests.db.storage import ADD_ONE, COUNT, INSERT, SELECT, SELECT_ALL, Storage, Thing, new_storage, thing, things, uuid
from tests.postgres import PostgresForTests

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresForTests]:
    """A server that may be restarted."""
    server = PostgresForTests()
    yield server
    server.close()


@pytest.fixture
def fragile(own_server: PostgresForTests, tmp_path: Path) -> Iterator[Storage]:
    """A database on it."""
    with new_storage("postgresql", tmp_path, own_server) as storage:
        yield storage


async def insert(db: Database, number: int) -> int:
    return await db.write(lambda conn: conn.execute(INSERT, **thing(number)))


async def busy_clients(db: Database, outcomes: list[Any], stop: asyncio.Event) -> None:
    """Reads and writes without pause; what they get is an answer or DatabaseUnavailable."""

    async def client(number: int) -> None:
        next_id = number * 1_000_000
        while not stop.is_set():
            try:
                next_id += 1
                await insert(db, next_id)
                outcomes.append(uuid(next_id))
                await db.value(COUNT)
            except DatabaseUnavailable as error:
                outcomes.append(error)
                await asyncio.sleep(0.01)

    await asyncio.gather(*[client(number) for number in range(1, 9)])


@pytest.mark.parametrize("fault", ["restart", "kill_backends"])
async def test_faults_refuse_at_most_and_pass(fragile: Storage, own_server: PostgresForTests, fault: str):
    async with fragile.open(pool=4) as db:
        outcomes: list[Any] = []
        stop = asyncio.Event()
        clients = asyncio.create_task(busy_clients(db, outcomes, stop))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(getattr(own_server, fault))
        back_at = time.monotonic()
        while time.monotonic() - back_at < 5:
            seen = len(outcomes)
            await asyncio.sleep(0.1)
            if len(outcomes) > seen and not any(isinstance(one, Exception) for one in outcomes[seen:]):
                break
        recovered = time.monotonic() - back_at
        stop.set()
        await clients  # nothing but DatabaseUnavailable ever came
        assert recovered < 5
        await asyncio.gather(*[db.ping() for _ in range(10)])
        stored = {row.id for row in await db.all(Thing, SELECT_ALL)}
        assert {one for one in outcomes if isinstance(one, str)} <= stored  # nothing acknowledged was lost
        assert any(isinstance(one, DatabaseUnavailable) for one in outcomes)


async def test_while_the_database_is_away_everything_is_refused_quickly(fragile: Storage, own_server: PostgresForTests):
    async with fragile.open() as db:
        await db.ping()
        await asyncio.to_thread(own_server.stop)
        try:
            started = time.monotonic()
            results = await asyncio.gather(*[db.value(COUNT) for _ in range(50)], return_exceptions=True)
            assert all(isinstance(result, DatabaseUnavailable) for result in results)
            assert time.monotonic() - started < LONGEST_WAIT_SECONDS, "nobody waited for a connection"
            await asyncio.sleep(1.1)
            assert not db.generation_is_fresh()
        finally:
            await asyncio.to_thread(own_server.start)
        back_at = time.monotonic()
        while not db.generation_is_fresh():
            await asyncio.sleep(0.01)
            assert time.monotonic() - back_at < 10
        await db.ping()


async def test_it_starts_while_the_database_is_away(tmp_path: Path):
    db = make_database("postgresql://nobody@127.0.0.1:1/nothing", tmp_path, 2)
    await db.start()
    with pytest.raises(DatabaseUnavailable):
        await db.ping()
    assert not db.generation_is_fresh()
    await db.close()


async def test_a_deadlock_is_repeated(postgres_storage: Storage):
    async with postgres_storage.open() as db:
        await db.execute(INSERT, **thing(1))
        await db.execute(INSERT, **thing(2))
        both_hold = asyncio.Barrier(2)
        runs = []

        async def crosswise(conn: Connection, first: int, second: int) -> None:
            runs.append(first)
            await conn.value(ADD_ONE, which=uuid(first))
            if len(runs) <= 2:
                await both_hold.wait()
            await conn.value(ADD_ONE, which=uuid(second))

        await asyncio.gather(db.write(lambda conn: crosswise(conn, 1, 2)), db.write(lambda conn: crosswise(conn, 2, 1)))
        assert len(runs) == 3
        assert [row.made_at for row in await db.all(Thing, SELECT_ALL)] == [2, 2]


async def test_a_migration_under_prepared_statements_goes_unnoticed(postgres_storage: Storage):
    class Made(msgspec.Struct):
        made_at: int

    query = Query(select(things.c.made_at).where(things.c.id == bindparam("id")))
    touch = Query(update(things).where(things.c.id == bindparam("which")).values(name=bindparam("n")).returning(things.c.made_at))
    async with postgres_storage.open(pool=3) as db:
        await db.execute(INSERT, **thing(1))

        async def work(conn: Connection) -> Any:
            await conn.value(touch, which=uuid(1), n="x")
            return await conn.first(Made, query, id=uuid(1))

        for kind in ("INTEGER", "BIGINT", "INTEGER"):
            await asyncio.gather(*[db.write(work) for _ in range(6)], *[db.first(Made, query, id=uuid(1)) for _ in range(6)])
            postgres_storage.run(f"ALTER TABLE things ALTER COLUMN made_at TYPE {kind}")
        results = await asyncio.gather(*[db.write(work) for _ in range(6)], *[db.first(Made, query, id=uuid(1)) for _ in range(6)])
        assert results == [Made(0)] * 12


async def test_waiting_for_a_connection_is_bounded(postgres_storage: Storage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres_pool, "LONGEST_WAIT_SECONDS", 0.1)
    async with postgres_storage.open(pool=1) as db:
        go_on = asyncio.Event()

        async def slow(conn: Connection) -> None:
            await conn.value(COUNT)
            await go_on.wait()  # a bug that PostgreSQL cannot tell

        writing = asyncio.create_task(db.write(slow))
        await asyncio.sleep(0.05)
        with pytest.raises(DatabaseUnavailable):
            await db.value(COUNT)
        go_on.set()
        await writing
        assert await db.value(COUNT) == 0


async def test_cancelled_requests_leave_a_clean_pool(postgres_storage: Storage):
    async with postgres_storage.open(pool=2) as db:
        for delay in range(30):
            tasks = [asyncio.create_task(insert(db, number)) for number in range(delay * 10, delay * 10 + 6)]
            await asyncio.sleep(delay / 10_000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*[db.value(COUNT) for _ in range(10)])
        pool = db._pool  # type: ignore[attr-defined]
        assert pool._open == len(pool._idle) <= 2


async def test_a_connection_left_in_a_transaction_is_not_used_again(postgres_storage: Storage):
    async with postgres_storage.open(pool=1) as db:
        await db.ping()
        pool = db._pool  # type: ignore[attr-defined]
        raw = await pool.acquire()
        await raw.execute("BEGIN")
        pool.release(raw)
        fresh = await pool.acquire()
        assert fresh is not raw
        pool.release(fresh)


async def test_behind_a_pooler_nothing_is_prepared(postgres_storage: Storage):
    assert postgres_storage.url is not None
    storage = Storage("postgresql", postgres_storage.url + "&statement_cache_size=0", postgres_storage.data_dir, None)
    assert split_url(storage.url or "") == (postgres_storage.url, 0)
    async with storage.open() as db:
        await db.execute(INSERT, **thing(1))
        assert await db.value(ADD_ONE, which=uuid(1)) == 1
        row = await db.first(Thing, SELECT, id=uuid(1))
        assert row is not None
        assert row.made_at == 1
        assert [len(rows) async for rows in db.pages(Thing, SELECT_ALL)] == [1]
        raw = await db._pool.acquire()  # type: ignore[attr-defined]
        assert await raw.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''") == 0
        db._pool.release(raw)  # type: ignore[attr-defined]
