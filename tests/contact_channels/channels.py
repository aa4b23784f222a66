"""A user's contact channels as tests handle them, and codes that were sent to them."""

from __future__ import annotations

from typing import Any

import httpx

from tests.server import Project
from tests.users.answers import ok

CALLBACK = "http://localhost:3000/verify?kept=%20yes"


def path_of(channel: dict[str, Any], suffix: str = "") -> str:
    return f"/contact-channels/{channel['user_id']}/{channel['id']}{suffix}"


def channels_of(project: Project, user_id: str) -> list[dict[str, Any]]:
    with project.http("server") as server:
        items: list[dict[str, Any]] = ok(server.get("/contact-channels", params={"user_id": user_id}))["items"]
    return items


def add(project: Project, user_id: str, value: str, **fields: Any) -> dict[str, Any]:
    """A further channel, by server access."""
    with project.http("server") as server:
        answer = server.post("/contact-channels", json=body_of(user_id, value, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def body_of(user_id: str, value: str, **fields: Any) -> dict[str, Any]:
    return {"user_id": user_id, "type": "email", "value": value, "used_for_auth": False, **fields}


def flags(channel: dict[str, Any]) -> tuple[bool, bool, bool]:
    return channel["is_primary"], channel["is_verified"], channel["used_for_auth"]


def send_code(project: Project, channel: dict[str, Any]) -> str:
    """Has a verification link sent to the channel and returns the code that arrived."""
    with project.http("server") as server:
        ok(server.post(path_of(channel, "/send-verification-code"), json={"callback_url": CALLBACK}))
    return project.server.mail.wait_for(channel["value"], subject="Verify your email").code


def verify(client: httpx.Client, code: str) -> httpx.Response:
    return client.post("/contact-channels/verify", json={"code": code})


def check(client: httpx.Client, code: str) -> httpx.Response:
    return client.post("/contact-channels/verify/check-code", json={"code": code})
