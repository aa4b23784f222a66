"""The calls that tests of password resets make again and again."""

from __future__ import annotations

import httpx

from tests.mail import Mail
from tests.passwords.calls import NEW_PASSWORD
from tests.server import Project

CALLBACK = "http://localhost:3000/handler/password-reset"
MAYBE = {"success": "maybe, only if user with e-mail exists"}


def send(project: Project, email: str, callback_url: str = CALLBACK, *, access: str = "client", **headers: str) -> httpx.Response:
    """POST /auth/password/send-reset-code."""
    with project.http(access) as client:
        return client.post("/auth/password/send-reset-code", json={"email": email, "callback_url": callback_url}, headers=headers)


def ask(project: Project, email: str) -> str:
    """Asks for a code, waits for its mail, returns the code."""
    return ask_for_mail(project, email).code


def ask_for_mail(project: Project, email: str, callback_url: str = CALLBACK, **headers: str) -> Mail:
    """Asks for a code and waits for its mail."""
    answer = send(project, email, callback_url, **headers)
    assert (answer.status_code, answer.json()) == (200, MAYBE)
    return project.server.mail.wait_for(email, subject="Reset your password")


def reset(project: Project, code: str, password: str = NEW_PASSWORD, *, access: str = "client") -> httpx.Response:
    """POST /auth/password/reset."""
    with project.http(access) as client:
        return client.post("/auth/password/reset", json={"code": code, "password": password})


def check(project: Project, code: str, *, access: str = "client") -> httpx.Response:
    """POST /auth/password/reset/check-code."""
    with project.http(access) as client:
        return client.post("/auth/password/reset/check-code", json={"code": code})
