"""Resetting a password with a code, and checking the code (contract 02 §1.4, §2.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.passwords.calls import NEW_PASSWORD, PASSWORD, read_user, refreshes, sign_in
from tests.passwords.resets import ask, check, reset
from tests.server import Project, RunningServer
from tests.sessions.tokens import known_error

UNKNOWN_CODE = "0" * 45
WEEK = 7 * 24 * 3600 * 1000


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_the_new_password_replaces_the_forgotten_one(server: RunningServer, project: Project, access: str) -> None:
    user = project.sign_up()
    answer = reset(project, ask(project, user["email"]), access=access)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert known_error(sign_in(project, user["email"], PASSWORD)) == "EMAIL_PASSWORD_MISMATCH"
    assert sign_in(project, user["email"], NEW_PASSWORD).json()["user_id"] == user["user_id"]
    assert server.mail.wait_for(user["email"], subject="Your password at Test project was changed")


def test_all_sessions_end_and_nobody_is_signed_in(project: Project) -> None:
    user = project.sign_up()
    second = sign_in(project, user["email"]).json()
    assert set(reset(project, ask(project, user["email"])).json()) == {"success"}
    assert not refreshes(project, user["refresh_token"])
    assert not refreshes(project, second["refresh_token"])


def test_the_address_stays_unverified(project: Project) -> None:
    user = project.sign_up()
    reset(project, ask(project, user["email"]))
    assert read_user(project, user["user_id"])["primary_email_verified"] is False


def test_a_code_is_good_once_and_others_stay_good(project: Project) -> None:
    email = project.sign_up()["email"]
    first, second = ask(project, email), ask(project, email)
    assert reset(project, first.upper()).status_code == 200
    answer = reset(project, first)
    assert (answer.status_code, known_error(answer)) == (409, "VERIFICATION_CODE_ALREADY_USED")
    assert reset(project, second, PASSWORD).status_code == 200
    assert sign_in(project, email, PASSWORD).status_code == 200


def test_a_code_that_nobody_got_is_not_found(project: Project) -> None:
    for answer in (reset(project, UNKNOWN_CODE), check(project, UNKNOWN_CODE)):
        assert (answer.status_code, known_error(answer)) == (404, "VERIFICATION_CODE_NOT_FOUND")


def test_a_code_lives_for_a_week(server: RunningServer, project: Project) -> None:
    code = ask(project, project.sign_up()["email"])
    try:
        server.shift_clock(WEEK - 60_000)
        assert check(project, code).status_code == 200
        server.shift_clock(WEEK + 60_000)
        for answer in (check(project, code), reset(project, code)):
            assert (answer.status_code, known_error(answer)) == (400, "VERIFICATION_CODE_EXPIRED")
    finally:
        server.shift_clock(0)


def test_a_password_that_is_too_short_costs_the_code(project: Project) -> None:
    user = project.sign_up()
    code = ask(project, user["email"])
    answer = reset(project, code, "1234567")
    assert (answer.status_code, known_error(answer), answer.json()["details"]) == (400, "PASSWORD_TOO_SHORT", {"min_length": 8})
    assert known_error(reset(project, code)) == "VERIFICATION_CODE_ALREADY_USED"
    assert refreshes(project, user["refresh_token"])
    assert sign_in(project, user["email"], PASSWORD).status_code == 200


def test_disabled_passwords_come_after_the_code_and_cost_it(own_project: Project) -> None:
    code = ask(own_project, own_project.sign_up()["email"])
    own_project.configure(credential_enabled=False)
    assert known_error(reset(own_project, UNKNOWN_CODE, "short")) == "VERIFICATION_CODE_NOT_FOUND"
    assert check(own_project, code).status_code == 200
    assert known_error(reset(own_project, code, "short")) == "PASSWORD_AUTHENTICATION_NOT_ENABLED"
    assert known_error(reset(own_project, code, "short")) == "VERIFICATION_CODE_ALREADY_USED"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": UNKNOWN_CODE},
        {"password": NEW_PASSWORD},
        {"code": "0" * 44, "password": NEW_PASSWORD},
        {"code": None, "password": NEW_PASSWORD},
        {"code": UNKNOWN_CODE, "password": None},
        {"code": UNKNOWN_CODE, "password": "x" * 71},
        {"code": UNKNOWN_CODE, "password": NEW_PASSWORD, "email": "a@example.com"},
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: dict[str, Any]) -> None:
    with project.http("client") as client:
        assert known_error(client.post("/auth/password/reset", json=body)) == "SCHEMA_ERROR"


def test_a_malformed_password_does_not_cost_the_code(project: Project) -> None:
    code = ask(project, project.sign_up()["email"])
    assert known_error(reset(project, code, "x" * 71)) == "SCHEMA_ERROR"
    assert check(project, code).json() == {"is_code_valid": True}


def test_checking_counts_and_the_twenty_first_try_fails(project: Project) -> None:
    code = ask(project, project.sign_up()["email"])
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    assert [known_error(check(project, wrong)) for _ in range(19)] == ["VERIFICATION_CODE_NOT_FOUND"] * 19
    assert check(project, code).json() == {"is_code_valid": True}
    for answer in (check(project, code), reset(project, code)):
        assert (answer.status_code, known_error(answer)) == (400, "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED")


def test_resetting_clears_the_guesses_at_the_password(project: Project) -> None:
    user = project.sign_up()
    for _ in range(10):
        sign_in(project, user["email"], "wrong password")
    assert sign_in(project, user["email"]).status_code == 429
    assert reset(project, ask(project, user["email"])).status_code == 200
    assert sign_in(project, user["email"], NEW_PASSWORD).status_code == 200


def test_the_account_is_gone(project: Project) -> None:
    user = project.sign_up()
    code = ask(project, user["email"])
    with project.http("server") as client:
        assert client.delete(f"/users/{user['user_id']}").status_code == 200
    answer = reset(project, code)
    assert (answer.status_code, known_error(answer)) == (404, "USER_NOT_FOUND")
    assert known_error(reset(project, code)) == "VERIFICATION_CODE_ALREADY_USED"
