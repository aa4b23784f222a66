"""B11: signing keys rotate under load without one failure, also for verifiers that keep the key set for its hour."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hexclave_server.core import clock
from hexclave_server.sessions.signing_keys import RotationRefused
from tests.attacks.inside import opened
from tests.server import DatabaseKind, Project, RunningServer, running_server
from tests.sessions.tokens import header_of, key_set, known_error, verify

pytestmark = pytest.mark.anyio

REFRESH = "/auth/sessions/current/refresh"
OVER = (600 + 3600) * 1000


@pytest.fixture(scope="module")
def busy(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, workers=2) as server:
        yield server


@pytest.fixture
def project(busy: RunningServer) -> Iterator[Project]:
    yield busy.new_project()
    move_clocks(busy, 0)
    clock.use_offset_file(None)


def move_clocks(server: RunningServer, millis: int) -> None:
    """Of the server and of this process, which rotates as the command would."""
    server.shift_clock(millis)
    clock.use_offset_file(server.clock_file)


async def refresh(client: httpx.AsyncClient, user: dict[str, Any]) -> str:
    answer = await client.post(REFRESH, headers={"x-stack-refresh-token": user["refresh_token"]})
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]  # type: ignore[no-any-return]


async def use(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get("/users/me", headers={"x-stack-access-token": token})
    assert answer.status_code == 200, answer.text


async def load(project: Project, user: dict[str, Any], cached: list[dict[str, Any]], stop: asyncio.Event) -> set[str]:
    """Refreshes, uses and verifies without pause until told to stop; every failure is one of the test. The key ids seen."""
    kids: set[str] = set()
    async with project.async_http("client") as client:
        tokens: list[str] = []
        while not stop.is_set():
            tokens.append(await refresh(client, user))
            kids.add(header_of(tokens[-1])["kid"])
            for token in (tokens[-1], tokens[0]):
                await use(client, token)
                verify(token, cached)
    return kids


async def test_a_rotation_under_load_fails_nobody(busy: RunningServer, project: Project) -> None:
    users = [project.sign_up() for _ in range(4)]
    cached = key_set(busy, project.id)
    stop = asyncio.Event()
    async with opened(busy) as inside:
        tasks = [asyncio.create_task(load(project, user, cached, stop)) for user in users]
        await asyncio.sleep(0.7)
        await inside.rotate(project.id)
        await asyncio.sleep(1.5)
        stop.set()
        seen = set().union(*await asyncio.gather(*tasks))
    assert seen == {key["kid"] for key in cached}
    assert key_set(busy, project.id) == cached[::-1], "the former key stays in the set, the one that signs is first"


async def test_the_former_key_verifies_until_its_last_token_is_dead_and_then_gives_way(busy: RunningServer, project: Project) -> None:
    user = project.sign_up()
    first, second = key_set(busy, project.id)
    async with opened(busy) as inside, project.async_http("client") as client:
        await inside.rotate(project.id)
        move_clocks(busy, 590_000)
        await use(client, user["access_token"])
        with pytest.raises(RotationRefused):
            await inside.rotate(project.id)
        move_clocks(busy, OVER - 60_000)
        assert first in key_set(busy, project.id)
        with pytest.raises(RotationRefused):
            await inside.rotate(project.id)
        move_clocks(busy, OVER + 60_000)
        later = key_set(busy, project.id)
        assert later[0] == second
        assert later[1] not in (first, second)
        await inside.rotate(project.id)
        token = await refresh(client, user)
        assert verify(token, later)["sub"] == user["user_id"], "a set fetched a moment before the second rotation still serves"
        assert header_of(token)["kid"] == second["kid"]
        move_clocks(busy, OVER + 60_000 + 3_600_000)
        assert header_of(await refresh(client, user))["kid"] == later[1]["kid"]


async def test_a_compromised_key_ends_access_tokens_at_once_and_no_session(busy: RunningServer, project: Project) -> None:
    user = project.sign_up()
    first, second = key_set(busy, project.id)
    async with opened(busy) as inside, project.async_http("client") as client:
        await use(client, user["access_token"])
        await inside.rotate(project.id, at_once=True)
        await asyncio.sleep(1.1)  # the other process of a test counts as another node
        for _ in range(4):
            refused = await client.get("/users/me", headers={"x-stack-access-token": user["access_token"]})
            assert known_error(refused) == "UNPARSABLE_ACCESS_TOKEN"
        keys = key_set(busy, project.id)
        assert keys[0] == second
        assert first not in keys
        token = await refresh(client, user)
        await use(client, token)
        assert verify(token, keys)["sub"] == user["user_id"]


async def test_of_two_rotations_at_once_one_wins(busy: RunningServer, project: Project) -> None:
    async with opened(busy) as inside:
        results = await asyncio.gather(*(inside.rotate(project.id) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [RotationRefused]
    assert len(key_set(busy, project.id, include_anonymous="true")) == 6


async def test_keys_outlive_a_restart(database: DatabaseKind) -> None:
    with running_server(database) as server:
        project = server.project
        user = project.sign_up()
        before = key_set(server, project.id, include_anonymous="true")
        server.stop()
        server.start()
        assert key_set(server, project.id, include_anonymous="true") == before
        async with project.async_http("client") as client:
            await use(client, user["access_token"])
            assert header_of(await refresh(client, user))["kid"] == before[0]["kid"]
