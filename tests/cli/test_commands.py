"""The operator's commands against a running server, on both databases: they change what the API shows at once."""

from __future__ import annotations

import httpx
import pytest

from tests.cli.commands import Commands
from tests.server import RunningServer, new_email

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def commands(server: RunningServer) -> Commands:
    return Commands(server.directory, {name: value for name, value in server.environment.items() if name.startswith("HEXCLAVE_")})


@pytest.fixture(scope="session")
def shop(commands: Commands) -> str:
    return str(commands.json("project", "create", "Shop")["id"])


def client(server: RunningServer, project_id: str, **headers: str) -> httpx.Client:
    return server.http({"x-stack-access-type": "client", "x-stack-project-id": project_id, **headers})


def sign_in(server: RunningServer, project_id: str, email: str, password: str) -> httpx.Response:
    with client(server, project_id) as http:
        return http.post("/auth/password/sign-in", json={"email": email, "password": password})


def test_version_is_that_of_the_package(commands: Commands) -> None:
    assert commands("version").out.strip() == commands.json("version")["version"]


def test_a_project_is_listed_and_shown(commands: Commands, shop: str) -> None:
    assert {"internal", shop} <= {project["id"] for project in commands.json("project", "list")}
    assert commands.json("project", "show", shop)["config"]["credential_enabled"] is True
    assert "Shop" in commands("project", "list").out
    assert "There is no project" in commands("project", "show", "nope").err


def test_keys_work_until_they_are_revoked(server: RunningServer, commands: Commands, shop: str) -> None:
    made = commands.json("key", "create", shop, "--secret", "--publishable", "--expires-in", "30d")
    headers = {"x-stack-access-type": "server", "x-stack-project-id": shop, "x-stack-secret-server-key": made["secret_server_key"]}
    with server.http(headers) as http:
        assert http.get("/users").status_code == 200
        listed = commands.json("key", "list", shop)
        assert listed[0]["secret_server_key"] == "…" + made["secret_server_key"][-4:]
        assert made["secret_server_key"] not in str(listed)
        assert commands.json("key", "revoke", shop, made["id"])["success"] is True
        assert http.get("/users").status_code == 401
    assert commands.json("key", "list", shop)[0]["state"] == "revoked"


def test_without_a_choice_a_set_holds_every_kind_of_key(server: RunningServer, commands: Commands) -> None:
    made = commands.json("key", "create", "internal")
    assert {"publishable_client_key", "secret_server_key", "super_secret_admin_key"} <= set(made)
    headers = {
        "x-stack-access-type": "admin",
        "x-stack-project-id": "internal",
        "x-stack-super-secret-admin-key": made["super_secret_admin_key"],
    }
    with server.http(headers) as http:
        assert http.get("/internal/projects/current").status_code == 200


def test_wrong_keys_are_refused(commands: Commands, shop: str) -> None:
    assert commands("key", "create", shop, "--secret", "--expires-in", "soon").code == 1
    assert commands("key", "revoke", shop, "nonsense").code == 1
    assert commands("key", "revoke", shop, "00000000-0000-4000-8000-000000000000").code == 1


def test_the_life_of_a_user(server: RunningServer, commands: Commands, shop: str) -> None:
    email = new_email()
    made = commands.json("user", "create", "--project", shop, "--email", email.upper(), "--password-stdin", stdin=PASSWORD + "\n")
    assert made["primary_email"] == email
    signed_in = sign_in(server, shop, email, PASSWORD)
    assert signed_in.status_code == 200
    assert commands.json("user", "show", email, "--project", shop)["id"] == made["id"]
    assert [u["id"] for u in commands.json("user", "list", "--project", shop, "--query", email)["items"]] == [made["id"]]
    reset = commands.json("user", "reset-password", email, "--project", shop, "--generate-password")
    assert sign_in(server, shop, email, PASSWORD).status_code == 400
    assert sign_in(server, shop, email, reset["password"]).status_code == 200
    with client(server, shop, **{"x-stack-refresh-token": signed_in.json()["refresh_token"]}) as http:
        assert http.post("/auth/sessions/current/refresh").status_code == 401
    assert "--yes" in commands("user", "delete", email, "--project", shop).err
    assert commands.json("user", "delete", email, "--project", shop, "--yes")["id"] == made["id"]
    assert commands("user", "show", email, "--project", shop).code == 1


def test_wrong_users_are_refused_in_a_sentence(commands: Commands, shop: str) -> None:
    email = new_email()
    assert commands("user", "create", "--project", shop, "--email", email, "--no-password").code == 0
    twice = commands("user", "create", "--project", shop, "--email", email, "--generate-password")
    assert "exists already" in twice.err
    assert "email address" in commands("user", "create", "--project", shop, "--email", "nobody", "--no-password").err
    assert commands("user", "create", "--project", shop, "--email", new_email(), "--password-stdin", stdin="short\n").code == 1
    assert "--project" in commands("user", "list").err
    assert "terminal" in commands("user", "create", "--project", shop, "--email", new_email()).err


def test_an_administrator_from_the_command_line(server: RunningServer, commands: Commands, shop: str) -> None:
    email = new_email()
    made = commands.json("user", "create", "--admin", "--email", email, "--generate-password")
    signed_in = sign_in(server, "internal", email, made["password"])
    headers = {
        "x-stack-access-type": "admin",
        "x-stack-project-id": shop,
        "x-stack-admin-access-token": signed_in.json()["access_token"],
    }
    with server.http(headers) as http:
        assert http.get("/internal/projects/current").json()["display_name"] == "Shop"


def test_control_characters_do_not_reach_the_terminal(commands: Commands, shop: str) -> None:
    made = commands.json("user", "create", "--project", shop, "--email", new_email(), "--no-password", "--name", "\x1b[31mred\x07")
    assert "\x1b" not in commands("user", "show", made["id"], "--project", shop).out
    assert "\x1b" not in commands("user", "list", "--project", shop, "--limit", "1000").out


def test_migrations_are_applied(server: RunningServer, commands: Commands) -> None:
    assert commands.json("migrate", "--check") == {"pending": []}
    outcome = commands("migrate", "--json")
    if server.database == "sqlite":
        assert "Another server is using" in outcome.err
    else:
        assert outcome.data == {"applied": []}


def test_the_doctor_finds_a_healthy_server(server: RunningServer, commands: Commands) -> None:
    findings = {finding["subject"]: finding["state"] for finding in commands.json("doctor")}
    assert findings["database"] == findings["migrations"] == findings["master secret"] == findings["server"] == "ok"
    server.data_dir.chmod(0o755)
    try:
        sick = commands("doctor")
        assert sick.code == 1
        assert f"chmod 700 {server.data_dir}" in sick.out
    finally:
        server.data_dir.chmod(0o700)
