"""Security throttles: how many guesses pass, when the next one does, and what gives tries back (QUALITY A3, A4, A7)."""

import asyncio
import contextlib
import itertools
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, func, select

from hexclave_server.core import clock
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection, Database, Query, core_state, make_database, metadata
from hexclave_server.core.errors import RateLimited
from hexclave_server.core.throttle_tables import throttles as table
from hexclave_server.core.throttles import (
    GUESSES_BY_ADDRESS,
    PASSWORD,
    WRONG_TOKENS_BY_ADDRESS,
    Subject,
    Throttle,
    Throttles,
    purge,
)
from tests.server import DATABASES

START = 1_800_000_000_000
TENANT = "7f2b8c1e-0000-4000-8000-123456789abd"
OTHER_TENANT = "7f2b8c1e-0000-4000-8000-123456789abe"
ADA = PASSWORD.of("ada@example.com")
EVE = GUESSES_BY_ADDRESS.of("203.0.113.7")
THROTTLES = Throttles(Keyring.from_master(bytes(32)))
EMPTY = Query(delete(table))
TABLES = [table, core_state]
ROWS = Query(select(func.count()).select_from(table))
KEYS = Query(select(table.c.key))


class Time:
    """A clock to set."""

    def __init__(self) -> None:
        self.millis = START

    def __call__(self) -> int:
        return self.millis

    def pass_seconds(self, seconds: float) -> None:
        """Let time go by."""
        self.millis += round(seconds * 1000)


@pytest.fixture(name="time")
def _time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "now_millis", time)
    return time


@pytest.fixture(scope="module", params=DATABASES, name="open_database")
def _open_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Database]]:
    """Opens one and the same database, which has the table of throttles, for the event loop of each test."""
    directory = tmp_path_factory.mktemp("throttles")
    with contextlib.ExitStack() as stack:
        if request.param == "postgresql":
            from tests.postgres import fresh_database

            url = stack.enter_context(fresh_database())
            engine_url = url.replace("postgresql://", "postgresql+asyncpg://", 1)
            asyncio.run(_create_table(engine_url))
        else:
            url = f"sqlite:///{directory / 'throttles.db'}"
            engine = create_engine(url)
            metadata.create_all(engine, TABLES)
            engine.dispose()
        yield lambda: make_database(url, directory, 4)


async def _create_table(url: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url)
    async with engine.begin() as conn:
        await conn.run_sync(metadata.create_all, TABLES)
    await engine.dispose()


@pytest.fixture(name="run")
def _run(open_database: Callable[[], Database]) -> Callable[[Callable[[Database], Awaitable[None]]], None]:
    """Runs a test's body on the database, emptied."""

    def run(work: Callable[[Database], Awaitable[None]]) -> None:
        async def all_of_it() -> None:
            async with _opened(open_database()) as db:
                await work(db)

        asyncio.run(all_of_it())

    return run


@contextlib.asynccontextmanager
async def _opened(db: Database) -> AsyncIterator[Database]:
    await db.start()
    try:
        await db.write(lambda conn: conn.execute(EMPTY))
        yield db
    finally:
        await db.close()


Run = Callable[[Callable[[Database], Awaitable[None]]], None]


async def tries(db: Database, *subjects: Subject, tenant: str = TENANT) -> int:
    """0 when a try was counted, else the seconds to wait."""
    try:
        await THROTTLES.count(db, tenant, *subjects)
    except RateLimited as refusal:
        return refusal.retry_after_seconds
    return 0


async def give_back(db: Database, *subjects: Subject) -> None:
    """Give a try back in a transaction."""
    await db.write(lambda conn: THROTTLES.give_back(conn, TENANT, *subjects))


def test_a_clock_that_was_set_back_locks_nobody_out(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        time.pass_seconds(365 * 86_400)
        assert [await tries(db, ADA) for _ in range(11)] == [0] * 10 + [30]
        time.pass_seconds(-365 * 86_400)
        assert [await tries(db, ADA) for _ in range(11)] == [0] * 10 + [30]

    run(work)


def test_nodes_whose_clocks_differ_give_no_tries_away(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        time.pass_seconds(300)
        assert [await tries(db, ADA) for _ in range(11)] == [0] * 10 + [30]
        time.pass_seconds(-300)
        assert await tries(db, ADA) == 330

    run(work)


def test_ten_tries_then_one_every_thirty_seconds(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        assert [await tries(db, ADA) for _ in range(12)] == [0] * 10 + [30, 30]
        time.pass_seconds(29)
        assert await tries(db, ADA) == 1
        time.pass_seconds(1)
        assert await tries(db, ADA) == 0
        assert await tries(db, ADA) == 30
        time.pass_seconds(60)
        assert [await tries(db, ADA) for _ in range(3)] == [0, 0, 30]
        time.pass_seconds(3600)
        assert [await tries(db, ADA) for _ in range(11)] == [0] * 10 + [30]

    run(work)


def test_a_stranger_who_goes_on_does_not_push_the_lock_further(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        for _ in range(200):
            assert await tries(db, ADA) <= 30
        time.pass_seconds(30)
        assert await tries(db, ADA) == 0

    run(work)


def test_of_parallel_guesses_no_more_than_the_burst_pass(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        outcomes = await asyncio.gather(*(tries(db, ADA) for _ in range(60)))
        assert outcomes.count(0) == 10
        assert set(outcomes) == {0, 30}
        assert time.millis == START

    run(work)


def test_accounts_tenants_and_throttles_are_counted_apart(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        for _ in range(10):
            await tries(db, ADA)
        assert await tries(db, ADA) > 0
        assert await tries(db, ADA, tenant=OTHER_TENANT) == 0
        assert await tries(db, PASSWORD.of("bob@example.com")) == 0
        assert await tries(db, Throttle("mfa").of("ada@example.com")) == 0
        assert time.millis == START

    run(work)


def test_one_address_that_sprays_many_accounts_is_refused(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        passed = [await tries(db, PASSWORD.of(f"user{n}@example.com"), EVE) == 0 for n in range(150)]
        assert passed.count(True) == 100
        assert await tries(db, PASSWORD.of("user9@example.com"), GUESSES_BY_ADDRESS.of("198.51.100.1")) == 0
        assert time.millis == START

    run(work)


def test_spellings_of_an_address_are_one() -> None:
    assert EVE == GUESSES_BY_ADDRESS.of("::ffff:203.0.113.7") == GUESSES_BY_ADDRESS.of("::FFFF:CB00:7107")
    assert WRONG_TOKENS_BY_ADDRESS.of("2001:DB8::1") == WRONG_TOKENS_BY_ADDRESS.of("2001:db8:0:0:9::")


def test_when_one_subject_refuses_none_is_counted(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        for _ in range(10):
            await tries(db, ADA)
        for _ in range(150):  # all refused because of the account
            assert await tries(db, ADA, EVE) == 30
        assert [await tries(db, EVE) for _ in range(101)] == [0] * 100 + [3]
        assert time.millis == START

    run(work)


def test_a_right_password_gives_its_try_back(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        for _ in range(50):
            assert await tries(db, ADA, EVE) == 0
            await give_back(db, ADA, EVE)
        assert [await tries(db, ADA) for _ in range(11)] == [0] * 10 + [30]
        assert time.millis == START

    run(work)


def test_clearing_opens_at_once_and_only_what_was_meant(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        for _ in range(10):
            await tries(db, ADA)
            await tries(db, PASSWORD.of("bob@example.com"))
        await db.write(lambda conn: THROTTLES.clear(conn, TENANT, ADA))
        await give_back(db, ADA)  # of a row that is gone: nothing
        assert [await tries(db, ADA) for _ in range(11)] == [0] * 10 + [30]
        assert await tries(db, PASSWORD.of("bob@example.com")) == 30
        assert time.millis == START

    run(work)


def test_the_count_survives_the_error_the_request_ends_in(run: Run, time: Time) -> None:
    class Wrong(Exception):
        pass

    async def fail(conn: Connection) -> None:
        raise Wrong

    async def work(db: Database) -> None:
        for _ in range(10):
            assert await tries(db, ADA) == 0
            with pytest.raises(Wrong):
                await db.write(fail)
        assert await tries(db, ADA) == 30
        assert time.millis == START

    run(work)


def test_wrong_tokens_are_refused_after_many_and_checking_counts_nothing(run: Run, time: Time) -> None:
    address = WRONG_TOKENS_BY_ADDRESS.of("203.0.113.7")

    async def work(db: Database) -> None:
        for _ in range(300):
            await THROTTLES.check(db, TENANT, address)
            await THROTTLES.count_failure(db, TENANT, address)
        for _ in range(2):
            with pytest.raises(RateLimited) as refusal:
                await THROTTLES.check(db, TENANT, address)
            assert refusal.value.retry_after_seconds == 1
        with pytest.raises(RateLimited):
            await THROTTLES.count_failure(db, TENANT, address)
        time.pass_seconds(1)
        await THROTTLES.check(db, TENANT, address)

    run(work)


def test_turned_off_nothing_is_counted(run: Run, time: Time) -> None:
    off = Throttles(Keyring.from_master(bytes(32)), enabled=False)

    async def work(db: Database) -> None:
        for _ in range(30):
            await off.count(db, TENANT, ADA, EVE)
        await off.check(db, TENANT, ADA)
        assert await db.value(ROWS) == 0

    run(work)


def test_the_table_names_nobody(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        await tries(db, ADA, EVE)
        key = await db.value(KEYS)
        assert len(key) == 64
        assert "ada" not in key
        other = Throttles(Keyring.from_master(bytes(31) + b"x"))
        await other.count(db, TENANT, ADA)
        assert await db.value(ROWS) == 3  # under another master secret the same account has another key

    run(work)


def test_purging_removes_only_what_means_nothing(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        for _ in range(10):
            await tries(db, ADA)
        for number in range(30):
            await tries(db, PASSWORD.of(f"user{number}@example.com"))
        time.pass_seconds(30)
        assert await db.write(purge) == 30
        assert await db.value(ROWS) == 1
        assert [await tries(db, ADA) for _ in range(2)] == [0, 30]
        time.pass_seconds(301)
        assert await db.write(purge) == 1
        assert await db.write(purge) == 0

    run(work)


def test_opposite_orders_of_subjects_do_not_block_each_other(run: Run, time: Time) -> None:
    async def work(db: Database) -> None:
        pairs = itertools.cycle([(ADA, EVE), (EVE, ADA)])
        outcomes = await asyncio.gather(*(tries(db, *next(pairs)) for _ in range(40)))
        assert outcomes.count(0) == 10
        assert time.millis == START

    run(work)


class Reference:
    """What a throttle should do, said in another way: a bucket of tries that fills by one each interval."""

    def __init__(self, throttle: Throttle) -> None:
        self.throttle = throttle
        self.tries = float(throttle.burst)
        self.at = START

    def fill(self, now: int) -> None:
        """Let the bucket fill until now."""
        self.tries = min(self.throttle.burst, self.tries + (now - self.at) / self.throttle.interval_millis)
        self.at = now

    def count(self, now: int) -> int:
        """As `Throttles.count`."""
        self.fill(now)
        if self.tries >= 1 - 1e-9:
            self.tries -= 1
            return 0
        return max(1, math.ceil((1 - self.tries) * self.throttle.interval_seconds - 1e-9))

    def give_back(self, now: int) -> None:
        """As `Throttles.give_back`."""
        self.fill(now)
        self.tries = min(self.throttle.burst, self.tries + 1)


STEPS = st.lists(st.tuples(st.sampled_from(["count", "count", "count", "give back", "clear"]), st.integers(0, 90)), max_size=60)


@given(steps=STEPS, burst=st.integers(1, 6), interval=st.sampled_from([1, 10, 30]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_behaves_like_a_bucket_of_tries(
    open_database: Callable[[], Database], steps: list[tuple[str, int]], burst: int, interval: int
) -> None:
    throttle = Throttle("model", burst, interval)
    subject = throttle.of("somebody")

    async def work(time: Time) -> None:
        model = Reference(throttle)
        async with _opened(open_database()) as db:
            for step, seconds in steps:
                time.pass_seconds(seconds)
                if step == "count":
                    assert await tries(db, subject) == model.count(time.millis)
                elif step == "give back":
                    await give_back(db, subject)
                    model.give_back(time.millis)
                else:
                    await db.write(lambda conn: THROTTLES.clear(conn, TENANT, subject))
                    model.tries = burst
                    model.at = time.millis

    with pytest.MonkeyPatch.context() as patch:
        time = Time()
        patch.setattr(clock, "now_millis", time)
        asyncio.run(work(time))
