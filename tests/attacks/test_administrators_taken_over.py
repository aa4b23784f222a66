"""Ways to become, or to remain, an administrator: a suspended one, and a stranger who took the address that settings will name."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.server import DATABASES, RunningServer, new_email

ALLOW = {"x-stack-allow-restricted-user": "true", "x-stack-allow-anonymous-user": "true"}


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with RunningServer(request.param) as running:
        yield running


def test_suspended_administrator_sees_and_makes_no_projects(server: RunningServer) -> None:
    owner = server.internal.sign_up()
    provider = {"id": "google", "type": "standard", "client_id": "id", "client_secret": "top-secret"}
    with server.internal.http("client", owner["access_token"]) as client:
        team_id = client.get("/users/me").json()["selected_team_id"]
        new_project = {"display_name": "Mine", "owner_team_id": team_id, "config": {"oauth_providers": [provider]}}
        assert client.post("/internal/projects", json=new_project).status_code == 201
    with server.internal.http("server") as client:
        assert client.patch(f"/users/{owner['user_id']}", json={"restricted_by_admin": True}).status_code == 200
    with server.internal.http("client", **{"x-stack-refresh-token": owner["refresh_token"]}) as client:
        token = client.post("/auth/sessions/current/refresh").json()["access_token"]
    for access in ("client", "server", "admin"):
        with server.internal.http(access, token, **ALLOW) as client:
            assert client.get("/users/me").status_code == 200
            for answer in (client.get("/internal/projects"), client.post("/internal/projects", json=new_project)):
                assert answer.headers["x-stack-known-error"] == "RESTRICTED_USER_NOT_ALLOWED"
                assert "top-secret" not in answer.text


def test_stranger_with_the_address_of_the_settings_does_not_become_administrator() -> None:
    email = new_email()
    with RunningServer("sqlite") as server:
        stranger = server.internal.sign_up(email, "the stranger's own password")
        server.stop()
        server.environment |= {"HEXCLAVE_SEED_ADMIN_EMAIL": email, "HEXCLAVE_SEED_ADMIN_PASSWORD": "the operator's password"}
        server.start(wait=False)
        assert server.process is not None
        assert server.process.wait(30) != 0
        assert "has an account already" in server.log()
        del server.environment["HEXCLAVE_SEED_ADMIN_EMAIL"], server.environment["HEXCLAVE_SEED_ADMIN_PASSWORD"]
        server.start()
        headers = {
            "x-stack-access-type": "admin",
            "x-stack-project-id": "internal",
            "x-stack-admin-access-token": stranger["access_token"],
        }
        with server.http(headers) as client:
            assert client.get("/internal/projects/current").headers["x-stack-known-error"] == "ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN"


def test_owner_of_the_address_of_the_settings_becomes_administrator_with_his_password() -> None:
    email = new_email()
    with RunningServer("sqlite") as server:
        owner = server.internal.sign_up(email, "the owner's own password")
        server.stop()
        server.environment |= {"HEXCLAVE_SEED_ADMIN_EMAIL": email, "HEXCLAVE_SEED_ADMIN_PASSWORD": "the owner's own password"}
        server.start()
        headers = {"x-stack-access-type": "admin", "x-stack-project-id": "internal", "x-stack-admin-access-token": owner["access_token"]}
        with server.http(headers) as client:
            assert client.get("/internal/projects/current").status_code == 200


def test_health_with_too_many_parameters_is_no_failure_of_the_server(server: RunningServer) -> None:
    query = "&".join(f"a{number}=1" for number in range(1_100))
    assert httpx.get(f"{server.base_url}/health?{query}").status_code == 400
