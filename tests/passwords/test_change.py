"""Replacing a password, and giving one to a user who has none (contract 02 §2.5, §2.6)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.passwords.calls import NEW_PASSWORD, PASSWORD, refreshes, sign_in
from tests.server import Project, new_email
from tests.sessions.tokens import known_error


def update(project: Project, user: dict[str, Any], old: str = PASSWORD, new: str = NEW_PASSWORD, **headers: str) -> httpx.Response:
    with project.http("client", user["access_token"]) as client:
        return client.post("/auth/password/update", json={"old_password": old, "new_password": new}, headers=headers)


def set_password(project: Project, access_token: str | None, password: str = PASSWORD) -> httpx.Response:
    with project.http("client", access_token) as client:
        return client.post("/auth/password/set", json={"password": password})


def session_without_password(project: Project) -> dict[str, Any]:
    email = new_email()
    user = project.create_user(primary_email=email, primary_email_auth_enabled=True)
    with project.http("server") as client:
        tokens = client.post("/auth/sessions", json={"user_id": user["id"]}).json()
    return {**tokens, "email": email, "user_id": user["id"]}


# --- update ---


def test_an_update_ends_all_sessions_but_the_own_one(project: Project) -> None:
    user = project.sign_up()
    other_device = sign_in(project, user["email"]).json()
    answer = update(project, user, **{"x-stack-refresh-token": user["refresh_token"]})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert refreshes(project, user["refresh_token"])
    assert not refreshes(project, other_device["refresh_token"])
    assert sign_in(project, user["email"], NEW_PASSWORD).status_code == 200
    assert known_error(sign_in(project, user["email"])) == "EMAIL_PASSWORD_MISMATCH"


def test_without_the_header_the_own_session_ends_too(project: Project) -> None:
    user = project.sign_up()
    assert update(project, user).status_code == 200
    assert not refreshes(project, user["refresh_token"])


def test_the_refresh_token_of_somebody_else_keeps_nothing(project: Project) -> None:
    user, other = project.sign_up(), project.sign_up()
    assert update(project, user, **{"x-stack-refresh-token": other["refresh_token"]}).status_code == 200
    assert not refreshes(project, user["refresh_token"])
    assert refreshes(project, other["refresh_token"])


def test_the_access_token_lives_on(project: Project) -> None:
    user = project.sign_up()
    update(project, user)
    with project.http("client", user["access_token"]) as client:
        assert client.get("/users/me").status_code == 200


def test_the_new_password_may_be_the_old_one(project: Project) -> None:
    user = project.sign_up()
    assert update(project, user, new=PASSWORD).status_code == 200
    assert sign_in(project, user["email"]).status_code == 200


def test_a_wrong_old_password_changes_nothing(project: Project) -> None:
    user = project.sign_up()
    answer = update(project, user, old="wrong password")
    assert (answer.status_code, known_error(answer)) == (400, "PASSWORD_CONFIRMATION_MISMATCH")
    assert refreshes(project, user["refresh_token"])
    assert sign_in(project, user["email"]).status_code == 200


def test_checks_come_in_the_order_of_the_contract(own_project: Project) -> None:
    user = session_without_password(own_project)
    assert known_error(update(own_project, user, new="x" * 71)) == "SCHEMA_ERROR"
    assert known_error(update(own_project, user, new="short")) == "PASSWORD_TOO_SHORT"
    assert known_error(update(own_project, user)) == "USER_DOES_NOT_HAVE_PASSWORD"
    own_project.configure(credential_enabled=False)
    assert known_error(update(own_project, user, new="short")) == "PASSWORD_AUTHENTICATION_NOT_ENABLED"


@pytest.mark.parametrize("path", ["update", "set"])
def test_a_missing_user_is_a_schema_error_that_names_him(project: Project, path: str) -> None:
    deleted = project.sign_up()
    with project.http("server") as client:
        client.delete(f"/users/{deleted['user_id']}")
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD} if path == "update" else {"password": PASSWORD}
    for access_token in (None, deleted["access_token"]):
        with project.http("client", access_token) as client:
            answer = client.post(f"/auth/password/{path}", json=body)
        assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")
        assert "auth.user" in answer.json()["error"]


@pytest.mark.anyio
async def test_of_two_updates_at_once_one_wins(project: Project) -> None:
    user = project.sign_up()
    passwords = [f"another password {number}" for number in range(5)]
    async with project.async_http("client", user["access_token"]) as client:
        bodies = ({"old_password": PASSWORD, "new_password": new} for new in passwords)
        answers = await asyncio.gather(*(client.post("/auth/password/update", json=body) for body in bodies))
    codes = [answer.status_code for answer in answers]
    assert sorted(codes) == [200, 400, 400, 400, 400]
    assert sign_in(project, user["email"], passwords[codes.index(200)]).status_code == 200


@pytest.mark.anyio
async def test_no_session_of_the_old_password_survives_its_change(project: Project) -> None:
    for _ in range(3):
        user = project.sign_up()
        async with project.async_http("client") as client, project.async_http("client", user["access_token"]) as signed_in:
            sign_ins = [client.post("/auth/password/sign-in", json={"email": user["email"], "password": PASSWORD}) for _ in range(4)]
            change = signed_in.post("/auth/password/update", json={"old_password": PASSWORD, "new_password": NEW_PASSWORD})
            answers = await asyncio.gather(*sign_ins[:2], change, *sign_ins[2:])
        assert answers[2].status_code == 200
        tokens = [answer.json()["refresh_token"] for answer in (*answers[:2], *answers[3:]) if answer.status_code == 200]
        assert not any(refreshes(project, token) for token in tokens)


# --- set ---


def test_a_user_without_password_gets_one_and_keeps_his_sessions(project: Project) -> None:
    user = session_without_password(project)
    answer = set_password(project, user["access_token"])
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert refreshes(project, user["refresh_token"])
    assert sign_in(project, user["email"]).json()["user_id"] == user["user_id"]


def test_a_user_with_a_password_gets_no_second_one(project: Project) -> None:
    user = project.sign_up()
    answer = set_password(project, user["access_token"], NEW_PASSWORD)
    assert (answer.status_code, known_error(answer)) == (400, None)
    assert answer.headers["content-type"].startswith("text/plain")
    assert known_error(sign_in(project, user["email"], NEW_PASSWORD)) == "EMAIL_PASSWORD_MISMATCH"


def test_setting_checks_in_the_order_of_the_contract(own_project: Project) -> None:
    user = own_project.sign_up()
    assert known_error(set_password(own_project, user["access_token"], "short")) == "PASSWORD_TOO_SHORT"
    own_project.configure(credential_enabled=False)
    assert known_error(set_password(own_project, user["access_token"], "short")) == "PASSWORD_AUTHENTICATION_NOT_ENABLED"


@pytest.mark.anyio
async def test_of_two_first_passwords_one_is_set(project: Project) -> None:
    user = session_without_password(project)
    async with project.async_http("client", user["access_token"]) as client:
        calls = (client.post("/auth/password/set", json={"password": f"first password {number}"}) for number in range(4))
        answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


# --- the notice of it (contract 02 §1.8) ---

NOTICE = "Your password at Test project was changed"


def test_the_user_is_told_of_each_change_and_of_no_refused_one(project: Project) -> None:
    mail = project.server.mail
    user = session_without_password(project)
    assert set_password(project, user["access_token"]).status_code == 200
    assert mail.wait_for(user["email"], subject=NOTICE)
    assert known_error(update(project, user, "wrong password")) == "PASSWORD_CONFIRMATION_MISMATCH"
    assert set_password(project, user["access_token"]).status_code == 400
    assert update(project, user).status_code == 200
    assert mail.wait_for(user["email"], subject=NOTICE)
    with project.http("server") as client:
        assert client.patch(f"/users/{user['user_id']}", json={"password": PASSWORD}).status_code == 200
    assert mail.wait_for(user["email"], subject=NOTICE)
    mail.none_for(user["email"])


def test_signing_up_and_in_is_no_change(project: Project) -> None:
    user, other = project.sign_up(), session_without_password(project)
    assert sign_in(project, user["email"]).status_code == 200
    assert set_password(project, other["access_token"]).status_code == 200
    project.server.mail.wait_for(other["email"], subject=NOTICE)
    project.server.mail.none_for(user["email"])
