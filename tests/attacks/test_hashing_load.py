"""A14: a flood of sign-ins is refused beyond a bounded queue, and everything else goes on."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import httpx
import msgspec
import psutil
import pytest

from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server

FLOOD = 500


@pytest.fixture(scope="module")
def flooded(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true"}) as server:
        yield server


def resident_bytes(server: RunningServer) -> int:
    """Memory of the server and its workers, shared pages counted once per process."""
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    return sum(process.memory_info().rss for process in (parent, *parent.children(recursive=True)))


def flood(url: str, headers: dict[str, str], emails: list[str]) -> list[tuple[int, dict[str, str], bytes]]:
    """Sign-ins with wrong passwords, all at once; runs in a process of its own, so that only the server can delay the probes."""

    async def one(client: httpx.AsyncClient, email: str) -> tuple[int, dict[str, str], bytes]:
        answer = await client.post(url, json={"email": email, "password": "wrong password"})
        return answer.status_code, dict(answer.headers), answer.content

    async def run() -> list[tuple[int, dict[str, str], bytes]]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(headers=headers, timeout=60, limits=limits) as client:
            return await asyncio.gather(*(one(client, email) for email in emails))

    return asyncio.run(run())


def test_a_flood_of_sign_ins_leaves_everything_else_working(flooded: RunningServer) -> None:
    project: Project = flooded.project
    user = project.sign_up()
    before = resident_bytes(flooded)
    seconds: dict[str, list[float]] = {"/users/me": [], f"{flooded.base_url}/health": []}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as other_process, project.http("client", user["access_token"]) as client:
        emails = [new_email() for _ in range(FLOOD)]
        answers = other_process.submit(flood, f"{flooded.api_url}/auth/password/sign-in", project.headers("client"), emails)
        while not answers.done():
            for path, taken in seconds.items():
                started = time.perf_counter()
                assert client.get(path).status_code == 200
                taken.append(time.perf_counter() - started)
            time.sleep(0.01)
    codes = [code for code, _, _ in answers.result()]
    assert set(codes) <= {400, 503}
    assert codes.count(400) >= 60, "the queue was worked off"
    for code, headers, body in answers.result():
        if code == 503:
            assert int(headers["retry-after"]) >= 1
            assert msgspec.json.decode(body)["code"] == "SERVICE_UNAVAILABLE"
            assert "x-stack-known-error" not in headers
    for taken in seconds.values():
        assert statistics.quantiles(taken, n=100)[98] < 0.3
    assert resident_bytes(flooded) - before < 100_000_000


@pytest.mark.anyio
async def test_whoever_was_refused_gets_in_afterwards(flooded: RunningServer) -> None:
    project = flooded.project
    user = project.sign_up()
    async with project.async_http("client") as client:
        bodies = [{"email": user["email"], "password": user["password"]}] * 120
        answers = await asyncio.gather(*(client.post("/auth/password/sign-in", json=body) for body in bodies))
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert (await client.post("/auth/password/sign-in", json=bodies[0])).status_code == 200


@pytest.mark.anyio
async def test_a_try_that_was_not_checked_is_not_counted(database: DatabaseKind) -> None:
    with running_server(database) as server:
        project = server.project
        user = project.sign_up()
        async with project.async_http("server") as client:
            strangers = [client.post("/auth/password/sign-in", json={"email": new_email(), "password": "wrong"}) for _ in range(150)]
            flood = asyncio.gather(*strangers)
            await asyncio.sleep(0.1)
            own = [await client.post("/auth/password/sign-in", json={"email": user["email"], "password": "wrong"}) for _ in range(12)]
            await flood
            checked = [answer.status_code for answer in own].count(400)
            refused = [answer.status_code for answer in own].count(503)
            assert checked + refused + [answer.status_code for answer in own].count(429) == 12
            rest = [
                await client.post("/auth/password/sign-in", json={"email": user["email"], "password": "wrong"}) for _ in range(12 - checked)
            ]
            assert [answer.status_code for answer in rest].count(400) == max(0, 10 - checked)


@pytest.mark.anyio
async def test_a_back_end_that_makes_many_users_leaves_places_to_those_of_other_projects(flooded: RunningServer) -> None:
    many, few, is_over = flooded.new_project(), flooded.new_project(), asyncio.Event()
    async with many.async_http("server") as greedy, few.async_http("server") as modest:

        async def create_one_after_the_other() -> set[int]:
            statuses = set()
            while not is_over.is_set():
                statuses.add((await greedy.post("/users", json=new_user())).status_code)
            return statuses

        flood = [asyncio.create_task(create_one_after_the_other()) for _ in range(100)]
        await asyncio.sleep(0.5)
        created = [await modest.post("/users", json=new_user()) for _ in range(3)]
        is_over.set()
        assert set().union(*await asyncio.gather(*flood)) == {201, 503}
    assert [answer.status_code for answer in created] == [201] * 3


def new_user() -> dict[str, str]:
    return {"primary_email": new_email(), "password": "correct horse battery"}
