"""B1: of many who take a step of one command line's login at once, one takes it. And who tries codes at random is stopped (A6)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.addresses import BEHIND_A_PROXY, from_address, require_limited
from tests.cli_login.calls import anonymous, complete, poll, start
from tests.passwords.calls import refreshes
from tests.server import DatabaseKind, Project, RunningServer, running_server

AT_ONCE = 50
ROUNDS = 10


async def at_once(client: httpx.AsyncClient, path: str, bodies: list[dict[str, str]]) -> list[httpx.Response]:
    return list(await asyncio.gather(*(client.post(f"/auth/cli{path}", json=body) for body in bodies)))


async def test_of_many_polls_at_once_one_gets_the_token(project: Project) -> None:
    user = project.sign_up()
    async with project.async_http("client") as client:
        for _ in range(ROUNDS):
            login = start(project)
            complete(project, login, refresh_token=user["refresh_token"])
            answers = await at_once(client, "/poll", [{"polling_code": login["polling_code"]}] * AT_ONCE)
            assert Counter((one.status_code, one.json()["status"]) for one in answers) == {(201, "success"): 1, (200, "used"): AT_ONCE - 1}
            (token,) = [one.json()["refresh_token"] for one in answers if "refresh_token" in one.json()]
            assert token == user["refresh_token"]


async def test_of_many_who_complete_at_once_one_does(project: Project) -> None:
    tokens = [project.sign_up()["refresh_token"] for _ in range(5)]
    async with project.async_http("client") as client:
        for _ in range(ROUNDS):
            login = start(project)
            bodies = [{"login_code": login["login_code"], "refresh_token": tokens[n % 5]} for n in range(AT_ONCE)]
            answers = await at_once(client, "/complete", bodies)
            assert Counter(one.status_code for one in answers) == {200: 1, 400: AT_ONCE - 1}
            assert all("x-stack-known-error" not in one.headers for one in answers)
            winner = tokens[[one.status_code for one in answers].index(200) % 5]
            assert poll(project, login).json() == {"status": "success", "refresh_token": winner}


async def test_of_many_who_claim_at_once_one_does(project: Project) -> None:
    visitor = anonymous(project)
    async with project.async_http("client") as client:
        for _ in range(ROUNDS):
            login = start(project, anon_refresh_token=visitor["refresh_token"])
            answers = await at_once(client, "/complete", [{"login_code": login["login_code"], "mode": "claim-anon-session"}] * AT_ONCE)
            assert Counter(one.status_code for one in answers) == {200: 1, 400: AT_ONCE - 1}


async def test_completing_and_polling_at_once_loses_nothing(project: Project) -> None:
    user = project.sign_up()
    async with project.async_http("client") as client:
        for _ in range(ROUNDS):
            login = start(project)
            completion = {"login_code": login["login_code"], "refresh_token": user["refresh_token"]}
            polls = at_once(client, "/poll", [{"polling_code": login["polling_code"]}] * 20)
            answers, completed = await asyncio.gather(polls, client.post("/auth/cli/complete", json=completion))
            assert completed.status_code == 200
            answers.append(poll(project, login))
            assert [one.status_code for one in answers].count(201) == 1
            assert answers[-1].json()["status"] in ("success", "used")


async def test_of_many_forms_at_once_one_lets_the_command_line_in_and_no_session_is_left_over(project: Project) -> None:
    login, user = start(project), project.sign_up()
    form = {"project_id": project.id, "login_code": login["login_code"], "email": user["email"], "password": user["password"]}
    async with httpx.AsyncClient(base_url=project.server.base_url, timeout=60) as site:
        answers = await asyncio.gather(*(site.post("/cli-login", data=form) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200] + [400] * 7
    assert refreshes(project, poll(project, login).json()["refresh_token"])
    with project.http("server") as client:
        assert len(client.get("/auth/sessions", params={"user_id": user["user_id"]}).json()["items"]) == 2


@pytest.fixture(scope="module")
def behind_a_proxy(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, BEHIND_A_PROXY) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/poll", {"polling_code": "0" * 45}),
        ("/complete", {"login_code": "0" * 45, "mode": "check"}),
        ("", {"anon_refresh_token": "0" * 45}),
    ],
)
async def test_who_tries_codes_at_random_is_stopped(behind_a_proxy: RunningServer, path: str, body: dict[str, str]) -> None:
    project = behind_a_proxy.project
    own, other = from_address(f"198.51.100.{10 + len(path)}"), from_address(f"198.51.100.{30 + len(path)}")
    async with project.async_http("client", **own) as client:
        answers = [one for _ in range(8) for one in await at_once(client, path, [body] * AT_ONCE)]
    refused = [one for one in answers if one.status_code == 429]
    assert 0 < len(refused) <= 100
    require_limited(refused[0], 2)
    assert {one.status_code for one in answers} == {400, 429}
    with project.http("client", **other) as client:
        assert client.post(f"/auth/cli{path}", json=body).status_code == 400
