"""F10: clients repeat requests whose answer they did not get. With an Idempotency-Key there is one effect; without one, what the contract says."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.sessions.tokens import claims_of


def new_key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def same_answer(first: httpx.Response, second: httpx.Response) -> None:
    """Status, body and the contract's headers; the repetition says that it is one."""
    assert (second.status_code, second.content) == (first.status_code, first.content)
    for name in ("content-type", "cache-control", "x-stack-known-error"):
        assert second.headers.get(name) == first.headers.get(name)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["x-stack-request-id"] != first.headers["x-stack-request-id"]


def twice(client: httpx.Client, path: str, body: Any, headers: dict[str, str]) -> tuple[httpx.Response, httpx.Response]:
    return client.post(path, json=body, headers=headers), client.post(path, json=body, headers=headers)


def test_without_a_key_two_users_are_two_users(project: Project) -> None:
    with project.http("server") as client:
        first, second = twice(client, "/users", {}, {})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


def test_with_a_key_two_requests_make_one_user(own_project: Project) -> None:
    with own_project.http("server") as client:
        first, second = twice(client, "/users", {"display_name": "Ada"}, new_key())
        same_answer(first, second)
        assert first.status_code == 201
        assert [user["id"] for user in client.get("/users").json()["items"]] == [first.json()["id"]]


def test_a_sign_up_whose_answer_was_lost_is_not_a_conflict(project: Project) -> None:
    body = {"email": new_email(), "password": "correct horse battery"}
    with project.http("client") as client:
        first, second = twice(client, "/auth/password/sign-up", body, new_key())
        same_answer(first, second)
        third = client.post("/auth/password/sign-up", json=body)
        assert third.headers["x-stack-known-error"] == "USER_EMAIL_ALREADY_EXISTS"
        refreshed = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": second.json()["refresh_token"]})
    assert refreshed.status_code == 200


def test_an_error_is_repeated_too_and_nothing_else_is_tried(project: Project) -> None:
    email = new_email()
    headers = new_key()
    with project.http("client") as client:
        body = {"email": email, "password": "correct horse battery"}
        first = client.post("/auth/password/sign-in", json=body, headers=headers)
        assert first.headers["x-stack-known-error"] == "EMAIL_PASSWORD_MISMATCH"
        project.sign_up(email, body["password"])
        same_answer(first, client.post("/auth/password/sign-in", json=body, headers=headers))
        assert client.post("/auth/password/sign-in", json=body).status_code == 200


async def test_fifty_at_once_have_one_effect(own_project: Project) -> None:
    headers = new_key()
    async with own_project.async_http("server") as client:
        answers = await asyncio.gather(*(client.post("/users", json={"display_name": "Ada"}, headers=headers) for _ in range(50)))
        statuses = Counter(answer.status_code for answer in answers)
        assert statuses[201] >= 1
        assert set(statuses) <= {201, 409}
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        assert len((await client.get("/users")).json()["items"]) == 1


async def test_whoever_goes_away_finds_the_answer_later(own_project: Project) -> None:
    """The connection breaks while the password is hashed; the repetition gets what became of it."""
    headers, body = new_key(), {"email": new_email(), "password": "correct horse battery"}
    async with own_project.async_http("client") as client:
        request = asyncio.create_task(client.post("/auth/password/sign-up", json=body, headers=headers))
        await asyncio.sleep(0.01)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        for _ in range(400):
            answer = await client.post("/auth/password/sign-up", json=body, headers=headers)
            if answer.status_code != 409:
                break
            await asyncio.sleep(0.05)
    assert answer.status_code == 200, answer.text
    with own_project.http("server") as client:
        assert [user["primary_email"] for user in client.get("/users").json()["items"]] == [body["email"]]


def test_a_key_serves_one_request_only(project: Project) -> None:
    headers = new_key()
    with project.http("server") as client:
        assert client.post("/users", json={"display_name": "Ada"}, headers=headers).status_code == 201
        assert client.post("/users", json={"display_name": "Grace"}, headers=headers).status_code == 422
        assert client.post("/users?x=1", json={"display_name": "Ada"}, headers=headers).status_code == 422


@pytest.mark.parametrize("key", ["x" * 256, "with\ttab", "ü"])
def test_a_malformed_key_is_refused(project: Project, key: str) -> None:
    with project.http("server") as client:
        answer = client.post("/users", json={}, headers={"idempotency-key": key.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 400
    assert "x-stack-known-error" not in answer.headers


def test_keys_of_others_are_others(server: RunningServer, project: Project, own_project: Project) -> None:
    """A key tells nobody of another project, access type or user what was answered."""
    headers = new_key()
    ids = set()
    for owner, access in ((project, "server"), (own_project, "server"), (project, "admin")):
        with owner.http(access) as client:
            answer = client.post("/users", json={}, headers=headers)
        assert answer.status_code == 201
        ids.add(answer.json()["id"])
    assert len(ids) == 3
    first, second = project.sign_up(), project.sign_up()
    body = {"old_password": first["password"], "new_password": "battery horse correct"}
    for user in (first, second):
        with project.http("client", user["access_token"]) as client:
            answer = client.post("/auth/password/update", json=body, headers=headers)
        assert answer.status_code == 200
        assert "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize("access", ["client", "server"])
def test_a_key_of_another_session_at_the_same_address_is_another(project: Project, access: str) -> None:
    """A refresh says in a header whose it is: neighbours, and the users of one back end, share address and project."""
    headers, users = new_key(), [project.sign_up(), project.sign_up()]
    with project.http(access) as client:
        for user in users:
            sent = {**headers, "x-stack-refresh-token": user["refresh_token"]}
            first, second = (client.post("/auth/sessions/current/refresh", headers=sent) for _ in range(2))
            same_answer(first, second)
            assert claims_of(first.json()["access_token"])["sub"] == user["user_id"]
        assert client.post("/auth/sessions/current/refresh", headers=headers).status_code == 400


def test_credentials_are_checked_before_an_answer_is_repeated(project: Project) -> None:
    headers = new_key()
    with project.http("server") as client:
        assert client.post("/users", json={}, headers=headers).status_code == 201
        wrong = client.post("/users", json={}, headers={**headers, "x-stack-secret-server-key": "ssk_wrong"})
    assert wrong.headers["x-stack-known-error"] == "INVALID_SECRET_SERVER_KEY"


def test_a_day_later_a_key_is_new(database: DatabaseKind) -> None:
    with running_server(database) as server:
        headers = new_key()
        with server.project.http("server") as client:
            first = client.post("/users", json={}, headers=headers)
            server.shift_clock(23 * 3_600_000)
            same_answer(first, client.post("/users", json={}, headers=headers))
            server.shift_clock(25 * 3_600_000)
            later = client.post("/users", json={}, headers=headers)
    assert later.status_code == 201
    assert later.json()["id"] != first.json()["id"]


def test_other_methods_ignore_the_header(project: Project) -> None:
    user = project.create_user()
    headers = new_key()
    with project.http("server") as client:
        for name in ("Ada", "Grace"):
            answer = client.patch(f"/users/{user['id']}", json={"display_name": name}, headers=headers)
            assert answer.json()["display_name"] == name
