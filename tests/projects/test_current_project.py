"""GET /projects/current (contract 04 §2) and what its access types have in common."""

from __future__ import annotations

import uuid

import pytest

from tests.server import Project, RunningServer

FIELDS = {
    "sign_up_enabled",
    "credential_enabled",
    "magic_link_enabled",
    "passkey_enabled",
    "client_team_creation_enabled",
    "client_user_deletion_enabled",
    "allow_user_api_keys",
    "allow_team_api_keys",
    "enabled_oauth_providers",
    "domains",
}


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_the_same_for_all_access_types(project: Project, access: str) -> None:
    with project.http(access) as client:
        answer = client.get("/projects/current")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"id", "display_name", "config"}
    assert body["id"] == project.id
    assert set(body["config"]) == FIELDS


def test_localhost_is_said_to_the_newer_family_only(project: Project) -> None:
    headers = {name.replace("x-stack-", "x-hexclave-"): value for name, value in project.headers("client").items()}
    with project.server.http(headers) as client:
        config = client.get("/projects/current").json()["config"]
    assert set(config) == FIELDS | {"allow_localhost"}
    assert config["allow_localhost"] is True


def test_providers_and_domains_are_sorted(own_project: Project) -> None:
    own_project.configure(
        oauth_providers=[{"id": "spotify", "type": "shared"}, {"id": "github", "type": "shared"}],
        domains=[{"domain": "https://b.example", "handler_path": "/"}, {"domain": "https://a.example", "handler_path": "/h"}],
    )
    own_project.override("branch", **{"auth.oauth.providers.google": {"type": "google", "allowSignIn": False}})
    with own_project.http("client") as client:
        config = client.get("/projects/current").json()["config"]
    assert config["enabled_oauth_providers"] == [{"id": "github"}, {"id": "spotify"}]
    assert [d["domain"] for d in config["domains"]] == ["https://a.example", "https://b.example"]


def test_an_unknown_project(server: RunningServer) -> None:
    unknown = str(uuid.uuid4())
    with server.http({"x-stack-access-type": "client", "x-stack-project-id": unknown}) as client:
        answer = client.get("/projects/current")
    assert answer.status_code == 400
    assert answer.headers["x-stack-known-error"] == "CURRENT_PROJECT_NOT_FOUND"
    assert answer.json()["details"] == {"project_id": unknown}


def test_without_credentials_and_with_parameters(project: Project) -> None:
    with project.server.http() as client:
        assert client.get("/projects/current").json()["code"] == "ACCESS_TYPE_REQUIRED"
    with project.http("client") as client:
        assert client.get("/projects/current?x=1").json()["code"] == "SCHEMA_ERROR"
