"""Anonymous users: created by one request without a body, and what becomes of their sessions (contract 02 §1.5, §6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.attacks.addresses import BEHIND_A_PROXY, from_address, require_limited
from tests.passwords.calls import read_user, refreshes, sign_up
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.sessions.tokens import claims_of, header_of, key_set, known_error, verify

ALLOW = {"x-stack-allow-anonymous-user": "true"}


def anonymous(project: Project, access: str = "client", **headers: str) -> httpx.Response:
    """As the SDK sends it: no body, no content type."""
    with project.http(access, **headers) as client:
        return client.post("/auth/anonymous/sign-up")


def new_anonymous(project: Project) -> dict[str, Any]:
    """A new anonymous user: `access_token`, `refresh_token`, `user_id`."""
    answer = anonymous(project)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_a_visitor_becomes_a_user_without_anything(project: Project, access: str) -> None:
    answer = anonymous(project, access)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "refresh_token", "user_id"}
    user = read_user(project, answer.json()["user_id"])
    assert (user["is_anonymous"], user["is_restricted"], user["restricted_reason"]) == (True, True, {"type": "anonymous"})
    for nothing in ("primary_email", "display_name", "selected_team_id", "country_code"):
        assert user[nothing] is None, nothing
    for no in ("has_password", "otp_auth_enabled", "passkey_auth_enabled", "requires_totp_mfa", "primary_email_auth_enabled"):
        assert user[no] is False, no
    assert refreshes(project, answer.json()["refresh_token"])


def test_the_token_says_that_its_user_is_anonymous(project: Project) -> None:
    user = new_anonymous(project)
    claims = verify(user["access_token"], key_set(project.server, project.id, include_anonymous="true"))
    assert (claims["sub"], claims["aud"]) == (user["user_id"], f"{project.id}:anon")
    assert claims["iss"] == f"{project.server.base_url}/api/v1/projects-anonymous-users/{project.id}"
    assert (claims["is_anonymous"], claims["is_restricted"], claims["restricted_reason"]) == (True, True, {"type": "anonymous"})
    assert claims["role"] == "authenticated"
    normal = {key["kid"] for key in key_set(project.server, project.id, include_restricted="true")}
    assert header_of(user["access_token"])["kid"] not in normal


def test_the_token_needs_the_header_that_allows_it(project: Project) -> None:
    user = new_anonymous(project)
    with project.http("client", user["access_token"]) as client:
        assert known_error(client.get("/users/me")) == "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"
        restricted = client.get("/users/me", headers={"x-stack-allow-restricted-user": "true"})
        assert known_error(restricted) == "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"
        assert client.get("/users/me", headers=ALLOW).json()["id"] == user["user_id"]


def test_each_call_makes_another_user_whoever_is_signed_in(project: Project) -> None:
    first = new_anonymous(project)
    normal = project.sign_up()
    again = anonymous(project, **ALLOW, **{"x-stack-access-token": first["access_token"]}).json()
    as_normal = anonymous(project, **{"x-stack-access-token": normal["access_token"]}).json()
    assert len({first["user_id"], again["user_id"], as_normal["user_id"], normal["user_id"]}) == 4
    assert refreshes(project, first["refresh_token"])


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"json": {}},
        {"json": {"email": "ada@example.com"}},
        {"json": ["any"]},
        {"content": "text", "headers": {"content-type": "text/plain"}},
    ],
)
def test_any_body_is_ignored(project: Project, sent: dict[str, Any]) -> None:
    with project.http("client") as client:
        answer = client.post("/auth/anonymous/sign-up?x=1", **sent)
    assert answer.status_code == 200
    assert read_user(project, answer.json()["user_id"])["primary_email"] is None


def test_a_body_that_is_no_json_is_none(project: Project) -> None:
    with project.http("client") as client:
        answer = client.post("/auth/anonymous/sign-up", content="{", headers={"content-type": "application/json"})
    assert known_error(answer) == "BODY_PARSING_ERROR"


def test_without_credentials_nobody_signs_up(server: RunningServer) -> None:
    with server.http() as client:
        assert known_error(client.post("/auth/anonymous/sign-up")) == "ACCESS_TYPE_REQUIRED"


def test_no_setting_refuses_it(own_project: Project) -> None:
    own_project.configure(sign_up_enabled=False, credential_enabled=False)
    assert anonymous(own_project).status_code == 200


def test_a_personal_team_has_the_default_name(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    user = read_user(own_project, new_anonymous(own_project)["user_id"])
    assert user["selected_team"]["display_name"] == "Personal Team"


def test_lists_hide_anonymous_users_unless_asked(own_project: Project) -> None:
    user_id = new_anonymous(own_project)["user_id"]
    with own_project.http("server") as client:
        assert client.get("/users").json()["items"] == []
        shown = client.get("/users", params={"include_anonymous": "true"}).json()["items"]
    assert [user["id"] for user in shown] == [user_id]


def test_a_sign_up_with_a_password_upgrades_him_and_ends_his_sessions(project: Project) -> None:
    user, email = new_anonymous(project), new_email()
    upgraded = sign_up(project, email, headers={**ALLOW, "x-stack-access-token": user["access_token"]})
    assert upgraded.json()["user_id"] == user["user_id"]
    assert not refreshes(project, user["refresh_token"])
    assert refreshes(project, upgraded.json()["refresh_token"])
    with project.http("client", user["access_token"], **ALLOW) as client:
        assert client.get("/users/me").json()["primary_email"] == email


def test_a_deleted_anonymous_user_has_no_session(project: Project) -> None:
    user = new_anonymous(project)
    with project.http("server") as client:
        assert client.delete(f"/users/{user['user_id']}").status_code == 200
    assert not refreshes(project, user["refresh_token"])
    with project.http("client", user["access_token"], **ALLOW) as client:
        assert known_error(client.get("/users/me")) == "CANNOT_GET_OWN_USER_WITHOUT_USER"


def test_he_signs_out_as_everybody_does(project: Project) -> None:
    user = new_anonymous(project)
    with project.http("client", user["access_token"], **ALLOW) as client:
        listed = client.get("/auth/sessions", params={"user_id": "me"}).json()["items"]
        assert [one["id"] for one in listed] == [claims_of(user["access_token"])["refresh_token_id"]]
        assert client.delete("/auth/sessions/current").status_code == 200
    assert not refreshes(project, user["refresh_token"])


@pytest.fixture(scope="module")
def behind_a_proxy(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, BEHIND_A_PROXY) as server:
        yield server


async def test_one_address_cannot_make_users_without_end(behind_a_proxy: RunningServer) -> None:
    project = behind_a_proxy.project
    async with project.async_http("client", **from_address("198.51.100.7")) as client:
        statuses = [(await client.post("/auth/anonymous/sign-up")).status_code for _ in range(500)]
        assert set(statuses) == {200}, "an office full of people is not refused"
        last = [await client.post("/auth/anonymous/sign-up") for _ in range(100)]
    refused = [answer for answer in last if answer.status_code == 429]
    assert refused
    require_limited(refused[0], 3)
    with project.http("client", **from_address("198.51.100.8")) as other:
        assert other.post("/auth/anonymous/sign-up").status_code == 200
    with project.http("server", **from_address("198.51.100.7")) as back_end:
        assert back_end.post("/auth/anonymous/sign-up").status_code == 200


def test_the_country_of_the_request_is_kept_through_the_upgrade(behind_a_proxy: RunningServer) -> None:
    project = behind_a_proxy.project
    browser = {"user-agent": "Mozilla/5.0", **from_address("198.51.100.9")}
    user = anonymous(project, **browser, **{"x-vercel-ip-country": "de"}).json()
    assert read_user(project, user["user_id"])["country_code"] == "DE"
    moved = {**ALLOW, **browser, "x-stack-access-token": user["access_token"], "x-vercel-ip-country": "FR"}
    assert sign_up(project, new_email(), headers=moved).status_code == 200
    assert read_user(project, user["user_id"])["country_code"] == "DE"
