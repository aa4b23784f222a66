"""Listing, revoking, creating sessions and signing out (contract 01 §4 to §7)."""

from __future__ import annotations

import time
import uuid
from typing import Any

import httpx
import pytest

from tests.server import Project, RunningServer
from tests.sessions.tokens import claims_of, known_error

DAY = 86_400_000


def create(project: Project, access: str = "server", **body: Any) -> httpx.Response:
    with project.http(access) as client:
        return client.post("/auth/sessions", json=body)


def listed(project: Project, user_id: str, access: str = "server", access_token: str | None = None) -> httpx.Response:
    with project.http(access, access_token) as client:
        return client.get("/auth/sessions", params={"user_id": user_id})


def refreshes(project: Project, refresh_token: str) -> bool:
    with project.http("client") as client:
        answer = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": refresh_token})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


# --- create ---


@pytest.mark.parametrize("access", ["server", "admin"])
def test_a_server_creates_a_session_for_any_user(project: Project, access: str) -> None:
    user = project.create_user()
    answer = create(project, access, user_id=user["id"])
    assert answer.status_code == 200
    assert set(answer.json()) == {"refresh_token", "access_token"}
    assert claims_of(answer.json()["access_token"])["sub"] == user["id"]
    token = answer.json()["refresh_token"]
    assert len(token) == 45
    assert set(token) <= set("0123456789abcdefghjkmnpqrstvwxyz")
    assert refreshes(project, token)


def test_me_is_the_user_of_the_access_token(project: Project) -> None:
    user = project.sign_up()
    with project.http("server", user["access_token"]) as client:
        answer = client.post("/auth/sessions", json={"user_id": "me"})
    assert claims_of(answer.json()["access_token"])["sub"] == user["user_id"]
    assert known_error(create(project, user_id="me")) == "CANNOT_GET_OWN_USER_WITHOUT_USER"


def test_a_client_may_not_create_sessions(project: Project) -> None:
    answer = create(project, "client", user_id=str(uuid.uuid4()))
    assert (answer.status_code, known_error(answer)) == (401, "INSUFFICIENT_ACCESS_TYPE")
    assert answer.json()["details"] == {"actual_access_type": "client", "allowed_access_types": ["server", "admin"]}


def test_an_unknown_user_and_one_of_another_project_do_not_exist(project: Project, own_project: Project) -> None:
    for user_id in (str(uuid.uuid4()), own_project.create_user()["id"]):
        answer = create(project, user_id=user_id)
        assert (answer.status_code, known_error(answer)) == (400, "USER_ID_DOES_NOT_EXIST")
        assert answer.json()["details"] == {"user_id": user_id}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": "someone"},
        {"user_id": None},
        {"user_id": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11", "expires_in_millis": 31_708_800_001},
        {"user_id": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11", "expires_in_millis": 0},
        {"user_id": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11", "expires_in_millis": -1},
        {"user_id": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11", "expires_in_millis": "soon"},
        {"user_id": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11", "is_impersonation": "perhaps"},
        {"user_id": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11", "is_impersonation": None},
        {"user_id": "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11", "more": 1},
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: dict[str, Any]) -> None:
    answer = create(project, **body)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")


def test_the_longest_session_lives_367_days_and_the_usual_one_365(timed: RunningServer) -> None:
    project = timed.project
    user_id = project.create_user()["id"]
    longest = create(project, user_id=user_id, expires_in_millis=31_708_800_000).json()["refresh_token"]
    usual = create(project, user_id=user_id).json()["refresh_token"]
    timed.shift_clock(365 * DAY - 60_000)
    assert refreshes(project, usual)
    timed.shift_clock(365 * DAY + 1000)
    assert not refreshes(project, usual)
    assert refreshes(project, longest)
    timed.shift_clock(367 * DAY + 1000)
    assert not refreshes(project, longest)


def test_a_second_factor_does_not_matter_here(project: Project) -> None:
    user = project.create_user()
    with project.http("server") as client:
        client.patch(f"/users/{user['id']}", json={"totp_secret_base64": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="})
    assert create(project, user_id=user["id"]).status_code == 200


# --- list ---


def test_the_newest_session_comes_first_with_exactly_these_fields(project: Project) -> None:
    user = project.sign_up()
    time.sleep(0.005)
    second = create(project, user_id=user["user_id"]).json()
    answer = listed(project, user["user_id"], "client", user["access_token"])
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert answer.json() == {"items": items, "is_paginated": False}
    assert [item["id"] for item in items] == [claims_of(tokens["access_token"])["refresh_token_id"] for tokens in (second, user)]
    assert items[1] == {
        "id": claims_of(user["access_token"])["refresh_token_id"],
        "user_id": user["user_id"],
        "created_at": items[1]["created_at"],
        "last_used_at": items[1]["created_at"],
        "is_impersonation": False,
        "is_current_session": True,
    }
    assert items[0]["is_current_session"] is False


def test_me_and_the_own_id_are_the_same(project: Project) -> None:
    user = project.sign_up()
    by_me = listed(project, "me", "client", user["access_token"]).json()
    assert by_me == listed(project, user["user_id"], "client", user["access_token"]).json()
    assert by_me == listed(project, user["user_id"].upper(), "client", user["access_token"]).json()


def test_only_administrators_see_impersonation(project: Project) -> None:
    user = project.sign_up()
    create(project, user_id=user["user_id"], is_impersonation=True)
    assert len(listed(project, user["user_id"], "client", user["access_token"]).json()["items"]) == 1
    assert len(listed(project, user["user_id"], "server").json()["items"]) == 1
    flags = [item["is_impersonation"] for item in listed(project, user["user_id"], "admin").json()["items"]]
    assert sorted(flags) == [False, True]


def test_a_client_sees_its_own_sessions_only(project: Project) -> None:
    user, other = project.sign_up(), project.sign_up()
    answer = listed(project, other["user_id"], "client", user["access_token"])
    assert (answer.status_code, known_error(answer)) == (403, None)
    without = listed(project, user["user_id"], "client")
    assert (without.status_code, known_error(without)) == (400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def test_the_list_of_an_unknown_user_or_of_another_projects_is_empty(project: Project, own_project: Project) -> None:
    for user_id in (str(uuid.uuid4()), own_project.sign_up()["user_id"]):
        assert listed(project, user_id).json() == {"items": [], "is_paginated": False}


@pytest.mark.parametrize("query", ["", "?user_id=", "?user_id=x", "?user_id=me&limit=1"])
def test_the_query_is_checked(project: Project, query: str) -> None:
    with project.http("server", project.sign_up()["access_token"]) as client:
        assert known_error(client.get(f"/auth/sessions{query}")) == "SCHEMA_ERROR"


# --- revoke ---


def test_a_revoked_session_cannot_refresh(project: Project) -> None:
    user = project.sign_up()
    second = create(project, user_id=user["user_id"]).json()
    session_id = claims_of(second["access_token"])["refresh_token_id"]
    with project.http("client", user["access_token"]) as client:
        answer = client.delete(f"/auth/sessions/{session_id}", params={"user_id": "me"})
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert client.delete(f"/auth/sessions/{session_id}").status_code == 404
    assert not refreshes(project, second["refresh_token"])
    assert refreshes(project, user["refresh_token"])


def test_the_current_session_cannot_be_revoked_by_id(project: Project) -> None:
    user = project.sign_up()
    session_id = claims_of(user["access_token"])["refresh_token_id"]
    for access in ("client", "server", "admin"):
        with project.http(access, user["access_token"]) as client:
            answer = client.delete(f"/auth/sessions/{session_id}")
        assert (answer.status_code, known_error(answer)) == (400, "CANNOT_DELETE_CURRENT_SESSION")


def test_sessions_of_others_are_not_found(project: Project, own_project: Project) -> None:
    user, other, foreign = project.sign_up(), project.sign_up(), own_project.sign_up()
    other_session = claims_of(other["access_token"])["refresh_token_id"]
    for client, session_id in (
        (project.http("client", user["access_token"]), other_session),
        (project.http("client"), other_session),
        (project.http("server"), claims_of(foreign["access_token"])["refresh_token_id"]),
        (project.http("server"), str(uuid.uuid4())),
    ):
        with client:
            answer = client.delete(f"/auth/sessions/{session_id}")
        assert (answer.status_code, known_error(answer)) == (404, None)
    assert refreshes(project, other["refresh_token"])
    assert refreshes(own_project, foreign["refresh_token"])


def test_a_server_revokes_the_session_of_any_user(project: Project) -> None:
    user = project.sign_up()
    with project.http("server") as client:
        assert client.delete(f"/auth/sessions/{claims_of(user['access_token'])['refresh_token_id']}").status_code == 200
    assert not refreshes(project, user["refresh_token"])


@pytest.mark.parametrize("session_id", ["x", "7f1d1ab8-6f21-7c2e-9c0b-5a0a0f7e1c11"])
def test_a_session_id_is_a_uuid(project: Project, session_id: str) -> None:
    with project.http("server") as client:
        assert known_error(client.delete(f"/auth/sessions/{session_id}")) == "SCHEMA_ERROR"


# --- sign out ---


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_signing_out_ends_the_session_of_the_access_token(project: Project, access: str) -> None:
    user = project.sign_up()
    with project.http(access, user["access_token"]) as client:
        answer = client.delete("/auth/sessions/current")
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        again = client.delete("/auth/sessions/current")
    assert (again.status_code, known_error(again)) == (401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED")
    assert not refreshes(project, user["refresh_token"])


def test_signing_out_takes_any_body(project: Project) -> None:
    with project.http("client", project.sign_up()["access_token"]) as client:
        assert client.request("DELETE", "/auth/sessions/current", json=["any"]).status_code == 200


def test_signing_out_without_access_token_reads_as_expired(project: Project) -> None:
    before = time.time() * 1000
    with project.http("client") as client:
        answer = client.delete("/auth/sessions/current")
    assert (answer.status_code, known_error(answer)) == (401, "ACCESS_TOKEN_EXPIRED")
    details = answer.json()["details"]
    assert before - 1 <= details.pop("expired_at_millis") <= time.time() * 1000 + 1
    assert details == {"project_id": None, "user_id": None, "refresh_token_id": None}
