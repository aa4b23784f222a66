"""Which combination of headers gives which access, and in which order the errors come (contract 00 §1, §2)."""

from __future__ import annotations

import time
import uuid

import httpx
import pytest

from tests.server import INTERNAL_ADMIN_KEY, Project, RunningServer

UNKNOWN_PROJECT = "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11"


def greet(server: RunningServer, headers: dict[str, str]) -> httpx.Response:
    with server.http(headers) as client:
        return client.get(server.api_url)


def code(answer: httpx.Response) -> str | None:
    return answer.headers.get("x-stack-known-error")


def new_family(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("x-stack-", "x-hexclave-"): value for name, value in headers.items()}


@pytest.mark.parametrize("access", ["client", "server", "admin"])
@pytest.mark.parametrize("family", ["stack", "hexclave"])
def test_each_key_gives_its_access(project: Project, access: str, family: str) -> None:
    headers = project.headers(access)
    answer = greet(project.server, headers if family == "stack" else new_family(headers))
    assert answer.status_code == 200
    assert f"Authentication: {access.capitalize()}\n  Project: {project.id}\n  User: None" in answer.text


def test_no_headers_are_no_authentication(server: RunningServer) -> None:
    answer = greet(server, {})
    assert answer.status_code == 200
    assert answer.text.endswith("\n\nAuthentication: None")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_project_or_a_token_alone_is_ignored(project: Project) -> None:
    headers = {"x-stack-project-id": project.id, "x-stack-access-token": "nonsense", "x-stack-refresh-token": "nonsense"}
    assert greet(project.server, headers).text.endswith("Authentication: None")


def test_the_greeting_names_the_user(project: Project) -> None:
    user = project.sign_up()
    assert f"User: {user['email']}" in greet(project.server, project.headers("client", user["access_token"])).text


def test_unknown_query_parameters_of_the_greeting_are_refused(server: RunningServer) -> None:
    with server.http() as client:
        assert code(client.get(server.api_url + "?a=1")) == "SCHEMA_ERROR"


def test_the_newer_family_wins_and_an_empty_header_is_none(project: Project) -> None:
    headers = project.headers("server") | {"x-hexclave-access-type": "client", "x-stack-access-type": "nonsense"}
    assert "Authentication: Client" in greet(project.server, headers).text
    headers = project.headers("server") | {"x-hexclave-access-type": "", "x-stack-super-secret-admin-key": ""}
    assert "Authentication: Server" in greet(project.server, headers).text


@pytest.mark.parametrize("name", ["publishable-client-key", "secret-server-key", "super-secret-admin-key", "admin-access-token"])
def test_a_key_needs_an_access_type(server: RunningServer, name: str) -> None:
    answer = greet(server, {f"x-stack-{name}": "x", "x-stack-project-id": UNKNOWN_PROJECT})
    assert (answer.status_code, code(answer)) == (400, "PROJECT_KEY_WITHOUT_ACCESS_TYPE")
    assert "details" not in answer.json()


def test_the_access_type_must_be_one_of_three(project: Project) -> None:
    for wrong in ("Client", "root", "clientX"):
        answer = greet(project.server, {"x-stack-access-type": wrong})
        assert (answer.status_code, code(answer)) == (400, "INVALID_ACCESS_TYPE")


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_an_access_type_needs_a_project(server: RunningServer, access: str) -> None:
    answer = greet(server, {"x-stack-access-type": access})
    assert (answer.status_code, code(answer)) == (400, "ACCESS_TYPE_WITHOUT_PROJECT_ID")
    assert answer.json()["details"] == {"request_type": access}


@pytest.mark.parametrize("project_id", [UNKNOWN_PROJECT, "nonsense", "internal2", "'; drop table projects --"])
def test_an_unknown_project_is_named(server: RunningServer, project_id: str) -> None:
    answer = greet(server, {"x-stack-access-type": "client", "x-stack-project-id": project_id})
    assert (answer.status_code, code(answer)) == (400, "CURRENT_PROJECT_NOT_FOUND")
    assert answer.json()["details"] == {"project_id": project_id}


def test_a_project_id_may_be_in_upper_case(project: Project) -> None:
    headers = project.headers("server") | {"x-stack-project-id": project.id.upper()}
    assert greet(project.server, headers).status_code == 200


@pytest.mark.parametrize(
    ("access", "missing", "wrong"),
    [
        ("server", "SERVER_AUTHENTICATION_REQUIRED", "INVALID_SECRET_SERVER_KEY"),
        ("admin", "ADMIN_AUTHENTICATION_REQUIRED", "INVALID_SUPER_SECRET_ADMIN_KEY"),
    ],
)
def test_server_and_admin_access_need_their_own_key(project: Project, access: str, missing: str, wrong: str) -> None:
    base = {"x-stack-access-type": access, "x-stack-project-id": project.id}
    every_key = {
        "x-stack-publishable-client-key": project.publishable_client_key,
        "x-stack-secret-server-key": project.secret_server_key,
        "x-stack-super-secret-admin-key": project.super_secret_admin_key,
    }
    own = "x-stack-secret-server-key" if access == "server" else "x-stack-super-secret-admin-key"
    others = {name: value for name, value in every_key.items() if name != own}
    answer = greet(project.server, base | others)
    assert (answer.status_code, code(answer)) == (401, missing)
    for value in ("x", *others.values(), every_key[own].upper(), every_key[own][:-1], INTERNAL_ADMIN_KEY):
        answer = greet(project.server, base | {own: value})
        assert (answer.status_code, code(answer)) == (401, wrong)
        assert answer.json()["details"] == {"project_id": project.id}
    assert greet(project.server, base | every_key).status_code == 200


def test_client_access_needs_no_key_unless_the_project_says_so(own_project: Project) -> None:
    base = {"x-stack-access-type": "client", "x-stack-project-id": own_project.id}
    key = "x-stack-publishable-client-key"
    assert greet(own_project.server, base).status_code == 200
    assert greet(own_project.server, base | {key: "__stack_public_client__"}).status_code == 200
    answer = greet(own_project.server, base | {key: own_project.secret_server_key})
    assert (answer.status_code, code(answer)) == (401, "INVALID_PUBLISHABLE_CLIENT_KEY")
    own_project.override("project", **{"project.requirePublishableClientKey": True})
    for headers in (base, base | {key: "__stack_public_client__"}):
        answer = greet(own_project.server, headers)
        assert (answer.status_code, code(answer)) == (401, "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT")
        assert answer.json()["details"] == {"project_id": own_project.id}
    assert greet(own_project.server, own_project.headers("client")).status_code == 200


def test_branches_are_told_about_only_after_the_key(project: Project) -> None:
    answer = greet(project.server, project.headers("server", **{"x-stack-branch-id": "dev"}))
    assert (answer.status_code, code(answer)) == (400, "BRANCH_DOES_NOT_EXIST")
    assert answer.json()["details"] == {"branch_id": "dev"}
    answer = greet(project.server, project.headers("server") | {"x-stack-branch-id": "dev", "x-stack-secret-server-key": "x"})
    assert code(answer) == "INVALID_SECRET_SERVER_KEY"
    without_key = {"x-stack-access-type": "client", "x-stack-project-id": project.id, "x-stack-branch-id": "dev"}
    assert code(greet(project.server, without_key)) == "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT"
    assert greet(project.server, project.headers("server", **{"x-stack-branch-id": "main"})).status_code == 200


def test_the_development_override_key_is_never_accepted(project: Project) -> None:
    for value in ("x", INTERNAL_ADMIN_KEY):
        answer = greet(project.server, project.headers("server", **{"x-stack-development-override-key": value}))
        assert answer.status_code == 401
        assert code(answer) is None


def test_a_revoked_and_an_expired_key_are_wrong_at_once(own_project: Project) -> None:
    def make(expires_at: int) -> dict[str, str]:
        body = {
            "description": "",
            "expires_at_millis": expires_at,
            "has_publishable_client_key": True,
            "has_secret_server_key": True,
            "has_super_secret_admin_key": True,
        }
        with own_project.http("admin") as client:
            return client.post("/internal/api-keys", json=body).json()  # type: ignore[no-any-return]

    def works(keys: dict[str, str]) -> str | None:
        base = {"x-stack-access-type": "server", "x-stack-project-id": own_project.id}
        return code(greet(own_project.server, base | {"x-stack-secret-server-key": keys["secret_server_key"]}))

    assert works(make(int(time.time() * 1000) - 1)) == "INVALID_SECRET_SERVER_KEY"
    keys = make(int(time.time() * 1000) + 600_000)
    assert works(keys) is None
    with own_project.http("admin") as client:
        client.patch(f"/internal/api-keys/{keys['id']}", json={"revoked": True})
    assert works(keys) == "INVALID_SECRET_SERVER_KEY"


# --- admin access tokens ---


def admin_headers(project: Project, token: str, access: str = "admin") -> dict[str, str]:
    return {"x-stack-access-type": access, "x-stack-project-id": project.id, "x-stack-admin-access-token": token}


@pytest.fixture
def owned(server: RunningServer) -> tuple[Project, dict[str, str]]:
    """A project and the administrator who owns it."""
    owner = server.internal.sign_up()
    with server.http(server.internal.headers("client", owner["access_token"])) as client:
        team_id = client.get("/users/me").json()["selected_team_id"]
        made = client.post("/internal/projects", json={"display_name": "Owned", "owner_team_id": team_id}).json()
    return Project(server, made["id"], {"publishable_client_key": "", "secret_server_key": "", "super_secret_admin_key": ""}), owner


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_an_admin_access_token_replaces_the_key_of_every_access_type(owned: tuple[Project, dict[str, str]], access: str) -> None:
    project, owner = owned
    headers = admin_headers(project, owner["access_token"], access) | {"x-stack-secret-server-key": "wrong, and not looked at"}
    assert f"Authentication: {access.capitalize()}" in greet(project.server, headers).text


def test_admin_access_tokens_fail_in_the_contracts_ways(owned: tuple[Project, dict[str, str]], project: Project) -> None:
    own, owner = owned
    answer = greet(own.server, admin_headers(own, "nonsense"))
    assert (answer.status_code, code(answer)) == (401, "UNPARSABLE_ADMIN_ACCESS_TOKEN")
    answer = greet(own.server, admin_headers(project, owner["access_token"]))
    assert (answer.status_code, code(answer)) == (401, "ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN")
    user_of_project = project.sign_up()["access_token"]
    assert code(greet(own.server, admin_headers(project, user_of_project))) == "ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN"
    assert (
        code(greet(own.server, admin_headers(own, owner["access_token"]) | {"x-stack-project-id": UNKNOWN_PROJECT}))
        == "CURRENT_PROJECT_NOT_FOUND"
    )


def test_the_admin_access_token_of_a_deleted_user_is_refused(owned: tuple[Project, dict[str, str]]) -> None:
    project, owner = owned
    with project.server.internal.http("server") as client:
        assert client.delete(f"/users/{owner['user_id']}").status_code == 200
    answer = greet(project.server, admin_headers(project, owner["access_token"]))
    assert answer.status_code == 401
    assert code(answer) is None


def test_a_restricted_administrator_is_no_administrator(owned: tuple[Project, dict[str, str]]) -> None:
    project, owner = owned
    with project.server.internal.http("server") as client:
        client.patch(f"/users/{owner['user_id']}", json={"restricted_by_admin": True})
        session = client.post("/auth/sessions", json={"user_id": owner["user_id"]}).json()
    answer = greet(project.server, admin_headers(project, session["access_token"]))
    assert (answer.status_code, code(answer)) == (401, "UNPARSABLE_ADMIN_ACCESS_TOKEN")


# --- order ---


def test_errors_come_in_the_contracts_order(project: Project) -> None:
    """Each step adds the next header that is right; the error moves on by one."""
    server = project.server
    user = project.sign_up()
    with server.http() as client:

        def ask(headers: dict[str, str], body: bytes = b"{}") -> str | None:
            return code(client.post("/users", content=body, headers={"content-type": "application/json"} | headers))

        bad = {"x-stack-secret-server-key": "x"}
        assert ask(bad, b"{") == "BODY_PARSING_ERROR"
        assert ask(bad) == "PROJECT_KEY_WITHOUT_ACCESS_TYPE"
        assert ask(bad | {"x-stack-access-type": "root"}) == "INVALID_ACCESS_TYPE"
        bad["x-stack-access-type"] = "server"
        assert ask(bad | {"x-stack-access-token": "x"}) == "ACCESS_TYPE_WITHOUT_PROJECT_ID"
        bad["x-stack-project-id"] = UNKNOWN_PROJECT
        assert ask(bad | {"x-stack-access-token": "x"}) == "UNPARSABLE_ACCESS_TOKEN"
        assert ask(bad | {"x-stack-access-token": user["access_token"]}) == "INVALID_PROJECT_FOR_ACCESS_TOKEN"
        assert ask(bad) == "CURRENT_PROJECT_NOT_FOUND"
        bad["x-stack-project-id"] = project.id
        bad["x-stack-branch-id"] = "dev"
        assert ask(bad) == "INVALID_SECRET_SERVER_KEY"
        bad["x-stack-secret-server-key"] = project.secret_server_key
        assert ask(bad) == "BRANCH_DOES_NOT_EXIST"
        bad["x-stack-branch-id"] = "main"
        assert ask(bad, b'{"nonsense":1}') == "SCHEMA_ERROR"
        assert ask({}, b'{"nonsense":1}') == "ACCESS_TYPE_REQUIRED"
        assert ask(project.headers("client"), b'{"nonsense":1}') == "INSUFFICIENT_ACCESS_TYPE"


def test_me_without_a_user_comes_before_the_access_level(project: Project) -> None:
    for headers in ({}, project.headers("client"), project.headers("server")):
        with project.server.http(headers) as client:
            answer = client.post("/auth/sessions", json={"user_id": "me", "nonsense": 1})
        assert (answer.status_code, code(answer)) == (400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def test_me_of_a_deleted_user_is_nobody(project: Project) -> None:
    user = project.sign_up()
    with project.http("server", user["access_token"]) as client:
        assert client.get("/auth/sessions", params={"user_id": "me"}).status_code == 200
        client.delete(f"/users/{user['user_id']}")
        assert code(client.get("/auth/sessions", params={"user_id": "me"})) == "CANNOT_GET_OWN_USER_WITHOUT_USER"
        assert code(client.get("/users/me")) == "CANNOT_GET_OWN_USER_WITHOUT_USER"


def test_a_token_of_a_deleted_project_names_the_project(server: RunningServer) -> None:
    doomed = server.new_project()
    user = doomed.sign_up()
    with doomed.http("admin") as client:
        assert client.delete("/internal/projects/current").json() == {"success": True}
    answer = greet(server, doomed.headers("client", user["access_token"]))
    assert (answer.status_code, code(answer)) == (400, "CURRENT_PROJECT_NOT_FOUND")
    assert uuid.UUID(answer.json()["details"]["project_id"])
