"""/internal/config: the rendered tree, overrides by level, their source (contract 04 §9)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.server import Project

SOURCE = {"type": "pushed-from-unknown"}
GITHUB = {
    "type": "pushed-from-github",
    "owner": "o",
    "repo": "r",
    "branch": "",
    "commit_hash": "c",
    "config_file_path": "stack.config.ts",
}


def stored(project: Project, level: str) -> Any:
    with project.http("admin") as client:
        answer = client.get(f"/internal/config/override/{level}")
    assert answer.status_code == 200, answer.text
    return json.loads(answer.json()["config_string"])


def rendered(project: Project) -> Any:
    with project.http("admin") as client:
        return json.loads(client.get("/internal/config").json()["config_string"])


def write(project: Project, method: str, level: str, override: Any, access: str = "admin", **more: Any) -> httpx.Response:
    field = "config_string" if method == "PUT" else "config_override_string"
    text = override if isinstance(override, str) else json.dumps(override)
    with project.http(access) as client:
        return client.request(method, f"/internal/config/override/{level}", json={field: text, **more})


def test_a_new_project_has_only_an_environment_override(own_project: Project) -> None:
    assert stored(own_project, "project") == stored(own_project, "branch") == {}
    assert stored(own_project, "environment")["auth.password.allowSignIn"] is True
    assert rendered(own_project)["auth"]["password"] == {"allowSignIn": True}


def test_replacing_and_merging(own_project: Project) -> None:
    first = {"teams": {"allowClientTeamCreation": True}, "users.allowClientUserDeletion": True}
    answer = write(own_project, "PUT", "branch", first, source=SOURCE)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert stored(own_project, "branch") == first
    assert write(own_project, "PATCH", "branch", {"teams": {"createPersonalTeamOnSignUp": True}}).json() == {"success": True}
    assert stored(own_project, "branch") == {"teams": {"createPersonalTeamOnSignUp": True}, "users.allowClientUserDeletion": True}
    assert rendered(own_project)["teams"] == {"createPersonalTeamOnSignUp": True, "allowClientTeamCreation": False}
    write(own_project, "PATCH", "environment", {"teams.createPersonalTeamOnSignUp": False})
    assert rendered(own_project)["teams"]["createPersonalTeamOnSignUp"] is False
    write(own_project, "PUT", "branch", {}, source=SOURCE)
    assert stored(own_project, "branch") == {}


def test_the_endpoint_without_level_is_that_of_the_environment(own_project: Project) -> None:
    with own_project.http("admin") as client:
        body = {"config_override_string": '{"auth.allowSignUp": false}'}
        assert client.patch("/internal/config/override", json=body).json() == {"success": True}
    assert stored(own_project, "environment")["auth.allowSignUp"] is False


def test_reset_keys(own_project: Project) -> None:
    write(own_project, "PUT", "branch", {"auth.allowSignUp": False}, source=SOURCE)
    environment = {"auth": {"allowSignUp": True, "otp": {"allowSignIn": True}}, "teams.allowClientTeamCreation": True}
    write(own_project, "PUT", "environment", environment)
    with own_project.http("admin") as client:
        path = "/internal/config/override/environment/reset-keys"
        assert client.post(path, json={"keys": ["auth.otp.allowSignIn", "auth.allowSignUp", "teams", "", "é"]}).json() == {"success": True}
        assert client.post(path, json={"keys": []}).json() == {"success": True}
        assert client.post("/internal/config/override/project/reset-keys", json={"keys": []}).json()["code"] == "SCHEMA_ERROR"
        assert client.post(path, json={"keys": [1, None]}).json()["code"] == "SCHEMA_ERROR"
    assert stored(own_project, "environment") == {}
    assert rendered(own_project)["auth"]["allowSignUp"] is False


def test_secrets_are_returned_to_administrators(own_project: Project) -> None:
    override = {"emails.server": {"isShared": False, "password": "p"}}
    write(own_project, "PATCH", "environment", override)
    assert stored(own_project, "environment")["emails.server"] == override["emails.server"]
    assert rendered(own_project)["emails"]["server"]["password"] == "p"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("level", "text", "named"),
    [
        ("environment", "{", "JSON"),
        ("environment", "null", "object"),
        ("environment", "[]", "object"),
        ("environment", '{"nonsense": 1}', "nonsense"),
        ("environment", '{"auth.allowSignUp": "true"}', "auth.allowSignUp"),
        ("environment", '{"project.requirePublishableClientKey": true}', "project.requirePublishableClientKey"),
        ("branch", '{"domains.allowLocalhost": true}', "domains.allowLocalhost"),
        ("project", '{"auth.allowSignUp": true}', "auth.allowSignUp"),
        ("branch", '{"auth": {"oauth": {"providers": {"a.b": {}}}}}', "auth.oauth.providers.a.b"),
    ],
)
def test_what_cannot_be_stored_is_named(project: Project, method: str, level: str, text: str, named: str) -> None:
    before = stored(project, level)
    answer = write(project, method, level, text, **({"source": SOURCE} if method == "PUT" else {}))
    assert answer.status_code == 400
    assert "x-stack-known-error" not in answer.headers
    assert named in answer.text
    assert stored(project, level) == before


def test_too_large_overrides_are_refused(own_project: Project) -> None:
    half = {"rbac.permissions.a": {"description": "x" * 2_600_000}}
    assert write(own_project, "PATCH", "branch", half).status_code == 200
    answer = write(own_project, "PATCH", "branch", {"rbac.permissions.b": {"description": "x" * 2_600_000}})
    assert answer.status_code == 400
    assert list(stored(own_project, "branch")) == ["rbac.permissions.a"]


def test_replacing_the_branch_needs_a_source(own_project: Project) -> None:
    answer = write(own_project, "PUT", "branch", {})
    assert answer.status_code == 400
    assert "source" in answer.text
    assert "x-stack-known-error" not in answer.headers
    assert write(own_project, "PUT", "environment", {}).status_code == 200


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"type": "x"},
        {"type": "pushed-from-github"},
        {**GITHUB, "extra": "x"},
        {**GITHUB, "owner": None},
        {"type": "unlinked", "owner": "o"},
        "unlinked",
        None,
    ],
)
@pytest.mark.parametrize("level", ["branch", "environment"])
def test_malformed_sources(project: Project, level: str, source: Any) -> None:
    answer = write(project, "PUT", level, "not json", access="server" if level == "branch" else "admin", source=source)
    assert (answer.status_code, answer.json()["code"]) == (400, "SCHEMA_ERROR")


def test_the_source(own_project: Project) -> None:
    def source() -> Any:
        with own_project.http("admin") as client:
            return client.get("/internal/config/source").json()

    assert source() == {"source": {"type": "unlinked"}}
    override = {"auth.allowSignUp": False}
    for given in (GITHUB, {**GITHUB, "workflow_path": ".github/w.yml"}, SOURCE, {"type": "unlinked"}, GITHUB):
        assert write(own_project, "PUT", "branch", override, source=given).status_code == 200
        assert source() == {"source": given}
    write(own_project, "PATCH", "branch", {"auth.allowSignUp": None})
    write(own_project, "PUT", "environment", {}, source=SOURCE)
    assert source() == {"source": GITHUB}
    with own_project.http("admin") as client:
        for _ in range(2):
            assert client.delete("/internal/config/source").json() == {"success": True}
    assert source() == {"source": {"type": "unlinked"}}
    assert stored(own_project, "branch") == {"auth.allowSignUp": None}


def test_servers_reach_the_branch_only(own_project: Project) -> None:
    assert write(own_project, "PUT", "branch", {"auth.allowSignUp": False}, "server", source=SOURCE).status_code == 200
    assert write(own_project, "PATCH", "branch", {}, "server").status_code == 200
    with own_project.http("server") as client:
        assert client.get("/internal/config/override/branch").status_code == 200
        for level in ("project", "environment"):
            path = f"/internal/config/override/{level}"
            answers = [
                client.get(path),
                client.put(path, json={"config_string": "not json"}),
                client.patch(path, json={"config_override_string": "not json"}),
            ]
            assert [answer.status_code for answer in answers] == [403] * 3
            assert all("x-stack-known-error" not in answer.headers for answer in answers)
        for method, path in (
            ("GET", "/internal/config"),
            ("PATCH", "/internal/config/override"),
            ("POST", "/internal/config/override/branch/reset-keys"),
            ("GET", "/internal/config/source"),
            ("DELETE", "/internal/config/source"),
        ):
            answer = client.request(method, path, json={})
            assert (answer.status_code, answer.json()["code"]) == (401, "INSUFFICIENT_ACCESS_TYPE"), path


def test_clients_reach_nothing(project: Project) -> None:
    with project.http("client") as client:
        answer = client.get("/internal/config/override/branch")
    assert answer.status_code == 401
    assert answer.json()["details"] == {"actual_access_type": "client", "allowed_access_types": ["server", "admin"]}


@pytest.mark.parametrize("level", ["organization", "Branch", "x"])
def test_unknown_levels(project: Project, level: str) -> None:
    with project.http("admin") as client:
        assert client.get(f"/internal/config/override/{level}").json()["code"] == "SCHEMA_ERROR"


async def _merge_all(project: Project, overrides: list[dict[str, Any]]) -> list[int]:
    async with project.async_http("admin") as client:
        bodies = [{"config_override_string": json.dumps(override)} for override in overrides]
        return [a.status_code for a in await asyncio.gather(*(client.patch("/internal/config/override/branch", json=b) for b in bodies))]


def test_concurrent_changes_are_all_kept(own_project: Project) -> None:
    overrides = [{f"dataVault.stores.s{place}": {"displayName": "x"}} for place in range(20)]
    assert asyncio.run(_merge_all(own_project, overrides)) == [200] * 20
    assert len(stored(own_project, "branch")) == 20


def test_what_is_stored_is_in_force_for_the_next_request(own_project: Project) -> None:
    for place in range(10):
        own_project.override("branch", **{"auth.allowSignUp": place % 2 == 0, "users.allowClientUserDeletion": place % 2 == 1})
        with own_project.http("client") as client:
            config = client.get("/projects/current").json()["config"]
        assert (config["sign_up_enabled"], config["client_user_deletion_enabled"]) == (place % 2 == 0, place % 2 == 1)


def test_nul_inside_a_configuration_is_kept(own_project: Project) -> None:
    override = {"rbac.permissions.a": {"description": "\0\U0001f600"}}
    assert write(own_project, "PATCH", "branch", override).status_code == 200
    assert stored(own_project, "branch") == override
    assert rendered(own_project)["rbac"]["permissions"]["a"]["description"] == "\0\U0001f600"
