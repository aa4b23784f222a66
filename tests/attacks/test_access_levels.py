"""Who may call what (D2): every route with every kind of caller, against the declared level and a reviewed list (access_levels.txt)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hexclave_server import routes
from hexclave_server.core.context import Access
from hexclave_server.core.endpoint import Endpoint
from tests.server import Project, RunningServer

REVIEWED = Path(__file__).with_name("access_levels.txt")
SOME_ID = "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11"

SELF_DESTRUCTIVE = {("DELETE", "/internal/projects/current"), ("DELETE", "/users/me")}


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def lines() -> list[str]:
    return sorted(f"{named(e):60} {'public' if e.access is Access.PUBLIC else e.access.wire}" for e in routes.API)


def test_the_declared_levels_are_the_reviewed_ones() -> None:
    assert lines() == REVIEWED.read_text().splitlines(), "review the change, then write the new levels to tests/attacks/access_levels.txt"


def call(client: httpx.Client, endpoint: Endpoint) -> httpx.Response:
    path = re.sub(r"\{level\}", "branch", endpoint.path)
    path = re.sub(r"\{[a-z_]+\}", SOME_ID, path)
    body = {} if endpoint.method in ("POST", "PATCH", "PUT") else None
    return client.request(endpoint.method, str(client.base_url).rstrip("/") + path.rstrip("/"), json=body)


CALLERS = {
    "nobody": Access.PUBLIC,
    "client": Access.CLIENT,
    "client with user": Access.CLIENT,
    "server": Access.SERVER,
    "admin": Access.ADMIN,
}


@pytest.fixture(scope="module")
def clients(server: RunningServer, project: Project) -> Iterator[dict[str, httpx.Client]]:
    token = project.sign_up()["access_token"]
    opened = {
        "nobody": server.http(),
        "client": project.http("client"),
        "client with user": project.http("client", token),
        "server": project.http("server"),
        "admin": project.http("admin"),
    }
    yield opened
    for client in opened.values():
        client.close()


@pytest.mark.parametrize("endpoint", routes.API, ids=named)
@pytest.mark.parametrize("caller", CALLERS)
def test_a_caller_below_the_level_is_refused_and_one_at_it_is_not(
    clients: dict[str, httpx.Client], endpoint: Endpoint, caller: str
) -> None:
    level = CALLERS[caller]
    if level >= endpoint.access and (endpoint.method, endpoint.path) in SELF_DESTRUCTIVE:
        return
    answer = call(clients[caller], endpoint)
    code = answer.headers.get("x-stack-known-error")
    if level >= endpoint.access:
        assert code not in ("ACCESS_TYPE_REQUIRED", "INSUFFICIENT_ACCESS_TYPE")
        assert answer.status_code < 500
    elif level is Access.PUBLIC:
        assert (answer.status_code, code) == (400, "ACCESS_TYPE_REQUIRED")
    else:
        assert (answer.status_code, code) == (401, "INSUFFICIENT_ACCESS_TYPE")
        assert answer.json()["details"]["allowed_access_types"] == endpoint.access.and_higher
