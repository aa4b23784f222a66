"""F3: the database restarts or cuts connections. Clients see 503 with Retry-After and nothing else; the server recovers by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.ledger import UNTHROTTLED, Ledger, seconds_until_writes
from tests.postgres import PostgresForTests
from tests.server import RunningServer

RECOVERY_SECONDS = 5.0


@pytest.fixture
def postgres() -> Iterator[PostgresForTests]:
    """A database server of this test's own."""
    server = PostgresForTests()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def server(postgres: PostgresForTests) -> Iterator[RunningServer]:
    with postgres.fresh_database() as url, RunningServer("postgresql", {"HEXCLAVE_DATABASE_URL": url, **UNTHROTTLED}, workers=2) as running:
        yield running


async def test_cut_connections_and_an_immediate_restart(server: RunningServer, postgres: PostgresForTests) -> None:
    ledger = Ledger(server.project)
    async with ledger.writing():
        for _ in range(5):
            await asyncio.sleep(0.3)
            await asyncio.to_thread(postgres.kill_backends)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(postgres.restart)
        recovered = await seconds_until_writes(server.project)
        await asyncio.sleep(1)
    await ledger.verify_everything()
    print(f"{ledger.acknowledged.total()} acknowledged, statuses {dict(ledger.statuses)}, recovered after {recovered:.2f} s")
    assert recovered < RECOVERY_SECONDS
    assert set(ledger.statuses) <= {200, 201, 503}


async def test_ready_tells_that_the_database_is_away(server: RunningServer, postgres: PostgresForTests) -> None:
    async with server.project.async_http("server") as http:
        base = server.base_url
        assert (await http.get(f"{base}/ready")).status_code == 200
        await asyncio.to_thread(postgres.stop)
        try:
            assert (await http.get(f"{base}/ready")).status_code == 503
            assert (await http.get(f"{base}/health?db=1")).status_code == 503
            assert (await http.get(f"{base}/health")).status_code == 200
        finally:
            await asyncio.to_thread(postgres.start)
        assert await seconds_until_writes(server.project) < RECOVERY_SECONDS
        # Each of the two workers finds its own way back, so one may be ready a moment after the other.
        for _ in range(int(RECOVERY_SECONDS / 0.05)):
            answer = await http.get(f"{base}/ready")
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.05)
        assert answer.status_code == 200
