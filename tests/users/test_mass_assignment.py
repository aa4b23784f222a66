"""Mass assignment (D3): every field name known anywhere, sent to everyone who does not take it, is refused and changes nothing."""

from __future__ import annotations

import httpx
import pytest

from hexclave_server.users.wire import ClientUserUpdate, ServerUserRead, ServerUserUpdate, UserCreate
from tests.server import Project
from tests.users.answers import names_field, ok

KNOWN_ANYWHERE = {
    *UserCreate.__struct_fields__,
    *ServerUserUpdate.__struct_fields__,
    *ServerUserRead.__struct_fields__,
    *("user_id", "project_id", "tenancy_id", "branch_id", "is_admin", "verified", "role", "signed_up_at", "password_hash", "totp_secret"),
    *(
        "mfa_secret",
        "teams",
        "permissions",
        "access_type",
        "created_at",
        "__proto__",
        "constructor",
        "display_name_folded",
        "last_active_at",
    ),
}


def refused(fields: type) -> list[str]:
    return sorted(KNOWN_ANYWHERE - set(fields.__struct_fields__))  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [None, True, 1, "x", {}, []], ids=str)
def test_clients_set_nothing_else(project: Project, as_server: httpx.Client, value: object) -> None:
    user = project.sign_up()
    before = ok(as_server.get(f"/users/{user['user_id']}"))
    with project.http("client", user["access_token"]) as client:
        for name in refused(ClientUserUpdate):
            names_field(client.patch("/users/me", json={"display_name": "changed", name: value}), name)
    assert ok(as_server.get(f"/users/{user['user_id']}")) == before


@pytest.mark.parametrize("value", [None, True, "x"], ids=str)
def test_servers_set_nothing_that_is_derived(project: Project, as_server: httpx.Client, value: object) -> None:
    user = project.create_user()
    for name in refused(ServerUserUpdate):
        names_field(as_server.patch(f"/users/{user['id']}", json={"display_name": "changed", name: value}), name)
    for name in refused(UserCreate):
        names_field(as_server.post("/users", json={"display_name": "mass", name: value}), name)
    assert ok(as_server.get(f"/users/{user['id']}")) == user
    assert ok(as_server.get("/users", params={"query": "mass", "include_anonymous": "true"}))["items"] == []


def test_form_bodies_and_other_spellings_open_no_other_way(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        names_field(client.patch("/users/me", data={"display_name": "x", "server_metadata": "x"}), "server_metadata")
        for name in ("serverMetadata", "SERVER_METADATA", "server_metadata ", "server_metadata[]", "server_metadata.a"):
            names_field(client.patch("/users/me", json={name: 1}), "body has an unknown property")
        assert ok(client.patch("/users/me", data={"display_name": "form"}))["display_name"] == "form"
