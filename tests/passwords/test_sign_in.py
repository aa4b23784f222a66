"""Signing in with a password (contract 02 §2.2, §1.6)."""

from __future__ import annotations

from typing import Any

import bcrypt
import pytest

from tests.passwords.calls import PASSWORD, TOTP_SECRET, read_user, refreshes, sign_in
from tests.server import Project, new_email
from tests.sessions.tokens import claims_of, known_error


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_each_sign_in_is_a_session_of_its_own(project: Project, access: str) -> None:
    user = project.sign_up()
    answer = sign_in(project, user["email"], access=access)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "refresh_token", "user_id"}
    assert answer.json()["user_id"] == user["user_id"]
    assert claims_of(answer.json()["access_token"])["refresh_token_id"] != claims_of(user["access_token"])["refresh_token_id"]
    assert refreshes(project, user["refresh_token"])
    assert refreshes(project, answer.json()["refresh_token"])


def test_the_address_may_be_typed_in_any_case(project: Project) -> None:
    user = project.sign_up()
    assert sign_in(project, user["email"].upper()).status_code == 200


def test_whatever_is_wrong_is_one_answer(project: Project) -> None:
    user, without_password, unused = project.sign_up(), new_email(), new_email()
    project.create_user(primary_email=without_password, primary_email_auth_enabled=True)
    project.create_user(primary_email=unused, primary_email_auth_enabled=False, password=PASSWORD)
    answers = [
        sign_in(project, new_email()),
        sign_in(project, user["email"], "wrong password"),
        sign_in(project, user["email"], ""),
        sign_in(project, without_password),
        sign_in(project, unused),
    ]
    for answer in answers:
        assert (answer.status_code, known_error(answer)) == (400, "EMAIL_PASSWORD_MISMATCH")
        assert answer.content == answers[0].content


def test_the_account_of_another_project_is_unknown(project: Project, own_project: Project) -> None:
    user = own_project.sign_up()
    assert known_error(sign_in(project, user["email"])) == "EMAIL_PASSWORD_MISMATCH"


@pytest.mark.parametrize(
    "body",
    [
        {"email": "a@example.com"},
        {"password": PASSWORD},
        {"email": "", "password": PASSWORD},
        {"email": "a b@example.com", "password": PASSWORD},
        {"email": "a@example.com", "password": "x" * 71},
        {"email": "a@example.com", "password": "nul\0byte"},
        {"email": "a@example.com", "password": PASSWORD, "remember": True},
        [],
        "text",
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: Any) -> None:
    with project.http("client") as client:
        assert known_error(client.post("/auth/password/sign-in", json=body)) == "SCHEMA_ERROR"


def test_a_lenient_address_without_dot_is_no_schema_error(project: Project) -> None:
    assert known_error(sign_in(project, "a@b")) == "EMAIL_PASSWORD_MISMATCH"


def test_where_passwords_are_off_nobody_signs_in(own_project: Project) -> None:
    user = own_project.sign_up()
    own_project.configure(credential_enabled=False)
    for password in (PASSWORD, "wrong password"):
        assert known_error(sign_in(own_project, user["email"], password)) == "PASSWORD_AUTHENTICATION_NOT_ENABLED"


def test_a_valid_user_token_beside_it_changes_nothing(project: Project) -> None:
    user, other = project.sign_up(), project.sign_up()
    answer = sign_in(project, user["email"], **{"x-stack-access-token": other["access_token"]})
    assert answer.json()["user_id"] == user["user_id"]


@pytest.mark.parametrize(("prefix", "password"), [(b"2a", PASSWORD), (b"2b", PASSWORD), (b"2y", PASSWORD), (b"2b", "p" * 70)])
def test_an_imported_hash_verifies_before_and_after_it_was_replaced(project: Project, prefix: bytes, password: str) -> None:
    imported = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).replace(b"$2b$", b"$" + prefix + b"$").decode()
    email = new_email()
    user = project.create_user(primary_email=email, primary_email_auth_enabled=True, password_hash=imported)
    assert known_error(sign_in(project, email, "wrong password")) == "EMAIL_PASSWORD_MISMATCH"
    for _ in range(3):
        answer = sign_in(project, email, password)
        assert answer.json()["user_id"] == user["id"]
        assert refreshes(project, answer.json()["refresh_token"])
    assert known_error(sign_in(project, email, "wrong password")) == "EMAIL_PASSWORD_MISMATCH"


def test_a_second_factor_ends_in_an_attempt_and_no_session(project: Project) -> None:
    user = project.sign_up()
    with project.http("server") as client:
        client.patch(f"/users/{user['user_id']}", json={"totp_secret_base64": TOTP_SECRET})
    before = read_user(project, user["user_id"])["last_active_at_millis"]
    first, second = sign_in(project, user["email"]), sign_in(project, user["email"])
    for answer in (first, second):
        assert (answer.status_code, known_error(answer)) == (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED")
        assert set(answer.json()["details"]) == {"attempt_code"}
        assert len(answer.json()["details"]["attempt_code"]) == 45
    assert first.json()["details"] != second.json()["details"]
    assert known_error(sign_in(project, user["email"], "wrong password")) == "EMAIL_PASSWORD_MISMATCH"
    with project.http("admin") as client:
        assert len(client.get("/auth/sessions", params={"user_id": user["user_id"]}).json()["items"]) == 1
    assert read_user(project, user["user_id"])["last_active_at_millis"] == before


@pytest.mark.parametrize("fields", [{"restricted_by_admin": True}, {"primary_email_verified": False}])
def test_restricted_and_unverified_users_sign_in(project: Project, fields: dict[str, bool]) -> None:
    email = new_email()
    project.create_user(primary_email=email, primary_email_auth_enabled=True, password=PASSWORD, **fields)
    answer = sign_in(project, email)
    assert answer.status_code == 200
    assert claims_of(answer.json()["access_token"])["is_restricted"] is fields.get("restricted_by_admin", False)
