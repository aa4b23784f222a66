"""Recovery codes (ours, contract 02 §4)."""

from __future__ import annotations

import re

import pytest

from hexclave_server.core.crypto import Keyring
from hexclave_server.mfa.recovery_codes import hash_recovery_code, new_recovery_code
from tests.mfa.calls import (
    OTHER_SECRET,
    attempt,
    finish,
    finish_with_recovery_code,
    new_recovery_codes,
    remaining,
    require_refused,
    set_totp,
    totp,
    user_with_totp,
)
from tests.passwords.calls import refreshes
from tests.server import Project
from tests.sessions.tokens import claims_of, known_error

FORM = re.compile("[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}")
KEYRING = Keyring.from_master(bytes(32))


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_ten_different_codes(project: Project, access: str) -> None:
    user = user_with_totp(project)
    assert remaining(project, user) == 0
    codes = new_recovery_codes(project, user, access)
    assert len(set(codes)) == 10
    assert all(FORM.fullmatch(code) for code in codes)
    assert remaining(project, user) == 10


def test_a_code_signs_in_once(project: Project) -> None:
    user = user_with_totp(project)
    recovery_code = new_recovery_codes(project, user)[3]
    answer = finish_with_recovery_code(project, attempt(project, user), recovery_code)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"access_token", "refresh_token", "is_new_user", "user_id"}
    assert claims_of(answer.json()["access_token"])["sub"] == user["user_id"] == answer.json()["user_id"]
    assert refreshes(project, answer.json()["refresh_token"])
    assert remaining(project, user) == 9
    require_refused(finish_with_recovery_code(project, attempt(project, user), recovery_code), "INVALID_TOTP_CODE")
    assert remaining(project, user) == 9


def test_a_code_may_be_typed_as_people_type(project: Project) -> None:
    user = user_with_totp(project)
    first, second, third = new_recovery_codes(project, user)[:3]
    for typed in (first.upper(), second.replace("-", ""), f"  {third[:2]} {third[2:]} ".replace("0", "O").replace("1", "l")):
        assert finish_with_recovery_code(project, attempt(project, user), typed).status_code == 200


@pytest.mark.parametrize("text", ["", "-", "00000-00000", "0" * 9, "0" * 11, "x" * 10_000, "ääääää"])
def test_whatever_is_not_a_code_leaves_the_attempt_good(project: Project, text: str) -> None:
    user = user_with_totp(project)
    new_recovery_codes(project, user)
    code = attempt(project, user)
    require_refused(finish_with_recovery_code(project, code, text), "INVALID_TOTP_CODE")
    assert finish(project, code, totp()).status_code == 200
    assert remaining(project, user) == 10


def test_new_codes_void_the_former(project: Project) -> None:
    user = user_with_totp(project)
    former = new_recovery_codes(project, user)
    current = new_recovery_codes(project, user)
    assert not set(former) & set(current)
    require_refused(finish_with_recovery_code(project, attempt(project, user), former[0]), "INVALID_TOTP_CODE")
    assert finish_with_recovery_code(project, attempt(project, user), current[0]).status_code == 200


def test_codes_are_of_one_user(project: Project) -> None:
    owner, other = user_with_totp(project), user_with_totp(project)
    codes = new_recovery_codes(project, owner)
    require_refused(finish_with_recovery_code(project, attempt(project, other), codes[0]), "INVALID_TOTP_CODE")
    assert remaining(project, owner) == 10


def test_codes_die_with_the_second_factor(project: Project) -> None:
    user = user_with_totp(project)
    codes = new_recovery_codes(project, user)
    set_totp(project, user["user_id"], None)
    assert remaining(project, user) == 0
    set_totp(project, user["user_id"])
    assert remaining(project, user) == 0
    require_refused(finish_with_recovery_code(project, attempt(project, user), codes[0]), "INVALID_TOTP_CODE")


def test_codes_outlive_a_new_authenticator(project: Project) -> None:
    user = user_with_totp(project)
    codes = new_recovery_codes(project, user)
    set_totp(project, user["user_id"], OTHER_SECRET)
    assert finish_with_recovery_code(project, attempt(project, user), codes[0]).status_code == 200


def test_there_are_none_without_a_second_factor(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        answer = client.post("/auth/mfa/recovery-codes", json={})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert known_error(answer) is None
    assert remaining(project, user) == 0


def test_a_user_is_required(project: Project) -> None:
    deleted = user_with_totp(project)
    with project.http("server") as client:
        client.delete(f"/users/{deleted['user_id']}")
    for client in (project.http("client"), project.http("server"), project.http("client", deleted["access_token"])):
        with client:
            for answer in (client.post("/auth/mfa/recovery-codes", json={}), client.get("/auth/mfa/recovery-codes")):
                assert known_error(answer) == "SCHEMA_ERROR"
                assert "auth.user" in answer.text


def test_the_body_says_nothing(project: Project) -> None:
    user = user_with_totp(project)
    with project.http("client", user["access_token"]) as client:
        assert client.post("/auth/mfa/recovery-codes").status_code == 200
        for body in ({"user_id": user["user_id"]}, {"count": 100}, [], "x"):
            assert known_error(client.post("/auth/mfa/recovery-codes", json=body)) == "SCHEMA_ERROR"


def test_what_looks_alike_hashes_alike() -> None:
    def hashed(text: str) -> str:
        return hash_recovery_code(KEYRING, "u", text)

    assert len({hashed(text) for text in ("0o1il-abcde", "0O1IL-ABCDE", "0011 1abcde", "00111-ABCDE")}) == 1
    assert hashed("00111-abcde") != hashed("00111-abcdf")
    assert hash_recovery_code(KEYRING, "u", "x") != hash_recovery_code(KEYRING, "v", "x")
    assert len({new_recovery_code() for _ in range(1000)}) == 1000
