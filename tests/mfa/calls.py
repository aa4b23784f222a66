"""The calls that tests of second factors make again and again."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pyotp

from tests.passwords.calls import sign_in
from tests.server import Project, RunningServer
from tests.sessions.tokens import known_error

SECRET = bytes(range(200, 220))
OTHER_SECRET = bytes(range(100, 120))


def set_totp(project: Project, user_id: str, secret: bytes | None = SECRET) -> None:
    """Sets, replaces or (None) removes the TOTP secret of the user."""
    body = {"totp_secret_base64": None if secret is None else base64.b64encode(secret).decode()}
    with project.http("server") as client:
        answer = client.patch(f"/users/{user_id}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["requires_totp_mfa"] is (secret is not None)


def user_with_totp(project: Project) -> dict[str, Any]:
    """A user with a password and a session, who needs a second factor from now on."""
    user = project.sign_up()
    set_totp(project, user["user_id"])
    return user


def totp(offset: int = 0, secret: bytes = SECRET, shift_millis: int = 0) -> str:
    """What an authenticator shows now (a machine's clock and this shift), or so many steps later."""
    step = int(time.time() + shift_millis / 1000) // 30
    return pyotp.HOTP(base64.b32encode(secret).decode()).at(step + offset)


def wrong_totp() -> str:
    """Six digits that are wrong now and soon."""
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in map(totp, range(-3, 4)))


@contextmanager
def mid_step(server: RunningServer) -> Iterator[int]:
    """The server's clock moved to just after the beginning of a time step: 25 seconds in which no step ends. Yields the shift."""
    shift = 3_000 - int(time.time() * 1000) % 30_000
    server.shift_clock(shift)
    try:
        yield shift
    finally:
        server.shift_clock(0)


def attempt(project: Project, user: dict[str, Any]) -> str:
    """The attempt code after a right password."""
    answer = sign_in(project, user["email"], user["password"])
    assert known_error(answer) == "MULTI_FACTOR_AUTHENTICATION_REQUIRED", answer.text
    return answer.json()["details"]["attempt_code"]  # type: ignore[no-any-return]


def finish(project: Project, code: str, totp: str, access: str = "client") -> httpx.Response:
    """POST /auth/mfa/sign-in with a TOTP."""
    with project.http(access) as client:
        return client.post("/auth/mfa/sign-in", json={"type": "totp", "totp": totp, "code": code})


def finish_with_recovery_code(project: Project, code: str, recovery_code: str) -> httpx.Response:
    """POST /auth/mfa/sign-in with a recovery code."""
    with project.http("client") as client:
        return client.post("/auth/mfa/sign-in", json={"type": "recovery_code", "recovery_code": recovery_code, "code": code})


def new_recovery_codes(project: Project, user: dict[str, Any], access: str = "client") -> list[str]:
    with project.http(access, user["access_token"]) as client:
        answer = client.post("/auth/mfa/recovery-codes", json={})
    assert answer.status_code == 200, answer.text
    return answer.json()["recovery_codes"]  # type: ignore[no-any-return]


def remaining(project: Project, user: dict[str, Any]) -> int:
    with project.http("client", user["access_token"]) as client:
        answer = client.get("/auth/mfa/recovery-codes")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"remaining"}
    return answer.json()["remaining"]  # type: ignore[no-any-return]


def session_count(project: Project, user_id: str) -> int:
    """How many sessions the user has."""
    with project.http("server") as client:
        return len(client.get("/auth/sessions", params={"user_id": user_id}).json()["items"])


def require_refused(answer: httpx.Response, code: str, status: int = 400) -> None:
    """This error, without details."""
    assert (answer.status_code, known_error(answer)) == (status, code), answer.text
    assert "details" not in answer.json()
