"""The calls that tests of passwords make again and again."""

from __future__ import annotations

from typing import Any

import httpx

from tests.server import Project

PASSWORD = "correct horse battery"
NEW_PASSWORD = "battery horse correct"
TOTP_SECRET = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="


def sign_up(
    project: Project, email: str, password: str = PASSWORD, *, headers: dict[str, str] | None = None, **fields: Any
) -> httpx.Response:
    """POST /auth/password/sign-up as a client."""
    with project.http("client") as client:
        return client.post("/auth/password/sign-up", json={"email": email, "password": password, **fields}, headers=headers)


def sign_in(project: Project, email: str, password: str = PASSWORD, *, access: str = "client", **headers: str) -> httpx.Response:
    """POST /auth/password/sign-in."""
    with project.http(access) as client:
        return client.post("/auth/password/sign-in", json={"email": email, "password": password}, headers=headers)


def refreshes(project: Project, refresh_token: str) -> bool:
    """Whether the session is still there."""
    with project.http("client") as client:
        answer = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": refresh_token})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


def read_user(project: Project, user_id: str) -> dict[str, Any]:
    """The user as a server sees him."""
    with project.http("server") as client:
        answer = client.get(f"/users/{user_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def anonymous_session(project: Project, **fields: Any) -> dict[str, Any]:
    """An anonymous user with tokens: `user_id`, `access_token`, `refresh_token`."""
    user = project.create_user(is_anonymous=True, **fields)
    with project.http("server") as client:
        tokens = client.post("/auth/sessions", json={"user_id": user["id"]}).json()
    return {**tokens, "user_id": user["id"]}
