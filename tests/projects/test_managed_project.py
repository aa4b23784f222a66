"""/internal/projects/current for administrators (contract 04 §3, §7)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.server import Project

FIELDS = {
    "id",
    "display_name",
    "description",
    "logo_url",
    "logo_full_url",
    "logo_dark_mode_url",
    "logo_full_dark_mode_url",
    "created_at_millis",
    "is_production_mode",
    "owner_team_id",
    "onboarding_status",
    "config",
}
CONFIG_FIELDS = {
    "sign_up_enabled",
    "credential_enabled",
    "magic_link_enabled",
    "passkey_enabled",
    "oauth_account_merge_strategy",
    "client_user_deletion_enabled",
    "client_team_creation_enabled",
    "create_team_on_sign_up",
    "allow_localhost",
    "domains",
    "allow_user_api_keys",
    "allow_team_api_keys",
    "oauth_providers",
    "enabled_oauth_providers",
    "email_config",
    "email_theme",
    "team_creator_default_permissions",
    "team_member_default_permissions",
    "user_default_permissions",
}
SERVER = {
    "type": "standard",
    "host": "mail.example",
    "port": 587,
    "username": "u",
    "password": "mail-secret",
    "sender_name": "n",
    "sender_email": "a@b.example",
}


def patch(project: Project, body: Any, **headers: str) -> httpx.Response:
    with project.http("admin", **headers) as client:
        return client.patch("/internal/projects/current", json=body)


def read(project: Project) -> dict[str, Any]:
    with project.http("admin") as client:
        answer = client.get("/internal/projects/current")
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_a_new_project(own_project: Project) -> None:
    body = read(own_project)
    assert set(body) == FIELDS
    assert set(body["config"]) == CONFIG_FIELDS
    assert body["description"] == ""
    assert body["logo_url"] is None
    assert body["is_production_mode"] is False
    assert body["onboarding_status"] == "completed"
    config = body["config"]
    assert config["credential_enabled"] is config["allow_localhost"] is config["sign_up_enabled"] is True
    assert config["email_config"] == {"type": "shared"}
    assert config["team_creator_default_permissions"] == [{"id": "team_admin"}]
    assert config["team_member_default_permissions"] == [{"id": "team_member"}]
    assert config["user_default_permissions"] == []


@pytest.mark.parametrize("access", ["client", "server"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_only_for_administrators(project: Project, access: str, method: str) -> None:
    with project.http(access) as client:
        answer = client.request(method, "/internal/projects/current", json={})
    assert answer.status_code == 401
    assert answer.json()["code"] == "INSUFFICIENT_ACCESS_TYPE"
    assert answer.json()["details"] == {"actual_access_type": access, "allowed_access_types": ["admin"]}


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ({"display_name": "New"}, {"display_name": "New"}),
        ({"description": "text"}, {"description": "text"}),
        ({"description": None}, {"description": ""}),
        ({"logo_url": "https://cdn.example/logo.png"}, {"logo_url": "https://cdn.example/logo.png"}),
        ({"logo_full_dark_mode_url": "http://cdn.example/l"}, {"logo_full_dark_mode_url": "http://cdn.example/l"}),
        ({"logo_url": None}, {"logo_url": None}),
        ({"is_production_mode": True}, {"is_production_mode": True}),
        ({"is_production_mode": "1"}, {"is_production_mode": True}),
        ({"onboarding_status": "welcome"}, {"onboarding_status": "welcome"}),
        ({}, {}),
    ],
)
def test_a_field_is_changed_and_no_other(own_project: Project, body: dict[str, Any], changed: dict[str, Any]) -> None:
    before = read(own_project)
    answer = patch(own_project, body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == read(own_project) == {**before, **changed}


@pytest.mark.parametrize(
    "config",
    [
        {"sign_up_enabled": False},
        {"magic_link_enabled": True, "passkey_enabled": True, "create_team_on_sign_up": True},
        {"oauth_account_merge_strategy": "allow_duplicates"},
        {"email_theme": "a0172b5d-cff0-463b-83bb-85124697373a"},
        {"email_config": SERVER},
        {"domains": [{"domain": "https://*.example.com:8080", "handler_path": "/handler"}]},
        {"team_member_default_permissions": [{"id": "$read_members"}, {"id": "team_admin"}]},
    ],
)
def test_configuration_is_read_back(own_project: Project, config: dict[str, Any]) -> None:
    before = read(own_project)["config"]
    assert patch(own_project, {"config": config}).json()["config"] == {**before, **config}
    assert read(own_project)["config"] == {**before, **config}


def test_email_verification_is_written_but_not_read(own_project: Project) -> None:
    assert "require_email_verification" not in patch(own_project, {"config": {"require_email_verification": True}}).json()["config"]
    with own_project.http("admin") as client:
        assert '"requireEmailVerification":true' in client.get("/internal/config").json()["config_string"]


def test_oauth_providers_are_replaced_as_a_list(own_project: Project) -> None:
    standard = {"id": "github", "type": "standard", "client_id": "i", "client_secret": "s"}
    providers = patch(own_project, {"config": {"oauth_providers": [standard, {"id": "google", "type": "shared"}]}}).json()["config"]
    assert providers["oauth_providers"] == [
        {"provider_config_id": "github", **standard},
        {"provider_config_id": "google", "id": "google", "type": "shared"},
    ]
    assert patch(own_project, {"config": {"oauth_providers": []}}).json()["config"]["oauth_providers"] == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"unknown": 1}, "unknown"),
        ({"id": "x"}, "id"),
        ({"display_name": None}, "display_name"),
        ({"onboarding_status": "done"}, "onboarding_status"),
        ({"is_production_mode": "maybe"}, "is_production_mode"),
        ({"is_development_environment": True}, "is_development_environment"),
        ({"onboarding_state": [1]}, "onboarding_state"),
        ({"config": {"unknown": 1}}, "unknown"),
        ({"config": {"enabled_oauth_providers": []}}, "enabled_oauth_providers"),
        ({"config": {"sign_up_enabled": None}}, "sign_up_enabled"),
        ({"config": {"oauth_account_merge_strategy": "x"}}, "oauth_account_merge_strategy"),
        ({"config": {"domains": [{"domain": "ftp://a.example", "handler_path": "/"}]}}, "domains[0].domain"),
        ({"config": {"domains": [{"domain": "a.example", "handler_path": "/"}]}}, "domains[0].domain"),
        ({"config": {"domains": [{"domain": "http://localhost:*", "handler_path": "/"}]}}, "domains[0].domain"),
        ({"config": {"domains": [{"domain": "https://a.example", "handler_path": "h"}]}}, "domains[0].handler_path"),
        ({"config": {"domains": [{"domain": "https://a.example"}]}}, "domains[0].handler_path"),
        ({"config": {"oauth_providers": [{"id": "nope", "type": "shared"}]}}, "oauth_providers[0].id"),
        ({"config": {"oauth_providers": [{"id": "github", "type": "standard", "client_id": ""}]}}, "client_secret"),
        ({"config": {"oauth_providers": [{"id": "github", "type": "shared", "provider_config_id": "x"}]}}, "provider_config_id"),
        ({"config": {"email_config": {"type": "standard", "host": "h"}}}, "body.config.email_config.sender_email"),
        ({"config": {"email_config": {**SERVER, "port": 65536}}}, "port"),
        ({"config": {"email_config": {**SERVER, "password": "x" * 71}}}, "password"),
        ({"config": {"email_config": {**SERVER, "host": ""}}}, "host"),
        ({"config": {"email_config": {**SERVER, "sender_email": "nobody"}}}, "sender_email"),
        ({"config": {"email_config": {"type": "shared", "secure": True}}}, "secure"),
        ({"config": []}, "config"),
        ([], "body"),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(project: Project, body: Any, named: str) -> None:
    before = read(project)
    answer = patch(project, body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "SCHEMA_ERROR"
    assert named in answer.json()["error"]
    assert read(project) == before


@pytest.mark.parametrize(
    "body",
    [
        {"logo_url": "data:image/png;base64,iVBORw0KGgo="},
        {"logo_url": "ftp://a.example/x"},
        {"logo_url": "javascript:alert(1)"},
        {"logo_url": "logo.png"},
        {"logo_url": ""},
        {"logo_full_url": "https://a.example/" + "x" * 1_000_001},
        {"display_name": "Never", "config": {"email_theme": "00000000-0000-4000-8000-000000000000"}},
    ],
)
def test_logos_and_themes_that_do_not_exist(project: Project, body: Any) -> None:
    before = read(project)
    answer = patch(project, body)
    assert answer.status_code == 400
    assert "x-stack-known-error" not in answer.headers
    assert answer.headers["content-type"].startswith("text/plain")
    assert read(project) == before


def test_additions_of_the_newer_family(own_project: Project) -> None:
    headers = {name.replace("x-stack-", "x-hexclave-"): value for name, value in own_project.headers("admin").items()}
    with own_project.server.http(headers) as client:
        assert client.get("/internal/projects/current").json()["onboarding_state"] is None
        state = {"step": [1, {"a": None}]}
        body = client.patch("/internal/projects/current", json={"onboarding_state": state}).json()
        assert set(body) == FIELDS | {"onboarding_state", "is_development_environment"}
        assert body["onboarding_state"] == state
        assert body["is_development_environment"] is False
        assert client.patch("/internal/projects/current", json={"onboarding_state": None}).json()["onboarding_state"] is None


def test_deleting(own_project: Project) -> None:
    user = own_project.sign_up()
    with own_project.http("admin") as client:
        answer = client.delete("/internal/projects/current")
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"success": True}
        again = client.get("/internal/projects/current")
    assert again.status_code == 400
    assert again.json()["code"] == "CURRENT_PROJECT_NOT_FOUND"
    assert again.json()["details"] == {"project_id": own_project.id}
    with own_project.http("client", user["access_token"]) as client:
        assert client.get("/users/me").json()["code"] in ("CURRENT_PROJECT_NOT_FOUND", "UNPARSABLE_ACCESS_TOKEN")


def test_the_internal_project_cannot_be_deleted(project: Project) -> None:
    with project.server.internal.http("admin") as client:
        assert client.delete("/internal/projects/current").status_code == 400
        assert client.get("/internal/projects/current").json()["id"] == "internal"
