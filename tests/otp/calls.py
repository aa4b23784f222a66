"""The calls that tests of sign-in by code make again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.mail import Mail
from tests.server import Project

CALLBACK = "http://localhost:3000/handler/magic-link-callback"
UNKNOWN_CODE = "0" * 45


@dataclass(frozen=True)
class Sent:
    """A code that was asked for and arrived."""

    nonce: str
    mail: Mail

    @property
    def code(self) -> str:
        """The whole code, from the link."""
        return self.mail.code

    @property
    def otp(self) -> str:
        """The six characters, from the subject."""
        return self.mail.subject.rpartition(" ")[2]


def send(project: Project, email: str, callback_url: str = CALLBACK, *, access: str = "client", **headers: str) -> httpx.Response:
    """POST /auth/otp/send-sign-in-code."""
    with project.http(access) as client:
        return client.post("/auth/otp/send-sign-in-code", json={"email": email, "callback_url": callback_url}, headers=headers)


def ask(project: Project, email: str, callback_url: str = CALLBACK, **headers: str) -> Sent:
    """Asks for a code and waits for its mail."""
    answer = send(project, email, callback_url, **headers)
    assert answer.status_code == 200, answer.text
    return Sent(answer.json()["nonce"], project.server.mail.wait_for(email, subject="Your code is"))


def sign_in(project: Project, code: str, *, access: str = "client", **headers: str) -> httpx.Response:
    """POST /auth/otp/sign-in."""
    return _with_code(project, "/auth/otp/sign-in", code, access, headers)


def check(project: Project, code: str, *, access: str = "client", **headers: str) -> httpx.Response:
    """POST /auth/otp/sign-in/check-code."""
    return _with_code(project, "/auth/otp/sign-in/check-code", code, access, headers)


def verified_user(project: Project, email: str, **fields: Any) -> dict[str, Any]:
    """A user who signs in with this address and has verified it."""
    return project.create_user(primary_email=email, primary_email_verified=True, primary_email_auth_enabled=True, **fields)


def _with_code(project: Project, path: str, code: str, access: str, headers: dict[str, str]) -> httpx.Response:
    with project.http(access) as client:
        return client.post(path, json={"code": code}, headers=headers)
