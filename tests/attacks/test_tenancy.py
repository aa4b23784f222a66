"""Another project's ids (D1): whatever belongs to project B looks to the keys of project A exactly as if it did not exist, and stays untouched."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx
import pytest

from hexclave_server import routes
from hexclave_server.core.context import Access
from hexclave_server.core.endpoint import Endpoint
from tests.server import Project, RunningServer

BODIES: dict[str, dict[str, Any]] = {
    "PATCH /users/{user_id}": {"display_name": "taken over", "password": "taken over 123"},
    "PATCH /internal/api-keys/{api_key_id}": {"revoked": True},
    "POST /auth/sessions": {"user_id": "<user>"},
    "PATCH /oauth-providers/{user_id}/{provider_id}": {"allow_sign_in": False},
    "PATCH /contact-channels/{user_id}/{contact_channel_id}": {"value": "taken-over@example.com", "used_for_auth": True},
    "PATCH /emails/notification-preference/{user_id}/{notification_category_id}": {"enabled": False},
    "POST /contact-channels/{user_id}/{contact_channel_id}/send-verification-code": {"callback_url": "http://localhost/"},
}
PROVIDERS = [{"id": "github", "type": "standard", "client_id": "x", "client_secret": "x"}]
OF_NO_PROJECT = {"notification_category_id": "4f6f8873-3d04-46bd-8bef-18338b1a1b4c"}
"""Ids that are the same everywhere."""
WITH_IDS = [e for e in routes.API if "{" in e.path and "{level}" not in e.path and "{project_id}" not in e.path]


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def link_of(user_id: str, account_id: str) -> dict[str, Any]:
    flags = {"allow_sign_in": True, "allow_connected_accounts": True}
    return {"user_id": user_id, "provider_config_id": "github", "account_id": account_id, **flags}


class Victim:
    """A user with a session and a linked account, and a key set, of project B."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.user = project.sign_up()
        with project.http("server") as client:
            self.session_id = client.get("/auth/sessions", params={"user_id": self.user["user_id"]}).json()["items"][0]["id"]
            self.channel_id = client.get("/contact-channels", params={"user_id": self.user["user_id"]}).json()["items"][0]["id"]
            self.link = client.post("/oauth-providers", json=link_of(self.user["user_id"], "583231")).json()
        with project.http("admin") as client:
            self.key_set_id = client.get("/internal/api-keys").json()["items"][0]["id"]

    def state(self) -> list[Any]:
        """Everything of the victim that an attack could change."""
        with self.project.http("server") as client:
            user = client.get(f"/users/{self.user['user_id']}").json()
            sessions = client.get("/auth/sessions", params={"user_id": self.user["user_id"]}).json()
            channels = client.get("/contact-channels").json()
            preferences = client.get(f"/emails/notification-preference/{self.user['user_id']}").json()
            links = client.get("/oauth-providers").json()
        with self.project.http("admin") as client:
            keys = client.get("/internal/api-keys").json()
        return [user, sessions, channels, preferences, links, keys]

    def ids(self) -> dict[str, str]:
        return {
            "user_id": self.user["user_id"],
            "id": self.session_id,
            "contact_channel_id": self.channel_id,
            "api_key_id": self.key_set_id,
            "provider_id": self.link["id"],
            "provider_account_id": self.link["account_id"],
        }


@pytest.fixture(scope="module")
def victim(server: RunningServer) -> Victim:
    return Victim(server.new_project(oauth_providers=PROVIDERS))


@pytest.fixture(scope="module")
def attacker(server: RunningServer) -> Project:
    return server.new_project(oauth_providers=PROVIDERS)


def send(client: httpx.Client, endpoint: Endpoint, ids: dict[str, str]) -> tuple[int, str | None, str]:
    if not endpoint.path.startswith("/oauth-providers/"):
        ids = ids | {"provider_id": "github"}  # there, it is a provider's name and not the id of a link
    path = re.sub(r"\{([a-z_]+)\}", lambda match: (OF_NO_PROJECT | ids)[match[1]], endpoint.path)
    body = BODIES.get(named(endpoint), {}) if endpoint.method in ("POST", "PATCH", "PUT") else None
    answer = client.request(endpoint.method, path, json=body)
    text = answer.text
    for value in ids.values():
        text = text.replace(value, "<id>")
    return answer.status_code, answer.headers.get("x-stack-known-error"), text


@pytest.mark.parametrize("access", ["client", "server", "admin"])
@pytest.mark.parametrize("endpoint", WITH_IDS, ids=named)
def test_another_projects_object_looks_like_none(attacker: Project, victim: Victim, endpoint: Endpoint, access: str) -> None:
    before = victim.state()
    token = attacker.sign_up()["access_token"]
    nobodys = {name: str(uuid.uuid4()) for name in victim.ids()}
    with attacker.http(access, token) as client:
        assert send(client, endpoint, victim.ids()) == send(client, endpoint, nobodys)
    assert victim.state() == before


def test_another_projects_user_is_unknown_in_bodies_and_queries(attacker: Project, victim: Victim) -> None:
    before = victim.state()
    with attacker.http("server") as client:
        created = client.post("/auth/sessions", json={"user_id": victim.user["user_id"]})
        assert created.headers["x-stack-known-error"] == "USER_ID_DOES_NOT_EXIST"
        assert client.get("/auth/sessions", params={"user_id": victim.user["user_id"]}).json()["items"] == []
        assert client.get("/users", params={"cursor": victim.user["user_id"], "limit": 10}).json()["items"] == []
        assert client.get("/users", params={"query": victim.user["email"]}).json()["items"] == []
        assert client.get("/contact-channels", params={"user_id": victim.user["user_id"]}).json()["items"] == []
        assert client.get("/contact-channels", params={"contact_channel_id": victim.channel_id}).json()["items"] == []
        assert client.get("/oauth-providers").json()["items"] == []
        for answer in (
            client.get("/oauth-providers", params={"user_id": victim.user["user_id"]}),
            client.post("/oauth-providers", json=link_of(victim.user["user_id"], "1")),
        ):
            assert answer.headers["x-stack-known-error"] == "USER_NOT_FOUND"
        own = client.post("/users", json={}).json()["id"]
        assert client.post("/oauth-providers", json=link_of(own, victim.link["account_id"])).status_code == 201
        channel = {"user_id": victim.user["user_id"], "type": "email", "value": "taken-over@example.com", "used_for_auth": True}
        assert client.post("/contact-channels", json=channel).headers["x-stack-known-error"] == "USER_NOT_FOUND"
    assert victim.state() == before


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_another_projects_tokens_are_refused(attacker: Project, victim: Victim, access: str) -> None:
    with attacker.http(access, victim.user["access_token"]) as client:
        answer = client.get("/users/me")
    assert answer.headers["x-stack-known-error"] == "INVALID_PROJECT_FOR_ACCESS_TOKEN"
    with attacker.http(access, **{"x-stack-refresh-token": victim.user["refresh_token"]}) as client:
        answer = client.post("/auth/sessions/current/refresh")
    assert answer.headers["x-stack-known-error"] == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


@pytest.mark.parametrize(
    ("access", "code"),
    [("client", "INVALID_PUBLISHABLE_CLIENT_KEY"), ("server", "INVALID_SECRET_SERVER_KEY"), ("admin", "INVALID_SUPER_SECRET_ADMIN_KEY")],
)
def test_another_projects_keys_are_refused(attacker: Project, victim: Victim, access: str, code: str) -> None:
    headers = attacker.headers(access) | {"x-stack-project-id": victim.project.id}
    with attacker.server.http(headers) as client:
        answer = client.get("/projects/current")
    assert (answer.status_code, answer.headers["x-stack-known-error"]) == (401, code)


def test_an_administrator_of_one_project_is_none_of_another(server: RunningServer, victim: Victim) -> None:
    stranger = server.internal.sign_up()
    headers = {
        "x-stack-access-type": "admin",
        "x-stack-project-id": victim.project.id,
        "x-stack-admin-access-token": stranger["access_token"],
    }
    for project_id in (victim.project.id, "internal"):
        with server.http(headers | {"x-stack-project-id": project_id}) as client:
            answer = client.get("/internal/projects/current")
        assert answer.headers["x-stack-known-error"] == "ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN"


def test_an_administrator_may_not_give_a_project_to_a_team_he_is_not_in(server: RunningServer) -> None:
    stranger = server.internal.sign_up()
    other = server.internal.sign_up()
    with server.http(server.internal.headers("client", other["access_token"])) as client:
        foreign_team = client.get("/users/me").json()["selected_team_id"]
    with server.http(server.internal.headers("client", stranger["access_token"])) as client:
        answer = client.post("/internal/projects", json={"display_name": "x", "owner_team_id": foreign_team})
    assert answer.headers["x-stack-known-error"] == "TEAM_MEMBERSHIP_NOT_FOUND"


def test_public_endpoints_with_a_project_in_the_path_tell_nothing_of_others(server: RunningServer) -> None:
    with server.http() as client:
        assert client.get(f"/projects/{uuid.uuid4()}/.well-known/jwks.json").status_code == 404


def test_levels_are_ordered() -> None:
    assert Access.CLIENT < Access.SERVER < Access.ADMIN
