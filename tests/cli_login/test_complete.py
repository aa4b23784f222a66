"""The page's side: looking at a login, taking over its anonymous session, completing it (contract 02 §7.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli_login.calls import anonymous, complete, is_plain_400, poll, post, session_of, start
from tests.passwords.calls import read_user, refreshes, sign_up
from tests.server import Project, new_email
from tests.sessions.tokens import claims_of, known_error

ALLOW = {"x-stack-allow-anonymous-user": "true"}
MODES = ["check", "claim-anon-session", "complete"]


@pytest.mark.parametrize("mode", MODES)
def test_a_login_that_is_unknown_completed_or_used_is_refused_in_every_mode(project: Project, mode: str) -> None:
    user = project.sign_up()
    completed, used = start(project), start(project)
    for login in (completed, used):
        assert complete(project, login, refresh_token=user["refresh_token"]).status_code == 200
    assert poll(project, used).status_code == 201
    unknown = {"login_code": "0" * 45}
    upper_case = {"login_code": start(project)["login_code"].upper()}
    for login in (completed, used, unknown, upper_case, {"login_code": ""}):
        assert is_plain_400(complete(project, login, mode, refresh_token=user["refresh_token"]))
    assert poll(project, completed).json()["refresh_token"] == user["refresh_token"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"login_code": None},
        {"login_code": "x", "mode": "finish"},
        {"login_code": "x", "mode": None},
        {"login_code": "x", "refresh_token": None},
        {"login_code": "x", "more": 1},
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: dict[str, Any]) -> None:
    assert known_error(post(project, "/complete", body)) == "SCHEMA_ERROR"


# --- check ---


def test_checking_tells_whether_an_anonymous_session_came_along_again_and_again(project: Project) -> None:
    without, with_one = start(project), start(project, anon_refresh_token=anonymous(project)["refresh_token"])
    for _ in range(2):
        assert complete(project, without, "check").json() == {"cli_session_state": "none"}
        assert complete(project, with_one, "check").json() == {"cli_session_state": "anonymous"}


def test_a_session_that_has_ended_or_is_anonymous_no_more_does_not_count(project: Project) -> None:
    upgraded, deleted = anonymous(project), anonymous(project)
    logins = [start(project, anon_refresh_token=user["refresh_token"]) for user in (upgraded, deleted)]
    with project.http("server") as client:
        assert client.patch(f"/users/{upgraded['user_id']}", json={"is_anonymous": False}).status_code == 200
        client.delete(f"/users/{deleted['user_id']}")
    assert refreshes(project, upgraded["refresh_token"])
    for login in logins:
        assert complete(project, login, "check").json() == {"cli_session_state": "none"}
        assert is_plain_400(complete(project, login, "claim-anon-session"))
        assert poll(project, login).json() == {"status": "waiting"}


# --- claim ---


def test_the_anonymous_session_is_handed_over_once(project: Project) -> None:
    user = anonymous(project)
    login = start(project, anon_refresh_token=user["refresh_token"])
    claimed = complete(project, login, "claim-anon-session")
    assert (claimed.status_code, set(claimed.json())) == (200, {"access_token", "refresh_token"})
    assert claimed.json()["refresh_token"] == user["refresh_token"]
    claims = claims_of(claimed.json()["access_token"])
    assert (claims["sub"], claims["is_anonymous"]) == (user["user_id"], True)
    assert claims["refresh_token_id"] == claims_of(user["access_token"])["refresh_token_id"]
    assert is_plain_400(complete(project, login, "claim-anon-session"))
    assert poll(project, login).json() == {"status": "waiting"}


def test_without_an_anonymous_session_there_is_nothing_to_claim(project: Project) -> None:
    assert is_plain_400(complete(project, start(project), "claim-anon-session"))


def test_claim_upgrade_complete_keeps_the_user(project: Project) -> None:
    user, email = anonymous(project), new_email()
    login = start(project, anon_refresh_token=user["refresh_token"])
    claimed = complete(project, login, "claim-anon-session").json()
    upgraded = sign_up(project, email, headers={**ALLOW, "x-stack-access-token": claimed["access_token"]}).json()
    assert complete(project, login, refresh_token=upgraded["refresh_token"]).json() == {"success": True}
    fetched = poll(project, login).json()["refresh_token"]
    assert fetched == upgraded["refresh_token"]
    assert upgraded["user_id"] == user["user_id"]
    assert read_user(project, user["user_id"])["primary_email"] == email


def test_claiming_counts_as_a_use_of_the_session(project: Project) -> None:
    user = anonymous(project)
    login = start(project, anon_refresh_token=user["refresh_token"])
    before = read_user(project, user["user_id"])["last_active_at_millis"]
    complete(project, login, "claim-anon-session")
    assert read_user(project, user["user_id"])["last_active_at_millis"] > before
    with project.http("server") as client:
        session = client.get("/auth/sessions", params={"user_id": user["user_id"]}).json()["items"][0]
    assert session["last_used_at"] > session["created_at"]


# --- complete ---


def test_completing_needs_a_live_session_of_this_project(project: Project, own_project: Project) -> None:
    login, ended = start(project), project.sign_up()
    with project.http("client", ended["access_token"]) as client:
        client.delete("/auth/sessions/current")
    assert is_plain_400(complete(project, login))
    for token in ("0" * 45, "", ended["refresh_token"], own_project.sign_up()["refresh_token"]):
        assert is_plain_400(complete(project, login, "complete", refresh_token=token)), token
    assert poll(project, login).json() == {"status": "waiting"}


@pytest.mark.parametrize("kind", ["normal", "anonymous", "restricted"])
def test_the_session_may_be_of_any_user(project: Project, kind: str) -> None:
    fields = {"normal": {}, "anonymous": {"is_anonymous": True}, "restricted": {"restricted_by_admin": True}}[kind]
    login, user = start(project), session_of(project, **fields)
    assert complete(project, login, "complete", refresh_token=user["refresh_token"]).status_code == 200
    assert poll(project, login).json()["refresh_token"] == user["refresh_token"]


def test_completing_lets_go_of_the_anonymous_user_and_merges_nothing(project: Project) -> None:
    visitor, user = anonymous(project), project.sign_up()
    login = start(project, anon_refresh_token=visitor["refresh_token"])
    assert complete(project, login, refresh_token=user["refresh_token"]).status_code == 200
    assert is_plain_400(complete(project, login, "claim-anon-session"))
    assert poll(project, login).json()["refresh_token"] == user["refresh_token"]
    assert read_user(project, visitor["user_id"])["is_anonymous"] is True
    assert refreshes(project, visitor["refresh_token"])


def test_a_second_session_cannot_be_slipped_in(project: Project) -> None:
    login, first, second = start(project), project.sign_up(), project.sign_up()
    assert complete(project, login, refresh_token=first["refresh_token"]).status_code == 200
    assert is_plain_400(complete(project, login, refresh_token=second["refresh_token"]))
    assert poll(project, login).json()["refresh_token"] == first["refresh_token"]


# --- one session, two places (B7) ---


@pytest.mark.parametrize("who", ["page", "command line"])
def test_signing_out_of_one_ends_both(project: Project, who: str) -> None:
    login, user = start(project), project.sign_up()
    complete(project, login, refresh_token=user["refresh_token"])
    fetched = poll(project, login).json()["refresh_token"]
    with project.http("client", **{"x-stack-refresh-token": fetched}) as client:
        of_the_command_line = client.post("/auth/sessions/current/refresh").json()["access_token"]
    with project.http("client", user["access_token"] if who == "page" else of_the_command_line) as client:
        assert client.delete("/auth/sessions/current").status_code == 200
    assert not refreshes(project, user["refresh_token"])
    assert not refreshes(project, fetched)
