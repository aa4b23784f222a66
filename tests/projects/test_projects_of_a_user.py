"""/internal/projects: what a user of the project `internal` manages (contract 04 §1, §4)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.server import Project, RunningServer

PERMISSIONS = {"$update_team", "$delete_team", "$read_members", "$remove_members", "$invite_members", "$manage_api_keys"}


class Developer:
    """A user of `internal` with a personal team."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.user = server.internal.sign_up()
        with self.http() as client:
            self.team_id = client.get("/users/me").json()["selected_team_id"]

    def http(self, access: str = "client", **headers: str) -> Any:
        return self.server.internal.http(access, self.user["access_token"], **headers)

    def create(self, **body: Any) -> Any:
        with self.http() as client:
            return client.post("/internal/projects", json={"display_name": "P", "owner_team_id": self.team_id, **body})

    def as_admin_of(self, project_id: str) -> Any:
        headers = {"access-type": "admin", "project-id": project_id, "admin-access-token": self.user["access_token"]}
        return self.server.http({f"x-stack-{name}": value for name, value in headers.items()})


@pytest.fixture
def developer(server: RunningServer) -> Developer:
    return Developer(server)


def test_creating_and_listing(developer: Developer) -> None:
    answer = developer.create(description="d", config={"magic_link_enabled": True, "allow_localhost": False})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert uuid.UUID(body["id"]).version == 4
    assert (body["display_name"], body["description"], body["owner_team_id"]) == ("P", "d", developer.team_id)
    assert body["config"]["magic_link_enabled"] is body["config"]["credential_enabled"] is True
    assert body["config"]["allow_localhost"] is False
    with developer.http() as client:
        listed = client.get("/internal/projects").json()
    assert listed == {"items": [body], "is_paginated": False}
    with developer.as_admin_of(body["id"]) as client:
        assert client.get("/internal/projects/current").json() == body
        assert client.get("/internal/api-keys").json()["items"] == []
        config = client.get("/internal/config").json()["config_string"]
    for expected in (*PERMISSIONS, '"teamMember":{"team_member":true}', '"authentication":{"enabled":true}', '"emails":{"enabled":true}'):
        assert expected in config


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_any_access_type_will_do(developer: Developer, access: str) -> None:
    with developer.http(access) as client:
        assert client.post("/internal/projects", json={"display_name": "P", "owner_team_id": developer.team_id}).status_code == 201
        assert len(client.get("/internal/projects").json()["items"]) == 1


def test_projects_of_others_are_not_managed(developer: Developer, server: RunningServer) -> None:
    project_id = developer.create().json()["id"]
    stranger = Developer(server)
    with stranger.http() as client:
        assert client.get("/internal/projects").json()["items"] == []
    with stranger.as_admin_of(project_id) as client:
        answer = client.get("/internal/projects/current")
    assert answer.status_code == 401
    assert answer.json()["code"] == "ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN"


@pytest.mark.parametrize("of", ["stranger", "nobody"])
def test_the_owner_team_must_be_the_users(developer: Developer, server: RunningServer, of: str) -> None:
    team_id = Developer(server).team_id if of == "stranger" else str(uuid.uuid4())
    answer = developer.create(owner_team_id=team_id)
    assert answer.status_code == 404
    assert answer.json()["code"] == "TEAM_MEMBERSHIP_NOT_FOUND"
    assert answer.json()["details"] == {"team_id": team_id, "user_id": developer.user["user_id"]}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_may_not(developer: Developer, project: Project, method: str) -> None:
    body = {"display_name": "P", "owner_team_id": developer.team_id}
    with project.server.internal.http("client") as client:
        answer = client.request(method, "/internal/projects", json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "USER_AUTHENTICATION_REQUIRED")
    with project.http("client") as client:
        answer = client.request(method, "/internal/projects", json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "USER_AUTHENTICATION_REQUIRED")
    with project.http("client", project.sign_up()["access_token"]) as client:
        answer = client.request(method, "/internal/projects", json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "EXPECTED_INTERNAL_PROJECT")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "owner_team_id"),
        ({"display_name": "P", "owner_team_id": "x"}, "owner_team_id"),
        ({"display_name": None, "owner_team_id": str(uuid.uuid4())}, "display_name"),
        ({"display_name": "P", "owner_team_id": str(uuid.uuid4()), "id": "x"}, "id"),
        ({"display_name": "P\0", "owner_team_id": str(uuid.uuid4())}, "display_name"),
    ],
)
def test_what_does_not_fit_is_named(developer: Developer, body: Any, named: str) -> None:
    with developer.http() as client:
        answer = client.post("/internal/projects", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "SCHEMA_ERROR"
    assert named in answer.json()["error"]


def test_a_development_project_of_the_newer_family(developer: Developer) -> None:
    headers = {
        name.replace("x-stack-", "x-hexclave-"): value for name, value in developer.http().headers.items() if name.startswith("x-stack-")
    }
    with developer.server.http(headers) as client:
        body = {"display_name": "P", "owner_team_id": developer.team_id, "is_development_environment": True, "onboarding_state": {"a": 1}}
        created = client.post("/internal/projects", json=body).json()
        assert client.get("/internal/projects").json()["items"] == [created]
    assert created["is_development_environment"] is True
    assert created["onboarding_state"] == {"a": 1}


def test_an_unknown_theme_is_accepted_at_creation(developer: Developer) -> None:
    answer = developer.create(config={"email_theme": "nope"})
    assert answer.status_code == 201
    assert answer.json()["config"]["email_theme"] == "1df07ae6-abf3-4a40-83a5-a1a2cbe336ac"
