"""/internal/api-keys: key sets of a project (contract 04 §6)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.server import Project

KINDS = ("publishable_client_key", "secret_server_key", "super_secret_admin_key")
FAR = 4_102_444_799_000


def create(project: Project, *kinds: str, expires_at: Any = FAR, description: str = "d") -> dict[str, Any]:
    body = {"description": description, "expires_at_millis": expires_at, **{f"has_{kind}": kind in kinds for kind in KINDS}}
    with project.http("admin") as client:
        answer = client.post("/internal/api-keys", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def use(project: Project, access: str, kind: str, key: str) -> tuple[int, str | None]:
    header = f"x-stack-{kind.replace('_', '-')}"
    with project.server.http({"x-stack-access-type": access, "x-stack-project-id": project.id, header: key}) as client:
        answer = client.get("/projects/current")
    return answer.status_code, answer.headers.get("x-stack-known-error")


def test_keys_are_shown_once(own_project: Project) -> None:
    made = create(own_project, *KINDS)
    assert set(made) == {"id", "description", "created_at_millis", "expires_at_millis", *KINDS}
    for kind, prefix in zip(KINDS, ("pck_", "ssk_", "sak_"), strict=True):
        assert made[kind].startswith(prefix)
        assert len(made[kind]) == 49
        assert set(made[kind][4:]) <= set("0123456789abcdefghjkmnpqrstvwxyz")
    with own_project.http("admin") as client:
        later = client.get(f"/internal/api-keys/{made['id']}").json()
        listed = client.get("/internal/api-keys").json()
    assert later == {**{k: v for k, v in made.items() if k not in KINDS}, **{kind: {"last_four": made[kind][-4:]} for kind in KINDS}}
    assert listed["is_paginated"] is False
    assert listed["items"][0] == later
    assert len(listed["items"]) == 2


@pytest.mark.parametrize("kinds", [(), ("secret_server_key",), ("publishable_client_key", "super_secret_admin_key")])
def test_absent_keys_are_absent(own_project: Project, kinds: tuple[str, ...]) -> None:
    made = create(own_project, *kinds)
    assert {kind for kind in KINDS if kind in made} == set(kinds)
    with own_project.http("admin") as client:
        later = client.get(f"/internal/api-keys/{made['id'].upper()}").json()
    assert {kind for kind in KINDS if kind in later} == set(kinds)


@pytest.mark.parametrize(
    ("access", "kind", "error"),
    [
        ("client", "publishable_client_key", "INVALID_PUBLISHABLE_CLIENT_KEY"),
        ("server", "secret_server_key", "INVALID_SECRET_SERVER_KEY"),
        ("admin", "super_secret_admin_key", "INVALID_SUPER_SECRET_ADMIN_KEY"),
    ],
)
def test_a_key_works_until_it_is_revoked_or_expires(own_project: Project, access: str, kind: str, error: str) -> None:
    made = create(own_project, *KINDS)
    assert use(own_project, access, kind, made[kind]) == (200, None)
    assert (
        use(own_project, access, kind, made["secret_server_key" if kind != "secret_server_key" else "super_secret_admin_key"])[1] == error
    )
    with own_project.http("admin") as client:
        revoked = client.patch(f"/internal/api-keys/{made['id']}", json={"revoked": True}).json()
        assert revoked["manually_revoked_at_millis"] >= made["created_at_millis"]
        assert client.get("/internal/api-keys").json()["items"][0] == revoked
        again = client.patch(f"/internal/api-keys/{made['id']}", json={"revoked": True}).json()
        assert again["manually_revoked_at_millis"] >= revoked["manually_revoked_at_millis"]
    assert use(own_project, access, kind, made[kind]) == (401, error)
    assert use(own_project, access, kind, create(own_project, *KINDS, expires_at=1)[kind]) == (401, error)
    assert use(own_project, access, kind, create(own_project, *KINDS, expires_at=-1e300)[kind]) == (401, error)


def test_a_key_of_another_project_is_unknown(own_project: Project, project: Project) -> None:
    answer = use(own_project, "server", "secret_server_key", project.secret_server_key)
    assert answer == (401, "INVALID_SECRET_SERVER_KEY")


def test_any_number_is_an_expiry(own_project: Project) -> None:
    assert create(own_project, expires_at=1.5)["expires_at_millis"] == 2
    assert create(own_project, expires_at="1e300")["expires_at_millis"] == 8_640_000_000_000_000


def test_the_description_changes(own_project: Project) -> None:
    made = create(own_project, description="before")
    with own_project.http("admin") as client:
        changed = client.patch(f"/internal/api-keys/{made['id']}", json={"description": "after"})
        assert changed.json()["description"] == "after"
        assert "manually_revoked_at_millis" not in changed.json()
        assert client.patch(f"/internal/api-keys/{made['id']}", json={}).json() == changed.json()


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_unknown_and_malformed_ids(own_project: Project, project: Project, method: str) -> None:
    theirs = create(project)["id"]
    with own_project.http("admin") as client:
        for key_set_id in (str(uuid.uuid4()), theirs):
            answer = client.request(method, f"/internal/api-keys/{key_set_id}", json={"revoked": True, "description": "x"})
            assert (answer.status_code, answer.json()["code"]) == (404, "API_KEY_NOT_FOUND")
        answer = client.request(method, "/internal/api-keys/x", json={})
        assert (answer.status_code, answer.json()["code"]) == (400, "SCHEMA_ERROR")
        assert client.delete(f"/internal/api-keys/{theirs}").status_code == 405
    with project.http("admin") as client:
        assert "manually_revoked_at_millis" not in client.get(f"/internal/api-keys/{theirs}").json()


@pytest.mark.parametrize(
    ("method", "body", "named"),
    [
        ("POST", {}, "has_secret_server_key"),
        ("POST", {"description": "d"}, "expires_at_millis"),
        ("PATCH", {"revoked": False}, "revoked"),
        ("PATCH", {"revoked": None}, "revoked"),
        ("PATCH", {"expires_at_millis": 1}, "expires_at_millis"),
        ("PATCH", {"description": None}, "description"),
    ],
)
def test_what_does_not_fit_is_named(project: Project, method: str, body: Any, named: str) -> None:
    path = "/internal/api-keys" if method == "POST" else f"/internal/api-keys/{create(project)['id']}"
    with project.http("admin") as client:
        answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "SCHEMA_ERROR")
    assert named in answer.json()["error"]


@pytest.mark.parametrize("access", ["client", "server"])
def test_only_for_administrators(project: Project, access: str) -> None:
    with project.http(access) as client:
        for method, path in (("GET", ""), ("POST", ""), ("GET", f"/{uuid.uuid4()}"), ("PATCH", f"/{uuid.uuid4()}")):
            answer = client.request(method, f"/internal/api-keys{path}", json={})
            assert (answer.status_code, answer.json()["code"]) == (401, "INSUFFICIENT_ACCESS_TYPE")


def test_requiring_a_publishable_key(own_project: Project) -> None:
    own_project.override("project", **{"project.requirePublishableClientKey": True})
    for key in ("__stack_public_client__", ""):
        assert use(own_project, "client", "publishable_client_key", key) == (401, "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT")
    assert use(own_project, "client", "publishable_client_key", own_project.publishable_client_key) == (200, None)
    own_project.override("project", **{"project.requirePublishableClientKey": None})
    assert use(own_project, "client", "publishable_client_key", "__stack_public_client__") == (200, None)
