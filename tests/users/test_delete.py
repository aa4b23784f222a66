"""`DELETE /users/me` and `DELETE /users/{user_id}` (contract 05 §2.3, §2.7)."""

from __future__ import annotations

import httpx

from tests.server import Project
from tests.users.answers import NOBODY, known_error, names_field, ok, plain_error


def test_a_server_deletes_a_user_with_all_that_is_his(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    user = own_project.sign_up()
    with own_project.http("server") as client:
        team_id = ok(client.get(f"/users/{user['user_id']}"))["selected_team_id"]
        assert ok(client.request("DELETE", f"/users/{user['user_id']}", json={"any": "body"})) == {"success": True}
        known_error(client.get(f"/users/{user['user_id']}"), 404, "USER_NOT_FOUND")
        known_error(client.delete(f"/users/{user['user_id']}"), 404, "USER_NOT_FOUND")
        assert ok(client.get("/users", params={"team_id": team_id}))["items"] == []
        assert ok(client.get("/users", params={"query": user["email"]}))["items"] == []
    with own_project.http("client") as client:
        refresh = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": user["refresh_token"]})
        known_error(refresh, 401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED")
        sign_in = client.post("/auth/password/sign-in", json={"email": user["email"], "password": user["password"]})
        known_error(sign_in, 400, "EMAIL_PASSWORD_MISMATCH")
    assert own_project.sign_up(user["email"])["user_id"] != user["user_id"]


def test_a_client_deletes_itself_only_where_allowed(own_project: Project) -> None:
    user = own_project.sign_up()
    with own_project.http("client", user["access_token"]) as client, own_project.http("client") as nobody:
        plain_error(client.delete("/users/me"), 400)
        plain_error(nobody.delete("/users/me"), 400)
        own_project.configure(client_user_deletion_enabled=True)
        known_error(nobody.delete("/users/me"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
        assert ok(client.delete("/users/me")) == {"success": True}
        known_error(client.delete("/users/me"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def test_a_server_deletes_me_always(project: Project) -> None:
    user = project.sign_up()
    with project.http("server", user["access_token"]) as server:
        assert ok(server.delete("/users/me")) == {"success": True}
        known_error(server.get(f"/users/{user['user_id']}"), 404, "USER_NOT_FOUND")


def test_a_client_deletes_nobody_else(project: Project) -> None:
    other = project.create_user()
    with project.http("client", project.sign_up()["access_token"]) as client:
        details = {"actual_access_type": "client", "allowed_access_types": ["server", "admin"]}
        known_error(client.delete(f"/users/{other['id']}"), 401, "INSUFFICIENT_ACCESS_TYPE", details)
    with project.http("server") as client:
        assert ok(client.get(f"/users/{other['id']}")) == other


def test_unknown_and_malformed_ids(as_server: httpx.Client) -> None:
    known_error(as_server.delete(f"/users/{NOBODY}"), 404, "USER_NOT_FOUND")
    names_field(as_server.delete("/users/x"), "params.user_id")
    broken = as_server.request("DELETE", f"/users/{NOBODY}", content=b"{", headers={"content-type": "application/json"})
    known_error(broken, 400, "BODY_PARSING_ERROR")
