"""Links to accounts at providers as tests handle them."""

from __future__ import annotations

import secrets
from typing import Any

from tests.server import Project, RunningServer
from tests.users.answers import ok

STANDARD = {"type": "standard", "client_id": "x", "client_secret": "x"}


def new_shop(server: RunningServer) -> Project:
    """A project with keys of its own at `github` and `discord`, and shared ones at `google`."""
    return server.new_project(
        oauth_providers=[{"id": "github", **STANDARD}, {"id": "discord", **STANDARD}, {"id": "google", "type": "shared"}]
    )


def body_of(user_id: str, **fields: Any) -> dict[str, Any]:
    """A link to an account at GitHub that nobody has yet."""
    return {
        "user_id": user_id,
        "provider_config_id": "github",
        "account_id": "account-" + secrets.token_hex(6),
        "allow_sign_in": True,
        "allow_connected_accounts": True,
        **fields,
    }


def add(project: Project, user_id: str, **fields: Any) -> dict[str, Any]:
    """A link, by server access."""
    with project.http("server") as server:
        link: dict[str, Any] = ok(server.post("/oauth-providers", json=body_of(user_id, **fields)), 201)
    return link


def path_of(link: dict[str, Any]) -> str:
    return f"/oauth-providers/{link['user_id']}/{link['id']}"


def links_of(project: Project, user_id: str) -> list[dict[str, Any]]:
    with project.http("server") as server:
        items: list[dict[str, Any]] = ok(server.get("/oauth-providers", params={"user_id": user_id}))["items"]
    return items
