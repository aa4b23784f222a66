"""A9, A10, B6: the second factor cannot be guessed, replayed or gone around.

Whoever attacks it has the password already. Times are the server's own, moved by its clock file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hexclave_server import routes
from hexclave_server.core.context import Access
from hexclave_server.core.endpoint import Endpoint
from tests.attacks.addresses import BEHIND_A_PROXY, from_address, require_limited
from tests.mfa.calls import (
    attempt,
    finish,
    finish_with_recovery_code,
    mid_step,
    new_recovery_codes,
    remaining,
    require_refused,
    session_count,
    set_totp,
    totp,
    user_with_totp,
    wrong_totp,
)
from tests.otp.calls import ask
from tests.otp.calls import sign_in as sign_in_with_code
from tests.passkeys.calls import registered
from tests.passkeys.calls import sign_in as sign_in_with_passkey
from tests.passwords.calls import anonymous_session, sign_in, sign_up
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.sessions.tokens import known_error
from tests.stored import rows

BURST = 20
LONGEST_WAIT = 300


@pytest.fixture(scope="module")
def proxied(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, BEHIND_A_PROXY) as server:
        yield server


@pytest.fixture
def project(proxied: RunningServer) -> Iterator[Project]:
    yield proxied.new_project(passkey_enabled=True, magic_link_enabled=True, allow_localhost=True)
    proxied.shift_clock(0)


def guess(project: Project, code: str, address: str, **proof: str) -> httpx.Response:
    """A guess from a client address."""
    body = {"code": code, "type": next(iter(proof)), **proof}
    with project.http("client") as client:
        return client.post("/auth/mfa/sign-in", json=body, headers=from_address(address))


# --- A9: guessing and replay ---


def test_a_new_attempt_for_each_guess_from_another_address_each_time(proxied: RunningServer, project: Project) -> None:
    user = user_with_totp(project)
    wrong = wrong_totp()
    answers = [guess(project, attempt(project, user), f"198.51.100.{number}", totp=wrong) for number in range(BURST + 5)]
    assert [answer.status_code for answer in answers] == [400] * BURST + [429] * 5
    assert {known_error(answer) for answer in answers[:BURST]} == {"INVALID_TOTP_CODE"}
    limited = guess(project, attempt(project, user), "203.0.113.1", totp=totp())
    require_limited(limited, LONGEST_WAIT)
    later = int(limited.headers["retry-after"]) * 1000
    proxied.shift_clock(later)
    assert guess(project, attempt(project, user), "203.0.113.1", totp=totp(shift_millis=later)).status_code == 200


def test_parallel_guesses_at_many_attempts_are_counted_before_they_are_checked(project: Project) -> None:
    user = user_with_totp(project)
    codes = [attempt(project, user) for _ in range(5)]
    wrong = wrong_totp()

    async def guesses() -> list[httpx.Response]:
        async with project.async_http("client") as client:
            bodies = [{"code": codes[number % 5], "type": "totp", "totp": wrong} for number in range(60)]
            return await asyncio.gather(*(client.post("/auth/mfa/sign-in", json=body) for body in bodies))

    statuses = [answer.status_code for answer in asyncio.run(guesses())]
    assert set(statuses) == {400, 429}
    assert statuses.count(400) <= BURST + 1


def test_another_user_is_not_kept_out(project: Project) -> None:
    victim, other = user_with_totp(project), user_with_totp(project)
    wrong = wrong_totp()
    for number in range(BURST + 1):
        guess(project, attempt(project, victim), f"198.51.100.{number}", totp=wrong)
    assert guess(project, attempt(project, other), "203.0.113.1", totp=totp()).status_code == 200


def test_a_new_password_ends_the_guessing(project: Project) -> None:
    user = user_with_totp(project)
    codes = [attempt(project, user) for _ in range(3)]
    with project.http("client", user["access_token"]) as client:
        body = {"old_password": user["password"], "new_password": "known to nobody else"}
        assert client.post("/auth/password/update", json=body).status_code == 200
    for code in codes:
        require_refused(finish(project, code, totp()), "VERIFICATION_CODE_NOT_FOUND", 404)


def test_a_code_that_was_used_is_refused_also_at_another_attempt(project: Project) -> None:
    user = user_with_totp(project)
    seen = totp()
    assert finish(project, attempt(project, user), seen).status_code == 200
    for _ in range(2):
        require_refused(finish(project, attempt(project, user), seen), "INVALID_TOTP_CODE")


def test_codes_before_the_one_that_was_used_are_refused(proxied: RunningServer, project: Project) -> None:
    with mid_step(proxied) as shift:
        user = user_with_totp(project)
        assert finish(project, attempt(project, user), totp(0, shift_millis=shift)).status_code == 200
        require_refused(finish(project, attempt(project, user), totp(-1, shift_millis=shift)), "INVALID_TOTP_CODE")
        assert finish(project, attempt(project, user), totp(1, shift_millis=shift)).status_code == 200
        require_refused(finish(project, attempt(project, user), totp(0, shift_millis=shift)), "INVALID_TOTP_CODE")


def test_one_step_either_way_is_taken_and_no_more(proxied: RunningServer, project: Project) -> None:
    with mid_step(proxied) as shift:
        user = user_with_totp(project)
        answers = {offset: finish(project, attempt(project, user), totp(offset, shift_millis=shift)) for offset in (-3, -2, 2, 3, -1, 0, 1)}
    taken = {offset for offset, answer in answers.items() if answer.status_code == 200}
    assert taken == {-1, 0, 1}


@pytest.mark.parametrize("skew", [90_000, -90_000])
def test_a_clock_90_seconds_off_is_too_far_off(proxied: RunningServer, project: Project, skew: int) -> None:
    user = user_with_totp(project)
    proxied.shift_clock(skew)
    require_refused(finish(project, attempt(project, user), totp()), "INVALID_TOTP_CODE")
    assert finish(project, attempt(project, user), totp(shift_millis=skew)).status_code == 200


# --- A10: recovery codes ---


def test_recovery_codes_are_guessed_no_faster(project: Project) -> None:
    user = user_with_totp(project)
    codes = new_recovery_codes(project, user)
    answers = [
        guess(project, attempt(project, user), f"198.51.100.{number}", recovery_code=f"{number:05}-00000")
        if number % 2
        else guess(project, attempt(project, user), f"198.51.100.{number}", totp=wrong_totp())
        for number in range(BURST + 2)
    ]
    assert [answer.status_code for answer in answers] == [400] * BURST + [429] * 2
    require_limited(guess(project, attempt(project, user), "203.0.113.1", recovery_code=codes[0]), LONGEST_WAIT)
    assert remaining(project, user) == 10, "a try that was not checked uses nothing up"


def test_right_recovery_codes_are_given_back(project: Project) -> None:
    user = user_with_totp(project)
    for _ in range(3):
        for code in new_recovery_codes(project, user):
            assert finish_with_recovery_code(project, attempt(project, user), code).status_code == 200
    assert remaining(project, user) == 0


# --- B6: around it ---


def first_factors(project: Project, user: dict[str, Any]) -> Iterator[tuple[str, httpx.Response]]:
    """Every first factor there is, right."""
    yield "password", sign_in(project, user["email"], user["password"])
    yield "passkey", sign_in_with_passkey(project, user["passkey"])
    yield "code by email", sign_in_with_code(project, ask(project, user["email"]).code)


def with_every_factor(project: Project) -> dict[str, Any]:
    user = project.sign_up()
    with project.http("server") as client:
        client.patch(f"/users/{user['user_id']}", json={"primary_email_verified": True, "otp_auth_enabled": True})
    user["passkey"] = registered(project, user["access_token"])
    set_totp(project, user["user_id"])
    with project.http("client", user["access_token"]) as client:
        client.delete("/auth/sessions/current", headers={"x-stack-refresh-token": user["refresh_token"]})
    return user


def sessions_stored(project: Project, user_id: str) -> int:
    """Whatever the API says."""
    return len(rows(project.server, f"SELECT id FROM sessions WHERE user_id = '{user_id}'"))


def test_no_first_factor_leaves_a_session(project: Project) -> None:
    user = with_every_factor(project)
    with project.http("server") as client:
        before = client.get(f"/users/{user['user_id']}").json()
    for name, answer in first_factors(project, user):
        assert (answer.status_code, known_error(answer)) == (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED"), (name, answer.text)
        assert set(answer.json()) == {"code", "error", "details"}
        assert set(answer.json()["details"]) == {"attempt_code"}
        assert "set-cookie" not in answer.headers
        assert session_count(project, user["user_id"]) == sessions_stored(project, user["user_id"]) == 0, name
    with project.http("server") as client:
        assert client.get(f"/users/{user['user_id']}").json() == before, "nor a trace of activity"


def test_an_upgrade_leaves_no_session_either(project: Project) -> None:
    anonymous = anonymous_session(project)
    set_totp(project, anonymous["user_id"])
    headers = {"x-stack-access-token": anonymous["access_token"], "x-stack-allow-anonymous-user": "true"}
    assert known_error(sign_up(project, new_email(), headers=headers)) == "MULTI_FACTOR_AUTHENTICATION_REQUIRED"
    assert sessions_stored(project, anonymous["user_id"]) == 0, "the anonymous session ended with the password"


def test_each_first_factor_leads_to_a_session_by_the_second(project: Project) -> None:
    user = with_every_factor(project)
    codes = new_recovery_codes_by_server(project, user)
    for name, answer in first_factors(project, user):
        finished = finish_with_recovery_code(project, answer.json()["details"]["attempt_code"], codes.pop())
        assert finished.json()["user_id"] == user["user_id"], (name, finished.text)


def new_recovery_codes_by_server(project: Project, user: dict[str, Any]) -> list[str]:
    with project.http("server") as client:
        session = client.post("/auth/sessions", json={"user_id": user["user_id"]}).json()
    return new_recovery_codes(project, session)


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def test_an_attempt_code_opens_nothing_else(project: Project) -> None:
    user = user_with_totp(project)
    code = attempt(project, user)
    ids = {"user_id": user["user_id"], "level": "branch"}
    opened = []
    with project.http("client", code) as client:
        for endpoint in routes.API:
            if endpoint.access is not Access.CLIENT:
                continue
            path = "/".join(ids.get(part[1:-1], user["user_id"]) if part.startswith("{") else part for part in endpoint.path.split("/"))
            answer = client.request(endpoint.method, path, json={} if endpoint.method != "GET" else None)
            if (answer.status_code, known_error(answer)) != (401, "UNPARSABLE_ACCESS_TOKEN"):
                opened.append((named(endpoint), answer.status_code, answer.text))
    assert not opened
    assert session_count(project, user["user_id"]) == 1


@pytest.mark.parametrize("name", ["x-stack-refresh-token", "x-hexclave-refresh-token"])
def test_an_attempt_code_is_no_refresh_token(project: Project, name: str) -> None:
    code = attempt(project, user_with_totp(project))
    with project.http("client") as client:
        answer = client.post("/auth/sessions/current/refresh", headers={name: code})
        form = {"grant_type": "refresh_token", "refresh_token": code, "client_id": project.id}
        form["client_secret"] = project.publishable_client_key
        by_oauth = client.post("/auth/oauth/token", data=form)
    assert (answer.status_code, known_error(answer)) == (401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED")
    assert by_oauth.status_code in (400, 401)


def test_codes_of_other_kinds_are_no_attempts(project: Project) -> None:
    user = with_every_factor(project)
    sign_in_code = ask(project, user["email"]).code
    with project.http("client") as client:
        passkey_code = client.post("/auth/passkey/initiate-passkey-authentication", json={}).json()["code"]
    for code in (sign_in_code, passkey_code):
        require_refused(finish(project, code, totp()), "VERIFICATION_CODE_NOT_FOUND", 404)
    attempt_code = attempt(project, user)
    for path in ("/auth/otp/sign-in", "/auth/otp/sign-in/check-code", "/contact-channels/verify", "/auth/password/reset/check-code"):
        with project.http("client") as client:
            answer = client.post(path, json={"code": attempt_code})
        assert known_error(answer) == "VERIFICATION_CODE_NOT_FOUND", (path, answer.text)
    assert finish(project, attempt_code, totp()).status_code == 200
