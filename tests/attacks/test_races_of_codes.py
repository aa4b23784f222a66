"""B1: of many who bring one code at the same moment, one succeeds: sign-in, sign-up and reset, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.codes import reset_codes, sign_in_codes
from tests.otp.calls import verified_user
from tests.passwords.calls import sign_in
from tests.server import DatabaseKind, Project, new_email, running_server

AT_ONCE = 50
ROUNDS = 4


@pytest.fixture(scope="module")
def project(database: DatabaseKind) -> Iterator[Project]:
    """Without throttles, so that nothing but the code decides."""
    with running_server(database, {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true"}, workers=2) as server:
        yield server.new_project(magic_link_enabled=True)


async def at_once(project: Project, path: str, bodies: list[dict[str, str]]) -> list[httpx.Response]:
    async with project.async_http("client") as client:
        return await asyncio.gather(*(client.post(path, json=body) for body in bodies))


def require_one_success(answers: list[httpx.Response]) -> httpx.Response:
    """One 200; all others are told that it was used."""
    [success] = [answer for answer in answers if answer.status_code == 200]
    refusals = {answer.headers.get("x-stack-known-error") for answer in answers if answer is not success}
    assert refusals == {"VERIFICATION_CODE_ALREADY_USED"}
    return success


def sessions_of(project: Project, user_id: str) -> int:
    with project.http("server") as client:
        return len(client.get("/auth/sessions", params={"user_id": user_id}).json()["items"])


async def test_one_sign_in(project: Project) -> None:
    for _ in range(ROUNDS):
        email = new_email()
        user = verified_user(project, email)
        [code] = await sign_in_codes(project, email)
        success = require_one_success(await at_once(project, "/auth/otp/sign-in", [{"code": code}] * AT_ONCE))
        assert success.json()["user_id"] == user["id"]
        assert sessions_of(project, user["id"]) == 1


async def test_one_sign_up(project: Project) -> None:
    for _ in range(ROUNDS):
        email = new_email()
        [code] = await sign_in_codes(project, email)
        success = require_one_success(await at_once(project, "/auth/otp/sign-in", [{"code": code}] * AT_ONCE))
        assert success.json()["is_new_user"] is True
        with project.http("server") as client:
            [user] = client.get("/users", params={"query": email}).json()["items"]
        assert user["id"] == success.json()["user_id"]


async def test_many_codes_for_one_new_address_make_one_user(project: Project) -> None:
    for _ in range(ROUNDS):
        email = new_email()
        codes = await sign_in_codes(project, email, 20)
        answers = await at_once(project, "/auth/otp/sign-in", [{"code": code} for code in codes])
        assert {answer.status_code for answer in answers} <= {200, 409}
        signed_in = [answer.json() for answer in answers if answer.status_code == 200]
        assert [answer["is_new_user"] for answer in signed_in].count(True) == 1
        assert len({answer["user_id"] for answer in signed_in}) == 1
        refused = [answer.headers["x-stack-known-error"] for answer in answers if answer.status_code == 409]
        assert set(refused) <= {"USER_EMAIL_ALREADY_EXISTS"}


async def test_one_reset(project: Project) -> None:
    for number in range(ROUNDS):
        email = new_email()
        user = project.create_user(primary_email=email, primary_email_auth_enabled=True)
        [code] = await reset_codes(project, user["id"], email)
        passwords = [f"password of contender {number}-{contender}" for contender in range(AT_ONCE)]
        answers = await at_once(project, "/auth/password/reset", [{"code": code, "password": password} for password in passwords])
        success = require_one_success(answers)
        winner = passwords[answers.index(success)]
        assert sign_in(project, email, winner).status_code == 200
        assert sign_in(project, email, passwords[answers.index(success) - 1]).status_code == 400
