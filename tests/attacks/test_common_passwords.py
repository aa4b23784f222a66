"""A12: passwords that everybody knows are refused where the project wants that, everywhere where users choose one; offline, in microseconds."""

from __future__ import annotations

import time

import httpx
import pytest

from hexclave_server.passwords.breached import is_common
from tests.passwords.calls import PASSWORD, read_user, refreshes, sign_in, sign_up
from tests.passwords.resets import ask, check, reset
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import known_error

COMMON = ["password", "12345678", "qwertyuiop", "iloveyou", "baseball", "password123", "1q2w3e4r", "sunshine"]
UNCOMMON = [
    PASSWORD,
    "correcthorsebatterystaple!",
    "Tr0ub4dor&3",
    "m7#qLw2zRt",
    "\N{CYRILLIC SMALL LETTER PE}" * 3 + " nine words",
    "\ud800" * 9,
]


@pytest.fixture
def strict(server: RunningServer) -> Project:
    project = server.new_project()
    project.override("branch", **{"auth.password.refuseBreached": True})
    return project


@pytest.mark.parametrize("password", COMMON)
def test_what_everybody_knows_is_on_the_list_in_any_case_and_width(password: str) -> None:
    wide = "".join(chr(ord(character) + 0xFEE0) for character in password)
    assert all(map(is_common, (password, password.upper(), password.title(), wide)))


@pytest.mark.parametrize("password", UNCOMMON)
def test_what_nobody_knows_is_not(password: str) -> None:
    assert not is_common(password)


def test_the_list_is_as_long_as_it_should_be_and_rarely_wrong() -> None:
    from hexclave_server.passwords import breached

    size, width = len(breached._HASHES), breached.HASH_BYTES
    hashes = [breached._HASHES[place : place + width] for place in range(0, size, width)]
    assert len(hashes) == len(set(hashes)) == 100_000
    assert hashes == sorted(hashes)
    assert not any(is_common(f"uncommon password {number}") for number in range(20_000))


def test_asking_costs_little() -> None:
    started = time.process_time()
    for number in range(10_000):
        is_common(f"password number {number}")
    microseconds = (time.process_time() - started) * 100
    print(f"{microseconds:.1f} µs a password")
    assert microseconds < 1000, "a hundredth of what hashing it costs"


def refused(answer: httpx.Response) -> bool:
    """With a text that a person understands and that does not repeat the password."""
    if known_error(answer) != "SCHEMA_ERROR":
        return False
    assert answer.status_code == 400
    assert "everybody knows" in answer.json()["error"]
    assert answer.json()["details"] == {"message": answer.json()["error"]}
    assert not any(password in answer.text.lower() for password in COMMON if password != "password")
    return True


@pytest.mark.parametrize("password", ["Password123", "qwertyuiop"])
def test_nobody_signs_up_with_one(strict: Project, password: str) -> None:
    email = new_email()
    assert refused(sign_up(strict, email, password))
    assert sign_up(strict, email, PASSWORD).status_code == 200, "nothing was written"


def test_length_comes_first(strict: Project) -> None:
    assert known_error(sign_up(strict, new_email(), "123456")) == "PASSWORD_TOO_SHORT"


def test_a_taken_address_with_a_common_password_tells_nothing(strict: Project) -> None:
    taken = strict.sign_up()["email"]
    assert refused(sign_up(strict, taken, "password123"))


def test_nobody_changes_to_one(strict: Project) -> None:
    user = strict.sign_up()
    with strict.http("client", user["access_token"]) as client:
        answer = client.post("/auth/password/update", json={"old_password": PASSWORD, "new_password": "sunshine1"})
    assert refused(answer)
    assert refreshes(strict, user["refresh_token"])
    assert sign_in(strict, user["email"]).status_code == 200


def test_nobody_sets_one(strict: Project) -> None:
    user = strict.create_user(primary_email=new_email(), primary_email_auth_enabled=True)
    with strict.http("server") as client:
        token = client.post("/auth/sessions", json={"user_id": user["id"]}).json()["access_token"]
    with strict.http("client", token) as client:
        assert refused(client.post("/auth/password/set", json={"password": "sunshine1"}))
    assert read_user(strict, user["id"])["has_password"] is False


def test_nobody_resets_to_one(strict: Project) -> None:
    user = strict.sign_up()
    code = ask(strict, user["email"])
    assert refused(reset(strict, code, "sunshine1"))
    assert refreshes(strict, user["refresh_token"])
    assert known_error(check(strict, code)) == "VERIFICATION_CODE_ALREADY_USED"


def test_who_has_one_still_signs_in(strict: Project) -> None:
    """A server may give what it likes (contract 05 §1.3), and old accounts are not locked out."""
    email = new_email()
    strict.create_user(primary_email=email, primary_email_auth_enabled=True, password="password123")
    assert sign_in(strict, email, "password123").status_code == 200


def test_projects_that_do_not_ask_for_it_take_them(project: Project) -> None:
    assert sign_up(project, new_email(), "password123").status_code == 200
