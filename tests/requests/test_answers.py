"""Methods, paths, versions, bodies, headers of answers (contract 00 §3 to §8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.server import NO_TLS, Project, RunningServer, new_email

VERSIONS = ["v1", "v2beta1", "v2beta2", "v2beta3", "v2beta4", "v2beta5", "latest"]
CORS = (
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "access-control-expose-headers",
)


@pytest.fixture
def site(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=30, verify=NO_TLS) as client:
        yield client


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_answers(site: httpx.Client, project: Project, version: str) -> None:
    assert site.get(f"/api/{version}/projects/current", headers=project.headers("client")).json()["id"] == project.id


@pytest.mark.parametrize(
    "path", ["/api/v2", "/api/v3/users", "/api/v2beta6", "/api", "/api/v1/nothing", "/api/v1/users/me/teams", "/api/v1//users"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_paths_are_404_and_name_themselves(site: httpx.Client, path: str, method: str) -> None:
    answer = site.request(method, path + "?x=1")
    assert answer.status_code == 404
    assert path in answer.text
    assert "x-stack-known-error" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"


def test_unknown_paths_still_check_credentials(site: httpx.Client, project: Project) -> None:
    headers = project.headers("server") | {"x-stack-secret-server-key": "wrong"}
    assert site.get("/api/v1/nothing", headers=headers).headers["x-stack-known-error"] == "INVALID_SECRET_SERVER_KEY"


def test_a_method_that_is_not_there_is_405_without_a_body(site: httpx.Client) -> None:
    for method, path in (("PUT", "/api/v1/users"), ("POST", "/api/v1/users/me"), ("PATCH", "/api/v1")):
        answer = site.request(method, path)
        assert (answer.status_code, answer.content) == (405, b"")
        assert "x-stack-request-id" not in answer.headers
    assert site.head("/api/v1/users").status_code == 405


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/users/", "/api/v1/nothing/", "/api/"])
def test_a_trailing_slash_is_redirected_before_anything_else(site: httpx.Client, path: str) -> None:
    answer = site.post(path + "?a=b&c", headers={"x-stack-access-type": "nonsense"}, follow_redirects=False)
    assert answer.status_code == 308
    assert answer.headers["location"] == path.rstrip("/") + "?a=b&c"


def test_a_trailing_slash_is_no_open_redirect(site: httpx.Client) -> None:
    for path in ("//evil.example/", "/api//evil.example/", "/\\evil.example/"):
        answer = site.get(f"{site.base_url}".rstrip("/") + path, follow_redirects=False)
        location = answer.headers.get("location", "/api/")
        assert location.startswith("/api/")


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/nothing", "/api/v3/x"])
def test_preflight_is_answered_for_everything(site: httpx.Client, path: str) -> None:
    answer = site.options(path, headers={"origin": "https://app.example", "access-control-request-method": "PATCH"})
    assert (answer.status_code, answer.content) == (200, b"")
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    for family in ("stack", "hexclave"):
        assert f"x-{family}-allow-restricted-user" in allowed
        assert f"x-{family}-access-token" in allowed
    assert {"content-type", "authorization", "ngrok-skip-browser-warning"} <= set(allowed)
    assert "access-control-allow-credentials" not in answer.headers


def test_every_answer_carries_the_same_headers(site: httpx.Client, project: Project) -> None:
    answers = [
        site.get("/api/v1"),
        site.get("/api/v1/nothing"),
        site.get("/api/v1/users", headers=project.headers("client")),
        site.put("/api/v1/users"),
        site.get("/api/v1/projects/current", headers=project.headers("client")),
    ]
    for answer in answers:
        for name in CORS:
            assert name in answer.headers, name
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "retry-after" in answer.headers["access-control-expose-headers"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["server"] == "hexclave"
        assert len(answer.headers.get_list("server")) == 1


def test_request_ids_are_16_characters_of_base_32(site: httpx.Client) -> None:
    ids = {site.get("/api/v1").headers["x-stack-request-id"] for _ in range(10)}
    assert len(ids) == 10
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{16}", found) for found in ids)


def test_the_newer_family_gets_twins_and_the_older_one_none(site: httpx.Client, project: Project) -> None:
    old = site.get("/api/v1/users", headers=project.headers("client"))
    assert not [name for name in old.headers if name.startswith("x-hexclave")]
    headers = {name.replace("stack", "hexclave"): value for name, value in project.headers("client").items()} | {
        "x-hexclave-override-error-status": "true"
    }
    new = site.get("/api/v1/users", headers=headers)
    assert new.status_code == 200
    for name in ("known-error", "actual-status", "request-id"):
        assert new.headers[f"x-hexclave-{name}"] == new.headers[f"x-stack-{name}"]


@pytest.mark.parametrize("value", ["true", "false", "1"])
def test_the_presence_of_the_override_header_hides_client_errors(site: httpx.Client, value: str) -> None:
    answer = site.get("/api/v1/users", headers={"x-stack-override-error-status": value})
    assert answer.status_code == 200
    assert answer.headers["x-stack-actual-status"] == "400"
    assert answer.headers["x-stack-known-error"] == answer.json()["code"] == "ACCESS_TYPE_REQUIRED"


def test_the_override_header_leaves_success_and_redirects_alone(site: httpx.Client) -> None:
    headers = {"x-stack-override-error-status": "true"}
    assert "x-stack-actual-status" not in site.get("/api/v1", headers=headers).headers
    assert site.get("/api/v1/", headers=headers, follow_redirects=False).status_code == 308


def test_known_errors_are_indented_and_ordered(project: Project) -> None:
    with project.http("client") as client:
        answer = client.post("/users", json={})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store, max-age=0"
    assert list(answer.json()) == ["code", "details", "error"]
    assert answer.text == json.dumps(answer.json(), indent=2, ensure_ascii=False)


def test_bodies_are_compact_unless_a_browser_asks(project: Project) -> None:
    with project.http("client") as client:
        compact = client.get("/projects/current")
        readable = client.get("/projects/current", headers={"accept": "text/html,application/xhtml+xml"})
    assert "\n" not in compact.text
    assert readable.text == json.dumps(readable.json(), indent=2, ensure_ascii=False)
    assert int(readable.headers["content-length"]) == len(readable.content)


# --- bodies ---


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/json;foo"])
def test_json_bodies_with_parameters_of_the_type_are_read(project: Project, content_type: str) -> None:
    with project.http("server") as client:
        assert client.post("/users", content=b"{}", headers={"content-type": content_type}).status_code == 201


def test_forms_are_accepted_by_every_endpoint(project: Project) -> None:
    with project.http("client") as client:
        answer = client.post("/auth/password/sign-up", data={"email": new_email(), "password": "correct horse battery"})
        assert answer.status_code == 200
        twice = client.post(
            "/auth/password/sign-up",
            content=b"email=nonsense&password=x&email=" + new_email().encode() + b"&password=long+enough+word",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert twice.status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b"", "BODY_PARSING_ERROR"),
        ("application/json", b"{", "BODY_PARSING_ERROR"),
        ("application/JSON", b"{}", "BODY_PARSING_ERROR"),
        ("application/xml", b"<a/>", "BODY_PARSING_ERROR"),
        ("text/plain", b"hello", "SCHEMA_ERROR"),
        ("application/octet-stream", b"hello", "SCHEMA_ERROR"),
        (None, b"{}", "SCHEMA_ERROR"),
        ("application/json", b"null", "SCHEMA_ERROR"),
        ("application/json", b"[]", "SCHEMA_ERROR"),
        ("application/json", b'{"email":1,"nonsense":2}', "SCHEMA_ERROR"),
    ],
)
def test_bodies_that_are_not_the_declared_object(project: Project, content_type: str | None, body: bytes, expected: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    with project.http("client") as client:
        request = client.build_request("POST", "/auth/password/sign-up", content=body, headers=headers)
        if content_type is None:
            request.headers.pop("content-type", None)
        answer = client.send(request)
    assert (answer.status_code, answer.headers["x-stack-known-error"]) == (400, expected)
    if expected == "SCHEMA_ERROR":
        assert answer.json()["details"]["message"] == answer.json()["error"]
        assert "body" in answer.json()["error"]
    else:
        assert "details" not in answer.json()


def test_all_defects_of_a_request_are_named(project: Project) -> None:
    with project.http("client") as client:
        text = client.post("/auth/password/sign-up", json={"email": "x", "nonsense": 1}).json()["error"]
    assert len(text.split("\n")) == 3
    for path in ("body.email", "body.password", "nonsense"):
        assert path in text


def test_a_get_ignores_its_body(project: Project) -> None:
    with project.http("client") as client:
        answer = client.request("GET", "/projects/current", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 200


def test_deletes_accept_any_body(project: Project) -> None:
    for body, headers in (
        (b"", {}),
        (b"{}", {"content-type": "application/json"}),
        (b'{"a":1}', {"content-type": "application/json"}),
        (b"x", {"content-type": "text/plain"}),
    ):
        user = project.create_user()
        with project.http("server") as client:
            assert client.request("DELETE", f"/users/{user['id']}", content=body, headers=headers).json() == {"success": True}


def test_of_repeated_query_parameters_the_last_counts(project: Project) -> None:
    with project.http("server") as client:
        assert client.get("/users?limit=x&limit=1").status_code == 200
        assert client.get("/users?limit=1&limit=x").headers["x-stack-known-error"] == "SCHEMA_ERROR"


# --- outside the API ---


def test_health(site: httpx.Client) -> None:
    for path in ("/health", "/health?db=1", "/ready"):
        answer = site.get(path)
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok"}
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-headers"] == "*"


def test_outside_the_api_there_is_no_cors(site: httpx.Client) -> None:
    answer = site.get("/nothing")
    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
