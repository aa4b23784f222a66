"""Signing in and up with a code sent by email (contract 02 §1.4 to §1.6, §3.2)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.otp.calls import UNKNOWN_CODE, ask, sign_in, verified_user
from tests.passwords.calls import TOTP_SECRET, anonymous_session, read_user, refreshes
from tests.passwords.calls import sign_in as sign_in_with_password
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import claims_of, known_error

ALLOW = {"x-stack-allow-anonymous-user": "true"}
WEEK = 7 * 24 * 3600 * 1000


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_a_known_address_signs_its_user_in(project: Project, access: str) -> None:
    email = new_email()
    user = verified_user(project, email)
    answer = sign_in(project, ask(project, email).code, access=access)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "refresh_token", "user_id", "is_new_user"}
    assert (answer.json()["user_id"], answer.json()["is_new_user"]) == (user["id"], False)
    assert claims_of(answer.json()["access_token"])["sub"] == user["id"]
    assert refreshes(project, answer.json()["refresh_token"])


def test_an_unknown_address_makes_a_user_who_has_shown_that_it_is_his(project: Project) -> None:
    email = new_email()
    answer = sign_in(project, ask(project, email.upper()).code)
    assert (answer.status_code, answer.json()["is_new_user"]) == (200, True)
    user = read_user(project, answer.json()["user_id"])
    assert (user["primary_email"], user["primary_email_verified"], user["primary_email_auth_enabled"]) == (email, True, True)
    assert (user["otp_auth_enabled"], user["has_password"], user["is_anonymous"]) == (True, False, False)
    assert claims_of(answer.json()["access_token"])["email_verified"] is True


def test_six_characters_and_the_nonce_are_the_code_in_any_case(project: Project) -> None:
    sent = ask(project, new_email())
    assert sent.otp.isupper() or sent.otp.isdigit()
    assert sign_in(project, sent.otp + sent.nonce).status_code == 200
    sent = ask(project, new_email())
    assert sign_in(project, sent.code.upper()).status_code == 200


def test_a_code_is_good_once(project: Project) -> None:
    sent = ask(project, new_email())
    assert sign_in(project, sent.code).status_code == 200
    again = sign_in(project, sent.code)
    assert (again.status_code, known_error(again)) == (409, "VERIFICATION_CODE_ALREADY_USED")


@pytest.mark.parametrize("code", [UNKNOWN_CODE, "\N{GRINNING FACE}" * 22 + "x", "'; DROP TABLE users; --".ljust(45, "-")])
def test_a_code_that_nobody_got_is_not_found(project: Project, code: str) -> None:
    answer = sign_in(project, code)
    assert (answer.status_code, known_error(answer)) == (404, "VERIFICATION_CODE_NOT_FOUND")


@pytest.mark.parametrize(
    "body", [{}, {"code": None}, {"code": ""}, {"code": "0" * 44}, {"code": "0" * 46}, {"code": 1}, {"code": UNKNOWN_CODE, "x": 1}]
)
@pytest.mark.parametrize("path", ["/auth/otp/sign-in", "/auth/otp/sign-in/check-code"])
def test_malformed_bodies_are_schema_errors(project: Project, path: str, body: dict[str, Any]) -> None:
    with project.http("client") as client:
        assert known_error(client.post(path, json=body)) == "SCHEMA_ERROR"


def test_a_code_lives_for_a_week(server: RunningServer, project: Project) -> None:
    first, second = ask(project, new_email()), ask(project, new_email())
    try:
        server.shift_clock(WEEK - 60_000)
        assert sign_in(project, first.code).status_code == 200
        server.shift_clock(WEEK + 60_000)
        answer = sign_in(project, second.code)
        assert (answer.status_code, known_error(answer)) == (400, "VERIFICATION_CODE_EXPIRED")
    finally:
        server.shift_clock(0)


def test_whether_codes_are_enabled_is_not_asked_again(own_project: Project) -> None:
    sent = ask(own_project, new_email())
    own_project.configure(magic_link_enabled=False)
    assert sign_in(own_project, sent.code).status_code == 200


def test_whether_sign_up_is_enabled_is_asked_again_and_the_code_is_gone(own_project: Project) -> None:
    email = new_email()
    sent = ask(own_project, email)
    own_project.configure(sign_up_enabled=False)
    assert known_error(sign_in(own_project, sent.code)) == "SIGN_UP_NOT_ENABLED"
    own_project.configure(sign_up_enabled=True)
    assert known_error(sign_in(own_project, sent.code)) == "VERIFICATION_CODE_ALREADY_USED"


def test_an_address_taken_unverified_since_the_code_was_sent_is_refused(project: Project) -> None:
    email = new_email()
    sent = ask(project, email)
    project.sign_up(email)
    answer = sign_in(project, sent.code)
    assert (answer.status_code, known_error(answer)) == (409, "USER_EMAIL_ALREADY_EXISTS")
    assert answer.json()["details"] == {"email": email, "would_work_if_email_was_verified": True}
    assert known_error(sign_in(project, sent.code)) == "VERIFICATION_CODE_ALREADY_USED"


def test_who_has_the_address_now_is_signed_in(project: Project) -> None:
    email = new_email()
    former = verified_user(project, email)
    sent = ask(project, email)
    with project.http("server") as client:
        assert client.patch(f"/users/{former['id']}", json={"primary_email": new_email()}).status_code == 200
        channels = client.get("/contact-channels", params={"user_id": former["id"]}).json()["items"]
        [old] = [channel for channel in channels if channel["value"] == email]
        assert client.delete(f"/contact-channels/{former['id']}/{old['id']}").status_code == 200
    later = verified_user(project, email)
    assert sign_in(project, sent.code).json()["user_id"] == later["id"]


def test_a_user_who_lost_the_address_is_not_signed_in(project: Project) -> None:
    email = new_email()
    user = verified_user(project, email)
    sent = ask(project, email)
    with project.http("server") as client:
        assert client.patch(f"/users/{user['id']}", json={"primary_email_auth_enabled": False}).status_code == 200
    answer = sign_in(project, sent.code)
    assert answer.json()["is_new_user"] is True
    assert answer.json()["user_id"] != user["id"]


def test_a_second_factor_is_asked_for_and_the_code_is_gone(project: Project) -> None:
    email = new_email()
    user = verified_user(project, email)
    with project.http("server") as client:
        assert client.patch(f"/users/{user['id']}", json={"totp_secret_base64": TOTP_SECRET}).status_code == 200
    sent = ask(project, email)
    answer = sign_in(project, sent.code)
    assert (answer.status_code, known_error(answer)) == (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED")
    assert len(answer.json()["details"]["attempt_code"]) == 45
    assert known_error(sign_in(project, sent.code)) == "VERIFICATION_CODE_ALREADY_USED"
    with project.http("server") as client:
        assert client.get("/auth/sessions", params={"user_id": user["id"]}).json()["items"] == []


def test_a_personal_team_is_made_where_the_project_wants_one(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    email = new_email()
    answer = sign_in(own_project, ask(own_project, email).code)
    team = read_user(own_project, answer.json()["user_id"])["selected_team"]
    assert team["display_name"] == f"{email}'s Team"


# --- the upgrade of an anonymous user ---


def test_an_anonymous_user_stays_who_he_is_and_so_do_his_sessions(project: Project) -> None:
    anonymous = anonymous_session(project, display_name="Somebody", client_metadata={"cart": [1, 2]})
    before = read_user(project, anonymous["user_id"])
    email = new_email()
    sent = ask(project, email)
    time.sleep(0.01)
    answer = sign_in(project, sent.code, **ALLOW, **{"x-stack-access-token": anonymous["access_token"]})
    assert (answer.json()["user_id"], answer.json()["is_new_user"]) == (anonymous["user_id"], True)
    user = read_user(project, anonymous["user_id"])
    assert (user["is_anonymous"], user["primary_email"], user["primary_email_verified"]) == (False, email, True)
    assert (user["otp_auth_enabled"], user["has_password"]) == (True, False)
    assert (user["display_name"], user["client_metadata"]) == ("Somebody", {"cart": [1, 2]})
    assert user["signed_up_at_millis"] > before["signed_up_at_millis"]
    assert refreshes(project, anonymous["refresh_token"])


def test_who_asks_anonymously_and_brings_the_code_elsewhere_is_not_upgraded(project: Project) -> None:
    anonymous = anonymous_session(project)
    sent = ask(project, new_email(), **ALLOW, **{"x-stack-access-token": anonymous["access_token"]})
    assert sign_in(project, sent.code).json()["user_id"] != anonymous["user_id"]
    assert read_user(project, anonymous["user_id"])["is_anonymous"] is True


def test_signing_in_to_an_account_leaves_the_anonymous_user_behind(project: Project) -> None:
    email = new_email()
    user = verified_user(project, email)
    anonymous = anonymous_session(project)
    answer = sign_in(project, ask(project, email).code, **ALLOW, **{"x-stack-access-token": anonymous["access_token"]})
    assert (answer.json()["user_id"], answer.json()["is_new_user"]) == (user["id"], False)
    assert read_user(project, anonymous["user_id"])["is_anonymous"] is True


def test_the_token_of_a_normal_user_is_ignored(project: Project) -> None:
    user = project.sign_up()
    answer = sign_in(project, ask(project, new_email()).code, **{"x-stack-access-token": user["access_token"]})
    assert answer.json()["user_id"] != user["user_id"]


# --- what a right code clears ---


def test_signing_in_by_code_clears_the_guesses_at_the_password(project: Project) -> None:
    email, password = new_email(), "correct horse battery"
    verified_user(project, email, password=password)
    for _ in range(10):
        assert known_error(sign_in_with_password(project, email, "wrong password")) == "EMAIL_PASSWORD_MISMATCH"
    assert sign_in_with_password(project, email, password).status_code == 429
    assert sign_in(project, ask(project, email).code).status_code == 200
    assert sign_in_with_password(project, email, password).status_code == 200
