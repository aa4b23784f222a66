"""Refreshing (contract 01 §2, §3): multi-use, never rotated, race-free."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.server import Project, RunningServer
from tests.sessions.tokens import claims_of, known_error

PATH = "/auth/sessions/current/refresh"


def refresh(project: Project, refresh_token: str, access: str = "client") -> httpx.Response:
    with project.http(access) as client:
        return client.post(PATH, headers={"x-stack-refresh-token": refresh_token})


def dead(answer: httpx.Response) -> bool:
    return answer.status_code == 401 and known_error(answer) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


def last_active(project: Project, user_id: str) -> int:
    with project.http("server") as client:
        return int(client.get(f"/users/{user_id}").json()["last_active_at_millis"])


def sessions(project: Project, user_id: str) -> list[dict[str, Any]]:
    with project.http("server") as client:
        return client.get("/auth/sessions", params={"user_id": user_id}).json()["items"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_every_access_type_refreshes(project: Project, access: str) -> None:
    user = project.sign_up()
    answer = refresh(project, user["refresh_token"], access)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token"}
    assert claims_of(answer.json()["access_token"])["refresh_token_id"] == claims_of(user["access_token"])["refresh_token_id"]


def test_body_and_query_are_ignored(project: Project) -> None:
    user = project.sign_up()
    with project.http("client") as client:
        answer = client.post(f"{PATH}?x=1", headers={"x-stack-refresh-token": user["refresh_token"]}, json={"any": ["thing"]})
    assert answer.status_code == 200


def test_a_missing_header_is_a_schema_error(project: Project) -> None:
    with project.http("client") as client:
        answer = client.post(PATH)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")
    assert "x-stack-refresh-token" in answer.json()["error"]


def test_without_access_type_it_is_refused(server: RunningServer) -> None:
    with server.http({"x-stack-refresh-token": "0" * 45}) as client:
        assert known_error(client.post(PATH)) == "ACCESS_TYPE_REQUIRED"


@pytest.mark.parametrize("token", ["0" * 45, "x", "a" * 5000, "' OR 1=1 --", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 45])
def test_a_token_that_nobody_has_is_refused(project: Project, token: str) -> None:
    with project.http("client") as client:
        assert dead(client.post(PATH, headers=[(b"x-stack-refresh-token", token.encode("latin-1"))]))


def test_the_token_of_another_project_is_refused(project: Project, own_project: Project) -> None:
    user = own_project.sign_up()
    assert dead(refresh(project, user["refresh_token"]))
    assert refresh(own_project, user["refresh_token"]).status_code == 200


def test_the_token_of_a_deleted_user_is_refused(project: Project) -> None:
    user = project.sign_up()
    with project.http("server") as client:
        assert client.delete(f"/users/{user['user_id']}").status_code == 200
    assert dead(refresh(project, user["refresh_token"]))


def test_an_expired_session_is_refused_and_using_it_did_not_extend_it(timed: RunningServer) -> None:
    project = timed.project
    user = project.create_user()
    with project.http("server") as client:
        tokens = client.post("/auth/sessions", json={"user_id": user["id"], "expires_in_millis": 100_000}).json()
    timed.shift_clock(99_000)
    assert refresh(project, tokens["refresh_token"]).status_code == 200
    timed.shift_clock(101_000)
    assert dead(refresh(project, tokens["refresh_token"]))


def test_a_refresh_notes_the_use_of_session_and_user(project: Project) -> None:
    user = project.sign_up()
    before = sessions(project, user["user_id"])[0]["last_used_at"]
    time.sleep(0.01)
    refresh(project, user["refresh_token"])
    after = sessions(project, user["user_id"])[0]["last_used_at"]
    assert after > before
    assert last_active(project, user["user_id"]) == after


def test_a_refused_refresh_touches_nothing(project: Project) -> None:
    user = project.sign_up()
    other = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        assert client.delete("/auth/sessions/current").status_code == 200
    before = last_active(project, user["user_id"])
    time.sleep(0.01)
    assert dead(refresh(project, user["refresh_token"]))
    assert last_active(project, user["user_id"]) == before
    assert refresh(project, other["refresh_token"]).status_code == 200


def test_ip_information_stays_when_a_later_request_has_none(project: Project) -> None:
    user = project.create_user()
    browser = {"user-agent": "Mozilla/5.0"}
    with project.http("server") as client:
        tokens = client.post("/auth/sessions", json={"user_id": user["id"]}, headers=browser).json()
    assert sessions(project, user["id"])[0]["last_used_at_end_user_ip_info"] == {"ip": "127.0.0.1"}
    refresh(project, tokens["refresh_token"])
    assert sessions(project, user["id"])[0]["last_used_at_end_user_ip_info"] == {"ip": "127.0.0.1"}


def test_an_expired_access_token_beside_it_fails_the_refresh(timed: RunningServer) -> None:
    project = timed.project
    user = project.sign_up()
    timed.shift_clock(600_000)
    with project.http("client", user["access_token"]) as client:
        answer = client.post(PATH, headers={"x-stack-refresh-token": user["refresh_token"]})
    assert known_error(answer) == "ACCESS_TOKEN_EXPIRED"
    claims = claims_of(user["access_token"])
    assert answer.json()["details"] == {
        "expired_at_millis": claims["exp"] * 1000,
        "project_id": project.id,
        "user_id": user["user_id"],
        "refresh_token_id": claims["refresh_token_id"],
    }


@pytest.mark.parametrize("fields", [{"is_anonymous": True}, {"restricted_by_admin": True}])
def test_anonymous_and_restricted_users_refresh(project: Project, fields: dict[str, bool]) -> None:
    with project.http("server") as client:
        tokens = client.post("/auth/sessions", json={"user_id": project.create_user(**fields)["id"]}).json()
    assert refresh(project, tokens["refresh_token"]).status_code == 200


@pytest.mark.anyio
async def test_a_hundred_tabs_refresh_at_once(project: Project) -> None:
    user = project.sign_up()
    headers = {"x-stack-refresh-token": user["refresh_token"]}
    async with project.async_http("client") as client:
        answers = await asyncio.gather(*(client.post(PATH, headers=headers) for _ in range(100)))
    assert [answer.status_code for answer in answers] == [200] * 100


@pytest.mark.anyio
async def test_refreshing_races_with_signing_out_without_server_errors(project: Project) -> None:
    for _ in range(10):
        user = project.sign_up()
        headers = {"x-stack-refresh-token": user["refresh_token"]}
        async with project.async_http("client") as client, project.async_http("client", user["access_token"]) as signed_in:
            calls = [client.post(PATH, headers=headers) for _ in range(10)]
            calls.insert(5, signed_in.delete("/auth/sessions/current"))
            answers = await asyncio.gather(*calls)
        assert all(answer.status_code == 200 or dead(answer) for answer in answers)
        assert dead(refresh(project, user["refresh_token"]))
