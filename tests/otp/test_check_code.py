"""Checking a sign-in code without using it up (contract 02 §1.4, §3.2)."""

from __future__ import annotations

import pytest

from tests.otp.calls import UNKNOWN_CODE, ask, check, sign_in, verified_user
from tests.server import Project, new_email
from tests.sessions.tokens import known_error


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_a_checked_code_stays_good(project: Project, access: str) -> None:
    email = new_email()
    user = verified_user(project, email)
    sent = ask(project, email)
    for code in (sent.code, sent.otp + sent.nonce):
        answer = check(project, code, access=access)
        assert (answer.status_code, answer.json()) == (200, {"is_code_valid": True})
    assert sign_in(project, sent.code).json()["user_id"] == user["id"]


def test_checking_gives_no_account_away(project: Project) -> None:
    """Not even to who asked: an address that was taken meanwhile checks as before."""
    email = new_email()
    sent = ask(project, email)
    project.sign_up(email)
    assert check(project, sent.code).json() == {"is_code_valid": True}


def test_unknown_and_used_codes_are_told(project: Project) -> None:
    assert known_error(check(project, UNKNOWN_CODE)) == "VERIFICATION_CODE_NOT_FOUND"
    sent = ask(project, new_email())
    sign_in(project, sent.code)
    answer = check(project, sent.code)
    assert (answer.status_code, known_error(answer)) == (409, "VERIFICATION_CODE_ALREADY_USED")


def test_the_twenty_first_try_fails_whatever_it_brings(project: Project) -> None:
    sent = ask(project, new_email())
    wrong = ("0" if sent.code[0] != "0" else "1") + sent.code[1:]
    assert [known_error(check(project, wrong)) for _ in range(19)] == ["VERIFICATION_CODE_NOT_FOUND"] * 19
    assert check(project, sent.code).status_code == 200
    answer = check(project, sent.code)
    assert (answer.status_code, known_error(answer)) == (400, "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED")
    assert known_error(check(project, wrong)) == "VERIFICATION_CODE_NOT_FOUND"
    assert known_error(sign_in(project, sent.code)) == "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED"
