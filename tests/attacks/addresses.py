"""A server behind a proxy on this machine, so that a test can come from any client address."""

from __future__ import annotations

from typing import Any

import bcrypt
import httpx

from tests.server import Project, new_email

BEHIND_A_PROXY = {"HEXCLAVE_TRUSTED_PROXIES": "127.0.0.1"}


def from_address(address: str) -> dict[str, str]:
    """The header that the proxy sets."""
    return {"x-forwarded-for": address}


def sign_in(client: httpx.Client, email: str, password: str, address: str) -> httpx.Response:
    """A sign-in from a client address."""
    return client.post("/auth/password/sign-in", json={"email": email, "password": password}, headers=from_address(address))


def require_limited(answer: httpx.Response, most_seconds: int | None = None) -> None:
    """429 exactly as the contract says (part 00 §10)."""
    assert answer.status_code == 429, answer.text
    seconds = int(answer.headers["retry-after"])
    assert seconds >= 1
    assert most_seconds is None or seconds <= most_seconds
    body: dict[str, Any] = answer.json()
    assert body == {"code": "RATE_LIMIT_EXCEEDED", "details": {"retry_after_seconds": seconds}, "error": body["error"]}
    assert "x-stack-known-error" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"


def new_accounts(project: Project, count: int, password: str) -> list[str]:
    """So many accounts with one password (its hash imported, since making a hash for each would take long); their addresses."""
    imported = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    emails = [new_email() for _ in range(count)]
    with project.http("server") as client:
        for email in emails:
            answer = client.post("/users", json={"primary_email": email, "primary_email_auth_enabled": True, "password_hash": imported})
            assert answer.status_code == 201, answer.text
    return emails
