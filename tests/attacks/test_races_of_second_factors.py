"""B1: of fifty who bring one second factor or one passkey challenge at once, one gets a session. No throttle helps: the database decides."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from tests.mfa.calls import attempt, new_recovery_codes, remaining, session_count, set_totp, totp, user_with_totp
from tests.passkeys.authenticator import Authenticator
from tests.passkeys.calls import PATHS, registered, start_registration, start_sign_in
from tests.passkeys.calls import sign_in as sign_in_with_passkey
from tests.passwords.calls import read_user
from tests.server import DatabaseKind, Project, RunningServer, running_server
from tests.sessions.tokens import known_error

AT_ONCE = 50
ROUNDS = 3


@pytest.fixture(scope="module")
def racing(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true"}, workers=2 if database == "postgresql" else 1) as server:
        yield server


@pytest.fixture
def project(racing: RunningServer) -> Project:
    return racing.new_project(passkey_enabled=True, allow_localhost=True)


def all_at_once(project: Project, path: str, bodies: Sequence[dict[str, Any]], tokens: Sequence[str] = ()) -> list[httpx.Response]:
    """The answers to all of these, sent together."""

    async def send() -> list[httpx.Response]:
        async with project.async_http("client") as client:
            headers: list[dict[str, str]] = [{"x-stack-access-token": token} for token in tokens] or [{} for _ in bodies]
            calls = (client.post(path, json=body, headers=header) for body, header in zip(bodies, headers, strict=True))
            return await asyncio.gather(*calls)

    return asyncio.run(send())


def codes_of(answers: list[httpx.Response]) -> Counter[str | None]:
    """How often each known error came; None for success."""
    assert all(answer.status_code == 200 or known_error(answer) for answer in answers), [a.text for a in answers if a.status_code >= 500]
    return Counter(known_error(answer) for answer in answers)


def attempts(project: Project, user: dict[str, Any], count: int) -> list[str]:
    """So many attempt codes; by a passkey, for a password takes long."""
    device = registered(project, user["access_token"], Authenticator(counts=False))
    answers = [sign_in_with_passkey(project, device) for _ in range(count)]
    return [answer.json()["details"]["attempt_code"] for answer in answers]


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_one_attempt_and_one_password_give_one_session(project: Project, round_number: int) -> None:
    user = user_with_totp(project)
    body = {"code": attempt(project, user), "type": "totp", "totp": totp()}
    found = codes_of(all_at_once(project, "/auth/mfa/sign-in", [body] * AT_ONCE))
    assert found[None] == 1
    assert set(found) <= {None, "VERIFICATION_CODE_ALREADY_USED", "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED"}
    assert session_count(project, user["user_id"]) == 2


def test_one_password_at_many_attempts_gives_one_session(project: Project) -> None:
    user = user_with_totp(project)
    codes = attempts(project, user, AT_ONCE)
    shown = totp()
    found = codes_of(all_at_once(project, "/auth/mfa/sign-in", [{"code": code, "type": "totp", "totp": shown} for code in codes]))
    assert found == {None: 1, "INVALID_TOTP_CODE": AT_ONCE - 1}
    assert session_count(project, user["user_id"]) == 2


def test_one_recovery_code_at_many_attempts_gives_one_session(project: Project) -> None:
    user = user_with_totp(project)
    recovery_code = new_recovery_codes(project, user)[0]
    codes = attempts(project, user, AT_ONCE)
    bodies = [{"code": code, "type": "recovery_code", "recovery_code": recovery_code} for code in codes]
    assert codes_of(all_at_once(project, "/auth/mfa/sign-in", bodies)) == {None: 1, "INVALID_TOTP_CODE": AT_ONCE - 1}
    assert remaining(project, user) == 9
    assert session_count(project, user["user_id"]) == 2


def test_ten_recovery_codes_at_one_attempt_use_up_one(project: Project) -> None:
    user = user_with_totp(project)
    code = attempt(project, user)
    bodies = [{"code": code, "type": "recovery_code", "recovery_code": each} for each in new_recovery_codes(project, user)]
    found = codes_of(all_at_once(project, "/auth/mfa/sign-in", bodies))
    assert found == {None: 1, "VERIFICATION_CODE_ALREADY_USED": 9}
    assert remaining(project, user) == 9


def test_a_second_factor_that_is_removed_meanwhile_lets_nobody_in_by_the_former(project: Project) -> None:
    """Whoever comes first: a sign-in that is served, or a change that voids it; never both halves, never a server error."""
    for _ in range(ROUNDS):
        user = user_with_totp(project)
        codes = attempts(project, user, 8)
        shown = totp()

        async def race(user: dict[str, Any], codes: list[str], shown: str) -> tuple[list[httpx.Response], httpx.Response]:
            async with project.async_http("client") as client, project.async_http("server") as server:
                bodies = [{"code": code, "type": "totp", "totp": shown} for code in codes]
                *tried, changed = await asyncio.gather(
                    *(client.post("/auth/mfa/sign-in", json=body) for body in bodies),
                    server.patch(f"/users/{user['user_id']}", json={"totp_secret_base64": None}),
                )
                return tried, changed

        tried, changed = asyncio.run(race(user, codes, shown))
        assert changed.status_code == 200, changed.text
        found = codes_of(tried)
        assert found[None] <= 1
        assert set(found) <= {None, "INVALID_TOTP_CODE", "VERIFICATION_CODE_NOT_FOUND", "VERIFICATION_CODE_ALREADY_USED"}
        set_totp(project, user["user_id"])


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_one_signed_challenge_gives_one_session(project: Project, round_number: int) -> None:
    user = project.sign_up()
    authenticator = registered(project, user["access_token"], Authenticator(counts=round_number % 2 == 0))
    start = start_sign_in(project)
    body = {"code": start["code"], "authentication_response": authenticator.get(start["options_json"])}
    found = codes_of(all_at_once(project, PATHS["sign_in"], [body] * AT_ONCE))
    assert found[None] == 1
    assert set(found) <= {None, "VERIFICATION_CODE_ALREADY_USED", "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED"}
    assert session_count(project, user["user_id"]) == 2


def test_copies_of_a_device_that_show_one_counter_give_one_session(project: Project) -> None:
    user = project.sign_up()
    device = registered(project, user["access_token"])
    starts = [start_sign_in(project) for _ in range(AT_ONCE)]
    bodies = [{"code": start["code"], "authentication_response": device.clone().get(start["options_json"])} for start in starts]
    found = codes_of(all_at_once(project, PATHS["sign_in"], bodies))
    assert found == {None: 1, "PASSKEY_AUTHENTICATION_FAILED": AT_ONCE - 1}
    assert session_count(project, user["user_id"]) == 2


def test_one_registration_code_gives_one_passkey(project: Project) -> None:
    user = project.sign_up()
    start = start_registration(project, user["access_token"])
    bodies = [{"code": start["code"], "credential": Authenticator().create(start["options_json"])} for _ in range(AT_ONCE)]
    found = codes_of(all_at_once(project, PATHS["register"], bodies, [user["access_token"]] * AT_ONCE))
    assert found[None] == 1
    assert set(found) <= {None, "VERIFICATION_CODE_ALREADY_USED", "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED"}


def test_one_credential_id_goes_to_one_of_many_users(project: Project) -> None:
    credential_id = b"the same for all of them"
    users = [project.sign_up() for _ in range(10)]
    starts = [start_registration(project, user["access_token"]) for user in users]
    bodies = [
        {"code": start["code"], "credential": Authenticator(credential_id=credential_id).create(start["options_json"])} for start in starts
    ]
    answers = all_at_once(project, PATHS["register"], bodies, [user["access_token"] for user in users])
    assert codes_of(answers) == {None: 1, "PASSKEY_REGISTRATION_FAILED": 9}
    owners = [read_user(project, user["user_id"])["passkey_auth_enabled"] for user in users]
    assert owners == [answer.status_code == 200 for answer in answers]
