"""Finishing a sign-in with the second factor (contract 02 §4)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.mfa.calls import (
    OTHER_SECRET,
    SECRET,
    attempt,
    finish,
    mid_step,
    require_refused,
    session_count,
    set_totp,
    totp,
    user_with_totp,
    wrong_totp,
)
from tests.passwords.calls import anonymous_session, refreshes, sign_in, sign_up
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import claims_of, known_error

CODE = "x" * 45


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_the_right_code_signs_in(project: Project, access: str) -> None:
    user = user_with_totp(project)
    answer = finish(project, attempt(project, user), totp(), access)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"access_token", "refresh_token", "is_new_user", "user_id"}
    assert answer.json()["user_id"] == user["user_id"]
    assert answer.json()["is_new_user"] is False
    claims = claims_of(answer.json()["access_token"])
    assert (claims["sub"], claims["requires_totp_mfa"]) == (user["user_id"], True)
    assert refreshes(project, answer.json()["refresh_token"])
    assert session_count(project, user["user_id"]) == 2


@pytest.mark.parametrize("text", ["", "12345", "1234567", "abcdef", "１２３４５６", "0 0000", "x" * 10_000])
def test_whatever_is_not_the_code_is_a_wrong_one(project: Project, text: str) -> None:
    require_refused(finish(project, attempt(project, user_with_totp(project)), text), "INVALID_TOTP_CODE")


def test_a_wrong_code_leaves_the_attempt_good(project: Project) -> None:
    user = user_with_totp(project)
    code = attempt(project, user)
    for _ in range(3):
        require_refused(finish(project, code, wrong_totp()), "INVALID_TOTP_CODE")
    assert finish(project, code, totp()).status_code == 200


def test_an_attempt_is_good_once(project: Project) -> None:
    code = attempt(project, user_with_totp(project))
    assert finish(project, code, totp()).status_code == 200
    for text in (totp(1), wrong_totp()):
        require_refused(finish(project, code, text), "VERIFICATION_CODE_ALREADY_USED", 409)


def test_several_attempts_are_good_at_a_time(project: Project, server: RunningServer) -> None:
    with mid_step(server) as shift:
        user = user_with_totp(project)
        first, second = attempt(project, user), attempt(project, user)
        assert finish(project, second, totp(-1, shift_millis=shift)).status_code == 200
        assert finish(project, first, totp(0, shift_millis=shift)).status_code == 200


def test_an_attempt_may_be_typed_in_any_case(project: Project) -> None:
    code = attempt(project, user_with_totp(project))
    assert finish(project, code[:10].upper() + code[10:], totp()).status_code == 200


def test_the_21st_try_fails_with_the_right_code_too(project: Project) -> None:
    code = attempt(project, user_with_totp(project))
    answers = [finish(project, code, wrong_totp()) for _ in range(20)]
    assert {known_error(answer) for answer in answers} == {"INVALID_TOTP_CODE"}
    for text in (totp(), wrong_totp()):
        require_refused(finish(project, code, text), "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED")
    require_refused(finish(project, "zzzzzz" + code[6:], totp()), "VERIFICATION_CODE_NOT_FOUND", 404)


def test_an_attempt_ends_after_five_minutes(own_project: Project, server: RunningServer) -> None:
    code = attempt(own_project, user_with_totp(own_project))
    try:
        server.shift_clock(301_000)
        require_refused(finish(own_project, code, totp(shift_millis=301_000)), "VERIFICATION_CODE_EXPIRED")
        server.shift_clock(270_000)
        assert finish(own_project, code, totp(shift_millis=270_000)).status_code == 200
    finally:
        server.shift_clock(0)


def test_an_unknown_attempt_is_not_found(project: Project, own_project: Project) -> None:
    foreign = attempt(own_project, user_with_totp(own_project))
    code = attempt(project, user_with_totp(project))
    for unknown in (CODE, foreign, "zzzzzz" + code[6:]):
        require_refused(finish(project, unknown, totp()), "VERIFICATION_CODE_NOT_FOUND", 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "totp", "totp": "000000"},
        {"type": "totp", "totp": "000000", "code": "x" * 44},
        {"type": "totp", "totp": "000000", "code": "x" * 46},
        {"type": "totp", "code": CODE},
        {"totp": "000000", "code": CODE},
        {"type": "sms", "totp": "000000", "code": CODE},
        {"type": "totp", "totp": None, "code": CODE},
        {"type": "totp", "totp": {"x": 1}, "code": CODE},
        {"type": "totp", "totp": "000000", "code": CODE, "more": 1},
        {"type": "totp", "totp": "000000", "recovery_code": "x", "code": CODE},
        {"type": "recovery_code", "code": CODE},
        {"type": "recovery_code", "totp": "000000", "code": CODE},
        {"type": "recovery_code", "totp": "000000", "recovery_code": "x", "code": CODE},
        [],
    ],
)
def test_malformed_bodies_are_schema_errors(project: Project, body: Any) -> None:
    with project.http("client") as client:
        assert known_error(client.post("/auth/mfa/sign-in", json=body)) == "SCHEMA_ERROR"


def test_a_code_may_be_sent_as_a_number(project: Project) -> None:
    user = project.sign_up()
    secret = next(secret for secret in (bytes([number]) * 20 for number in range(256)) if not totp(secret=secret).startswith("0"))
    set_totp(project, user["user_id"], secret)
    body = {"type": "totp", "totp": int(totp(secret=secret)), "code": attempt(project, user)}
    with project.http("client") as client:
        assert client.post("/auth/mfa/sign-in", json=body).status_code == 200


def test_an_upgrade_says_that_the_user_is_new(project: Project) -> None:
    anonymous = anonymous_session(project)
    set_totp(project, anonymous["user_id"])
    headers = {"x-stack-access-token": anonymous["access_token"], "x-stack-allow-anonymous-user": "true"}
    refused = sign_up(project, new_email(), headers=headers)
    assert known_error(refused) == "MULTI_FACTOR_AUTHENTICATION_REQUIRED"
    answer = finish(project, refused.json()["details"]["attempt_code"], totp())
    assert (answer.json()["is_new_user"], answer.json()["user_id"]) == (True, anonymous["user_id"])


def test_restricted_users_finish_too(project: Project) -> None:
    user = user_with_totp(project)
    with project.http("server") as client:
        client.patch(f"/users/{user['user_id']}", json={"restricted_by_admin": True})
    assert claims_of(finish(project, attempt(project, user), totp()).json()["access_token"])["is_restricted"] is True


@pytest.mark.parametrize("secret", [OTHER_SECRET, None])
def test_attempts_end_when_the_second_factor_changes(project: Project, secret: bytes | None) -> None:
    user = user_with_totp(project)
    code = attempt(project, user)
    set_totp(project, user["user_id"], secret)
    for text in (totp(), totp(secret=OTHER_SECRET)):
        require_refused(finish(project, code, text), "VERIFICATION_CODE_NOT_FOUND", 404)
    if secret is None:
        assert sign_in(project, user["email"]).status_code == 200
    else:
        require_refused(finish(project, attempt(project, user), totp()), "INVALID_TOTP_CODE")
        assert finish(project, attempt(project, user), totp(secret=OTHER_SECRET)).status_code == 200


def test_attempts_end_when_the_password_changes(project: Project) -> None:
    for by in ("user", "server"):
        user = user_with_totp(project)
        code = attempt(project, user)
        with project.http("client" if by == "user" else "server", user["access_token"]) as client:
            if by == "user":
                body = {"old_password": user["password"], "new_password": "another password"}
                changed = client.post("/auth/password/update", json=body)
            else:
                changed = client.patch(f"/users/{user['user_id']}", json={"password": "another password"})
            assert changed.status_code == 200, changed.text
        require_refused(finish(project, code, totp()), "VERIFICATION_CODE_NOT_FOUND", 404)


def test_attempts_end_with_their_user(project: Project) -> None:
    user = user_with_totp(project)
    code = attempt(project, user)
    with project.http("server") as client:
        client.delete(f"/users/{user['user_id']}")
    require_refused(finish(project, code, totp()), "VERIFICATION_CODE_NOT_FOUND", 404)


def test_a_secret_given_at_creation_is_not_asked_for(project: Project) -> None:
    email = new_email()
    fields = {"primary_email": email, "primary_email_auth_enabled": True, "password": "correct horse battery"}
    user = project.create_user(**fields, totp_secret_base64=base64.b64encode(SECRET).decode())
    assert user["requires_totp_mfa"] is False
    assert sign_in(project, email).status_code == 200


def test_a_new_secret_begins_anew(project: Project, server: RunningServer) -> None:
    with mid_step(server) as shift:
        user = user_with_totp(project)
        assert finish(project, attempt(project, user), totp(1, shift_millis=shift)).status_code == 200
        set_totp(project, user["user_id"], OTHER_SECRET)
        assert finish(project, attempt(project, user), totp(-1, OTHER_SECRET, shift)).status_code == 200


@pytest.mark.parametrize("secret", [b"", b"x", bytes(10), bytes(100)])
def test_secrets_of_any_length_work(project: Project, secret: bytes) -> None:
    user = project.sign_up()
    set_totp(project, user["user_id"], secret)
    assert finish(project, attempt(project, user), totp(secret=secret) if len(secret) > 14 else short_totp(secret)).status_code == 200


def short_totp(secret: bytes) -> str:
    """Of a secret shorter than other implementations take."""
    import time

    from hexclave_server.mfa.totp import password_of, step_at

    return password_of(secret, step_at(int(time.time() * 1000)))


def test_a_clock_that_was_set_back_keeps_nobody_out(project: Project, server: RunningServer) -> None:
    user = user_with_totp(project)
    day = 86_400_000
    server.shift_clock(day)
    try:
        assert finish(project, attempt(project, user), totp(shift_millis=day)).status_code == 200
    finally:
        server.shift_clock(0)
    code = attempt(project, user)
    used = totp()
    assert finish(project, code, used).status_code == 200
    require_refused(finish(project, attempt(project, user), used), "INVALID_TOTP_CODE")
