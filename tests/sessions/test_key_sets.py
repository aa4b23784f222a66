"""The published keys of a project (contract 01 §1.2)."""

from __future__ import annotations

import httpx
import pytest

from tests.server import Project, RunningServer
from tests.sessions.tokens import key_set, known_error


def fetch(server: RunningServer, project_id: str, query: str = "") -> httpx.Response:
    return httpx.get(f"{server.api_url}/projects/{project_id}/.well-known/jwks.json{query}")


def test_the_set_is_public_and_may_be_kept_for_an_hour(server: RunningServer, project: Project) -> None:
    answer = fetch(server, project.id)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert set(answer.json()) == {"keys"}
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "alg", "crv", "x", "y", "kid"}
        assert (key["kty"], key["alg"], key["crv"], len(key["kid"])) == ("EC", "ES256", "P-256", 12)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?include_restricted=false&include_anonymous=false", 2),
        ("?include_restricted=true", 4),
        ("?include_anonymous=true", 6),
        ("?include_anonymous=true&include_restricted=false", 6),
    ],
)
def test_restricted_and_anonymous_keys_come_when_asked_for(server: RunningServer, project: Project, query: str, count: int) -> None:
    keys = fetch(server, project.id, query).json()["keys"]
    assert len({key["kid"] for key in keys}) == len({key["x"] for key in keys}) == count
    assert keys[:2] == key_set(server, project.id)
    assert keys == key_set(server, project.id, include_anonymous="true")[:count]


@pytest.mark.parametrize("query", ["?include_restricted=1", "?include_anonymous=TRUE", "?include_anonymous=", "?x=1"])
def test_other_parameters_and_values_are_schema_errors(server: RunningServer, project: Project, query: str) -> None:
    answer = fetch(server, project.id, query)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")


def test_every_project_has_keys_of_its_own(server: RunningServer, project: Project, own_project: Project) -> None:
    ours, theirs = (key_set(server, p.id, include_anonymous="true") for p in (project, own_project))
    internal = key_set(server, "internal", include_anonymous="true")
    assert len({key["kid"] for key in (*ours, *theirs, *internal)}) == 18


@pytest.mark.parametrize("project_id", ["0c4e1a3b-6f0d-4f1e-9a57-3d2f4b8c9e10", "nothing", "%00", "..%2f..", "'", "%F0%9F%94%91"])
def test_an_unknown_project_is_not_found(server: RunningServer, project_id: str) -> None:
    answer = fetch(server, project_id)
    assert (answer.status_code, known_error(answer)) in ((404, None), (400, "SCHEMA_ERROR"))


def test_headers_are_checked_when_they_come_along(server: RunningServer, project: Project) -> None:
    url = f"{server.api_url}/projects/{project.id}/.well-known/jwks.json"
    wrong = project.headers("client") | {"x-stack-publishable-client-key": "wrong"}
    assert known_error(httpx.get(url, headers=wrong)) == "INVALID_PUBLISHABLE_CLIENT_KEY"
    assert httpx.get(url, headers=project.headers("client")).status_code == 200


def test_the_issuer_of_anonymous_users_leads_to_the_set_with_their_keys(server: RunningServer, project: Project) -> None:
    answer = httpx.get(f"{server.api_url}/projects-anonymous-users/{project.id}/.well-known/jwks.json")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"/api/v1/projects/{project.id}/.well-known/jwks.json?include_anonymous=true"
    followed = httpx.get(str(answer.url), follow_redirects=True)
    assert followed.json()["keys"] == key_set(server, project.id, include_anonymous="true")


@pytest.mark.parametrize("path", ["/%2f%2fevil.example/x", "/a%0d%0aSet-Cookie:x", "/\\evil.example"])
def test_the_redirect_never_leaves_the_server(server: RunningServer, path: str) -> None:
    answer = httpx.get(f"{server.api_url}/projects-anonymous-users{path}/.well-known/jwks.json")
    location = answer.headers.get("location", "/api/v1/projects/")
    assert location.startswith("/api/v1/projects/")
    assert "set-cookie" not in answer.headers
