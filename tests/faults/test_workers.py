"""Several workers write one database at once: nothing is lost, nothing is there twice, and none of them starves."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.faults.ledger import PASSWORD, UNTHROTTLED, Ledger
from tests.server import DatabaseKind, Project, RunningServer, new_email
from tests.stored import rows

WORKERS = 2
SECONDS = 3.0
RIVALS = 30


@pytest.fixture(scope="module")
def shared_by_workers(database: DatabaseKind) -> Iterator[RunningServer]:
    with RunningServer(database, UNTHROTTLED, workers=WORKERS) as server:
        yield server


def processor_seconds(server: RunningServer) -> list[float]:
    """What each worker has used so far."""
    assert server.process is not None
    used = []
    for worker in psutil.Process(server.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            times = worker.cpu_times()
            used.append(times.user + times.system)
    return used


async def test_writers_in_all_workers_lose_nothing(shared_by_workers: RunningServer) -> None:
    ledger = Ledger(shared_by_workers.new_project())
    before = processor_seconds(shared_by_workers)
    async with ledger.writing(), ledger.writing(), ledger.writing():
        await asyncio.sleep(SECONDS)
    used = [after - earlier for earlier, after in zip(before, processor_seconds(shared_by_workers), strict=True)]
    print(f"{ledger.acknowledged.total()} acknowledged, processor seconds of the workers {[round(seconds, 2) for seconds in used]}")
    assert set(ledger.statuses) == {200, 201}
    assert min(used) > 0.1 * max(used), "one worker did everything"
    await ledger.verify_everything()


def on_connections_of_their_own(project: Project, access: str, count: int) -> list[httpx.AsyncClient]:
    """Clients that the kernel spreads over the workers."""
    return [project.async_http(access) for _ in range(count)]


async def test_one_of_many_wins_an_address_whichever_worker_it_asked(shared_by_workers: RunningServer) -> None:
    project = shared_by_workers.new_project()
    email = new_email()
    by_server = {"primary_email": email, "primary_email_auth_enabled": True}
    by_sign_up = {"email": email, "password": PASSWORD}
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(client) for client in on_connections_of_their_own(project, "server", RIVALS)]
        clients = [await stack.enter_async_context(client) for client in on_connections_of_their_own(project, "client", RIVALS // 3)]
        answers = await asyncio.gather(
            *(client.post("/auth/password/sign-up", json=by_sign_up) for client in clients),
            *(client.post("/users", json=by_server) for client in servers),
        )
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[200] + statuses[201] == 1, statuses
    assert statuses[409] == len(answers) - 1, statuses
    held = rows(shared_by_workers, f"SELECT user_id FROM contact_channels WHERE value = '{email}'")
    assert len(held) == 1
