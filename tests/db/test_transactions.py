"""Transactions behave the same on both databases."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest
from sqlalchemy import bindparam, insert, select, update

from hexclave_server.contact_channels.tables import contact_channels
from hexclave_server.core.db import (
    Connection,
    Database,
    ForeignKeyViolation,
    Query,
    TransactionIsOver,
    UniqueViolation,
    core_state,
)
from hexclave_server.projects.tables import tenancies
from tests.db.storage import ADD_ONE, COUNT, INSERT, SELECT_ALL, Storage, Thing, thing, things, uuid

pytestmark = pytest.mark.anyio


async def test_what_write_returns_is_committed(storage: Storage, db: Database):
    async def work(conn: Connection) -> str:
        await conn.execute(INSERT, **thing(1))
        await conn.execute(INSERT, **thing(2))
        assert await conn.value(COUNT) == 2
        return "done"

    assert await db.write(work) == "done"
    assert storage.run("SELECT count(*) FROM things")[0][0] == 2


async def test_an_exception_rolls_back_and_propagates(db: Database):
    async def work(conn: Connection) -> None:
        await conn.execute(INSERT, **thing(1))
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        await db.write(work)
    assert await db.value(COUNT) == 0


async def test_a_taken_key_is_a_unique_violation_and_rolls_back(db: Database):
    await db.execute(INSERT, **thing(1))

    async def work(conn: Connection) -> None:
        await conn.execute(INSERT, **thing(2))
        await conn.execute(INSERT, **thing(3, name="thing 1"))

    with pytest.raises(UniqueViolation):
        await db.write(work)
    assert await db.value(COUNT) == 1
    with pytest.raises(UniqueViolation):
        await db.execute(INSERT, **thing(1))
    assert await db.write(lambda conn: conn.execute(INSERT, **thing(2))) == 1


async def test_a_violation_names_its_constraint(db: Database):
    put = Query(insert(core_state).values(key=bindparam("k")))
    await db.execute(put, k="x")
    with pytest.raises(UniqueViolation) as caught:
        await db.execute(put, k="x")
    assert caught.value.constraint == "pk_core_state"

    async def seed(conn: Connection) -> None:
        await conn.execute(
            Query(insert(tenancies).values(id=bindparam("i"), project_id=bindparam("p"), branch_id=bindparam("b"))),
            i=uuid(1),
            p="nobody",
            b="main",
        )

    with pytest.raises(ForeignKeyViolation):
        await db.write(seed)


async def test_partial_unique_indexes_are_named(storage: Storage, db: Database):
    storage.run(
        "INSERT INTO projects (id, display_name, description, is_production_mode, is_development_environment, onboarding_status, created_at)"
        " VALUES ('p', 'p', '', false, false, 'completed', 0)"
    )
    storage.run(f"INSERT INTO tenancies (id, project_id, branch_id) VALUES ('{uuid(1)}', 'p', 'main')")
    for number in (1, 2):
        storage.run(
            "INSERT INTO users (tenancy_id, id, signed_up_at, last_active_at, is_anonymous, restricted_by_admin, otp_auth_enabled,"
            f" requires_totp_mfa, risk_bot, risk_free_trial_abuse) VALUES ('{uuid(1)}', '{uuid(number)}', 0, 0, false, false, false, false, 0, 0)"
        )
    put = Query(insert(contact_channels))
    fixed = {"tenancy_id": uuid(1), "type": "email", "value": "a@example.com", "is_primary": False, "is_verified": False, "created_at": 0}
    await db.execute(put, **fixed, id=uuid(1), user_id=uuid(1), used_for_auth=True)
    with pytest.raises(UniqueViolation) as caught:
        await db.execute(put, **fixed, id=uuid(2), user_id=uuid(2), used_for_auth=True)
    assert caught.value.constraint == "uq_contact_channels_used_for_auth"
    await db.execute(put, **fixed, id=uuid(2), user_id=uuid(2), used_for_auth=False)


async def test_after_a_failed_statement_the_transaction_is_lost(db: Database):
    await db.execute(INSERT, **thing(1))

    async def goes_on(conn: Connection) -> None:
        try:
            await conn.execute(INSERT, **thing(1))
        except UniqueViolation:
            await conn.execute(INSERT, **thing(2))

    with pytest.raises(TransactionIsOver):
        await db.write(goes_on)

    async def keeps_silent(conn: Connection) -> None:
        await conn.execute(INSERT, **thing(3))
        with contextlib.suppress(UniqueViolation):
            await conn.execute(INSERT, **thing(1))

    with pytest.raises(UniqueViolation):
        await db.write(keeps_silent)
    assert await db.value(COUNT) == 1


async def test_a_connection_does_not_outlive_its_transaction(db: Database):
    kept: list[Connection] = []

    async def work(conn: Connection) -> None:
        kept.append(conn)

    await db.write(work)
    await db.snapshot(work)
    for conn in kept:
        with pytest.raises(TransactionIsOver):
            await conn.execute(INSERT, **thing(1))


async def test_parallel_increments_all_count(db: Database):
    await db.execute(INSERT, **thing(1))

    async def work(conn: Connection) -> int:
        return await conn.value(ADD_ONE, which=uuid(1))

    values = await asyncio.gather(*[db.write(work) for _ in range(60)], *[db.value(ADD_ONE, which=uuid(1)) for _ in range(20)])
    assert sorted(values) == list(range(1, 81))


async def test_one_of_many_wins_a_conditional_update(db: Database):
    await db.execute(INSERT, **thing(1, is_new=True))
    redeem = Query(update(things).where(things.c.id == bindparam("which"), things.c.is_new).values(is_new=False).returning(things.c.id))
    results = await asyncio.gather(*[db.write(lambda conn: conn.value(redeem, which=uuid(1))) for _ in range(30)])
    assert [result for result in results if result is not None] == [uuid(1)]


async def test_a_cancelled_writer_disturbs_nobody(db: Database):
    async def write(number: int) -> None:
        await db.write(lambda conn: conn.execute(INSERT, **thing(number)))

    tasks = [asyncio.create_task(write(number)) for number in range(40)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(result is None for result in results[1::2])
    stored = {row.id for row in await db.all(Thing, SELECT_ALL)}
    assert {uuid(number) for number in range(1, 40, 2)} <= stored
    await write(100)
    for _ in range(10):  # cancelled at every stage
        late = asyncio.create_task(write(200 + _))
        await asyncio.sleep(0.0005 * _)
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
    await write(300)


async def test_reads_in_a_snapshot_agree(storage: Storage, db: Database):
    await db.execute(INSERT, **thing(1))

    async def work(conn: Connection) -> tuple[int, int]:
        first = await conn.value(COUNT)
        storage.run(f"INSERT INTO things (id, name) VALUES ('{uuid(2)}', 'from the side')")
        return first, await conn.value(COUNT)

    assert await db.snapshot(work) == (1, 1)
    assert await db.value(COUNT) == 2


async def test_a_snapshot_does_not_write(db: Database):
    with pytest.raises(Exception, match=r"read-?only|readonly|query_only|unavailable") as caught:
        await db.snapshot(lambda conn: conn.execute(INSERT, **thing(1)))
    assert caught.value is not None
    assert await db.value(COUNT) == 0


class IdOnly(msgspec.Struct):
    id: str


async def test_long_reads_come_in_pages_of_one_state(storage: Storage, db: Database):
    async def fill(conn: Connection) -> None:
        for number in range(25):
            await conn.execute(INSERT, **thing(number))

    await db.write(fill)
    query = Query(select(things.c.id).order_by(things.c.id))
    seen: list[int] = []
    async for rows in db.pages(IdOnly, query, page=10):
        seen.append(len(rows))
        storage.run(f"INSERT INTO things (id, name) VALUES ('{uuid(1000 + len(seen))}', 'more {len(seen)}')")
        await db.execute(INSERT, **thing(2000 + len(seen)))
    assert seen == [10, 10, 5]
    assert [rows async for rows in db.pages(IdOnly, Query(select(things.c.id).where(things.c.id == bindparam("id"))), id=uuid(9999))] == []
    async for _ in db.pages(IdOnly, query, page=10):  # a reader that leaves early
        break
    assert await db.value(COUNT) == 31


async def test_many_long_readers_do_not_starve_the_others(db: Database):
    for number in range(5):
        await db.execute(INSERT, **thing(number))

    async def read() -> int:
        count = 0
        async for rows in db.pages(Thing, SELECT_ALL, page=1):
            count += len(rows)
            await asyncio.sleep(0)
        return count

    assert await asyncio.gather(*[read() for _ in range(30)]) == [5] * 30


async def test_ping(db: Database):
    await db.ping()
    assert db.generation_is_fresh()
