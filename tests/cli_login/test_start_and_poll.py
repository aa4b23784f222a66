"""The command line's side: starting a login and polling (contract 02 §7.1, §7.2)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from hexclave_server.cli_login.queries import PolledLogin
from hexclave_server.cli_login.service import state_of
from tests.cli_login.calls import anonymous, complete, is_plain_400, poll, post, session_of, start
from tests.passwords.calls import refreshes
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.sessions.tokens import known_error
from tests.stored import rows

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture(scope="module")
def timed_server(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database) as server:
        yield server


@pytest.fixture
def timed(timed_server: RunningServer) -> Iterator[RunningServer]:
    yield timed_server
    timed_server.shift_clock(0)


# --- start ---


@pytest.mark.parametrize("access", ["client", "server", "admin"])
@pytest.mark.parametrize("body", [None, {}, {"expires_in_millis": 7_200_000}])
def test_a_login_lives_two_hours(project: Project, access: str, body: dict[str, Any] | None) -> None:
    before = time.time() * 1000
    answer = post(project, "", body, access)
    assert answer.status_code == 200
    login = answer.json()
    assert set(login) == {"polling_code", "login_code", "expires_at"}
    for name in ("polling_code", "login_code"):
        assert re.fullmatch("[0-9a-hjkmnp-tv-z]{45}", login[name])
    assert login["polling_code"] != login["login_code"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", login["expires_at"])
    expires = datetime.fromisoformat(login["expires_at"]).timestamp() * 1000
    assert before - 2 <= expires - 2 * HOUR <= time.time() * 1000 + 2
    assert poll(project, login).json() == {"status": "waiting"}


@pytest.mark.parametrize(
    "body",
    [
        {"expires_in_millis": DAY + 1},
        {"expires_in_millis": "soon"},
        {"expires_in_millis": None},
        {"anon_refresh_token": None},
        {"anon_refresh_token": {"x": 1}},
        {"more": 1},
        [],
    ],
)
def test_malformed_starts_are_schema_errors(project: Project, body: Any) -> None:
    answer = post(project, "", body)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize("millis", [0, -1, -1e300, 0.4])
def test_a_login_without_a_lifetime_has_ended_already(project: Project, millis: float) -> None:
    login = start(project, expires_in_millis=millis)
    assert poll(project, login).json() == {"status": "expired"}
    assert is_plain_400(complete(project, login, "check"))


def test_only_a_live_session_of_an_anonymous_user_can_be_brought(project: Project, own_project: Project) -> None:
    deleted, ended = anonymous(project), anonymous(project)
    with project.http("server") as client:
        client.delete(f"/users/{deleted['user_id']}")
    with project.http("client", ended["access_token"], **{"x-stack-allow-anonymous-user": "true"}) as client:
        client.delete("/auth/sessions/current")
    wrong = [
        project.sign_up()["refresh_token"],
        anonymous(own_project)["refresh_token"],
        deleted["refresh_token"],
        ended["refresh_token"],
        "0" * 45,
        "",
    ]
    for token in wrong:
        assert is_plain_400(post(project, "", {"anon_refresh_token": token})), token
    assert start(project, anon_refresh_token=anonymous(project)["refresh_token"])


def test_an_expired_anonymous_session_cannot_be_brought(timed: RunningServer) -> None:
    token = anonymous(timed.project)["refresh_token"]
    timed.shift_clock(365 * DAY + 1000)
    assert is_plain_400(post(timed.project, "", {"anon_refresh_token": token}))


# --- poll ---


@pytest.mark.parametrize(
    ("expires_at", "completed_at", "fetched_at", "state"),
    [
        (100, None, None, "expired"),
        (100, 50, None, "expired"),
        (100, 50, 60, "expired"),
        (101, None, None, "waiting"),
        (101, 50, None, "success"),
        (101, 50, 60, "used"),
    ],
)
def test_the_first_state_that_applies_counts(expires_at: int, completed_at: int | None, fetched_at: int | None, state: str) -> None:
    assert state_of(PolledLogin("id", None, expires_at, completed_at, fetched_at), 100) == state


def test_the_refresh_token_is_fetched_once_and_is_the_pages_own(project: Project) -> None:
    login, user = start(project), project.sign_up()
    assert poll(project, login).json() == {"status": "waiting"}
    assert complete(project, login, refresh_token=user["refresh_token"]).json() == {"success": True}
    fetched = poll(project, login)
    assert (fetched.status_code, fetched.json()) == (201, {"status": "success", "refresh_token": user["refresh_token"]})
    for _ in range(2):
        again = poll(project, login)
        assert (again.status_code, again.json()) == (200, {"status": "used"})
    assert refreshes(project, fetched.json()["refresh_token"])


def test_what_was_completed_and_not_fetched_in_time_is_expired(timed: RunningServer) -> None:
    project = timed.project
    login, fetched, user = start(project), start(project), project.sign_up()
    for one in (login, fetched):
        complete(project, one, refresh_token=user["refresh_token"])
    assert poll(project, fetched).status_code == 201
    timed.shift_clock(2 * HOUR + 1000)
    for one in (login, fetched):
        late = poll(project, one)
        assert (late.status_code, late.json()) == (200, {"status": "expired"})


@pytest.mark.parametrize("change", [str.upper, lambda code: code[:-1], lambda code: code + "0", lambda code: f" {code}", lambda _: ""])
def test_a_polling_code_is_taken_to_the_letter(project: Project, change: Any) -> None:
    login = start(project)
    answer = poll(project, {"polling_code": change(login["polling_code"])})
    assert (answer.status_code, known_error(answer)) == (400, "INVALID_POLLING_CODE")
    assert "details" not in answer.json()


def test_neither_code_is_good_for_the_other_nor_for_another_project(project: Project, own_project: Project) -> None:
    login, user = start(project), project.sign_up()
    crossed = {"polling_code": login["login_code"], "login_code": login["polling_code"]}
    assert known_error(poll(project, crossed)) == "INVALID_POLLING_CODE"
    assert is_plain_400(complete(project, crossed, refresh_token=user["refresh_token"]))
    assert known_error(poll(own_project, login)) == "INVALID_POLLING_CODE"
    assert is_plain_400(complete(own_project, login, refresh_token=own_project.sign_up()["refresh_token"]))
    assert poll(project, login).json() == {"status": "waiting"}


@pytest.mark.parametrize("body", [{}, {"polling_code": None}, {"polling_code": {}}, {"polling_code": "x", "more": 1}])
def test_malformed_polls_are_schema_errors(project: Project, body: dict[str, Any]) -> None:
    assert known_error(post(project, "/poll", body)) == "SCHEMA_ERROR"


def test_the_token_lies_in_the_database_only_until_it_was_fetched(own_project: Project) -> None:
    server = own_project.server
    login, user = start(own_project), session_of(own_project, primary_email=new_email())

    def sealed() -> list[Any]:
        return rows(
            server,
            f"SELECT sealed_refresh_token FROM cli_logins c JOIN tenancies t ON t.id = c.tenancy_id AND t.project_id = '{own_project.id}'",
        )

    assert sealed() == [(None,)]
    complete(own_project, login, refresh_token=user["refresh_token"])
    assert sealed()[0][0]
    assert user["refresh_token"] not in sealed()[0][0]
    poll(own_project, login)
    assert sealed() == [(None,)]


def test_the_documents_tell_both_statuses_of_a_poll(server: RunningServer) -> None:
    with server.http() as client:
        responses = client.get("/openapi/client.json").json()["paths"]["/auth/cli/poll"]["post"]["responses"]
    assert responses["200"]["content"] == responses["201"]["content"]
