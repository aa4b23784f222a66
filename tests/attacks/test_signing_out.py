"""B7: whatever ends a session ends it for good: no refresh afterwards, on either endpoint, at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.passkeys.authenticator import Authenticator
from tests.passkeys.calls import new_passkey_project, register, require_refused, sign_in, start_registration
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.sessions.tokens import claims_of, known_error

PASSWORD = "correct horse battery"
Tokens = dict[str, Any]


def refused_everywhere(project: Project, refresh_token: str) -> bool:
    with project.http("client") as client:
        by_header = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": refresh_token})
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": project.id,
        "client_secret": "__stack_public_client__",
    }
    by_form = httpx.post(f"{project.server.api_url}/auth/oauth/token", data=form)
    errors = {known_error(by_header), known_error(by_form)}
    assert len(errors) == 1, "the two endpoints disagree"
    return errors == {"REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"}


def succeed(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text


def sign_out(project: Project, user: Tokens) -> None:
    with project.http("client", user["access_token"]) as client:
        succeed(client.delete("/auth/sessions/current"))


def revoke_from_elsewhere(project: Project, user: Tokens) -> None:
    with project.http("client") as client:
        other = client.post("/auth/password/sign-in", json={"email": user["email"], "password": PASSWORD}).json()
    with project.http("client", other["access_token"]) as client:
        succeed(client.delete(f"/auth/sessions/{claims_of(user['access_token'])['refresh_token_id']}?user_id=me"))


def revoke_by_server(project: Project, user: Tokens) -> None:
    with project.http("server") as client:
        succeed(client.delete(f"/auth/sessions/{claims_of(user['access_token'])['refresh_token_id']}"))


def change_password(project: Project, user: Tokens) -> None:
    with project.http("client", user["access_token"]) as client:
        succeed(client.post("/auth/password/update", json={"old_password": PASSWORD, "new_password": "another password"}))


def set_password_by_server(project: Project, user: Tokens) -> None:
    with project.http("server") as client:
        succeed(client.patch(f"/users/{user['user_id']}", json={"password": "another password"}))


def remove_password_by_server(project: Project, user: Tokens) -> None:
    with project.http("server") as client:
        succeed(client.patch(f"/users/{user['user_id']}", json={"password": None}))


def delete_by_server(project: Project, user: Tokens) -> None:
    with project.http("server") as client:
        succeed(client.delete(f"/users/{user['user_id']}"))


def delete_oneself(project: Project, user: Tokens) -> None:
    project.configure(client_user_deletion_enabled=True)
    with project.http("client", user["access_token"]) as client:
        succeed(client.delete("/users/me"))


@pytest.mark.parametrize(
    "end",
    [
        sign_out,
        revoke_from_elsewhere,
        revoke_by_server,
        change_password,
        set_password_by_server,
        remove_password_by_server,
        delete_by_server,
        delete_oneself,
    ],
    ids=lambda end: end.__name__,
)
def test_after_that_nothing_refreshes(own_project: Project, end: Callable[[Project, Tokens], None]) -> None:
    user, bystander = own_project.sign_up(password=PASSWORD), own_project.sign_up(password=PASSWORD)
    assert not refused_everywhere(own_project, user["refresh_token"])
    end(own_project, user)
    assert refused_everywhere(own_project, user["refresh_token"])
    assert not refused_everywhere(own_project, bystander["refresh_token"])


def test_nobody_leaves_himself_a_way_in_after_that(server: RunningServer) -> None:
    """The access token lives on for minutes, by contract: it adds neither a passkey nor a first password to the account then."""
    project = new_passkey_project(server)
    user = project.create_user(primary_email=new_email(), primary_email_auth_enabled=True)
    with project.http("server") as client:
        tokens = client.post("/auth/sessions", json={"user_id": user["id"]}).json()
        start, authenticator = start_registration(project, tokens["access_token"]), Authenticator()
        [session] = client.get("/auth/sessions", params={"user_id": user["id"]}).json()["items"]
        succeed(client.delete(f"/auth/sessions/{session['id']}"))
    credential = authenticator.create(start["options_json"])
    require_refused(register(project, tokens["access_token"], start["code"], credential), "PASSKEY_REGISTRATION_FAILED")
    require_refused(sign_in(project, authenticator), "PASSKEY_AUTHENTICATION_FAILED")
    with project.http("client", tokens["access_token"]) as client:
        answer = client.post("/auth/password/set", json={"password": PASSWORD})
        assert (answer.status_code, known_error(answer)) == (400, None)
        answer = client.post("/auth/password/sign-in", json={"email": user["primary_email"], "password": PASSWORD})
        assert known_error(answer) == "EMAIL_PASSWORD_MISMATCH"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/contact-channels", {"user_id": "me", "type": "email", "value": "<new>", "used_for_auth": True}),
        ("PATCH", "/contact-channels/me/<channel>", {"value": "<new>"}),
        ("DELETE", "/contact-channels/me/<channel>", None),
        ("PATCH", "/users/me", {"primary_email": "<new>"}),
        ("PATCH", "/users/me", {"totp_secret_base64": "MDEyMzQ1Njc4OTAxMjM0NTY3ODk="}),
    ],
)
def test_nobody_changes_what_the_user_signs_in_with_after_that(
    project: Project, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """Else a thief has the new password reset at an address of his own, or keeps the owner out with a second factor, while his token lives."""
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        [channel] = client.get("/contact-channels", params={"user_id": "me"}).json()["items"]
        set_password_by_server(project, user)
        sent = {name: new_email() if value == "<new>" else value for name, value in (body or {}).items()}
        answer = client.request(method, path.replace("<channel>", channel["id"]), json=sent if body else None)
        assert (answer.status_code, known_error(answer)) == (400, None)
        assert client.get("/contact-channels", params={"user_id": "me"}).json()["items"] == [channel]
        assert client.patch("/users/me", json={"display_name": "Ada"}).json()["requires_totp_mfa"] is False


def test_the_access_token_dies_with_its_lifetime(database: DatabaseKind) -> None:
    with running_server(database, {"HEXCLAVE_ACCESS_TOKEN_TTL": "60s"}) as server:
        project = server.project
        user = project.sign_up()
        sign_out(project, user)
        with project.http("client", user["access_token"]) as client:
            assert client.get("/users/me").status_code == 200
            server.shift_clock(60_000)
            assert known_error(client.get("/users/me")) == "ACCESS_TOKEN_EXPIRED"


def test_a_deleted_user_is_no_user_although_his_token_lives(project: Project) -> None:
    user = project.sign_up()
    delete_by_server(project, user)
    with project.http("client", user["access_token"]) as client:
        assert known_error(client.get("/users/me")) == "CANNOT_GET_OWN_USER_WITHOUT_USER"
        assert known_error(client.get("/auth/sessions?user_id=me")) == "CANNOT_GET_OWN_USER_WITHOUT_USER"
        assert known_error(client.delete("/auth/sessions/current")) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


def test_an_ended_session_stays_ended_when_the_server_starts_anew(database: DatabaseKind) -> None:
    with running_server(database) as server:
        project = server.project
        ended, kept = project.sign_up(), project.sign_up()
        sign_out(project, ended)
        server.stop()
        server.start()
        assert refused_everywhere(project, ended["refresh_token"])
        assert not refused_everywhere(project, kept["refresh_token"])


def test_a_lost_answer_may_be_asked_for_again(server: RunningServer, project: Project) -> None:
    user = project.sign_up()
    for _ in range(5):
        assert not refused_everywhere(project, user["refresh_token"])
