"""Traffic limits on the wire (contract 00 §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.server import DatabaseKind, RunningServer


@pytest.fixture(scope="module")
def limited(database: DatabaseKind) -> Iterator[RunningServer]:
    """A server that lets a tenth of the usual traffic through."""
    with RunningServer(database, {"HEXCLAVE_RATE_LIMITS": "0.1x"}) as running:
        yield running


def test_limited_answers_say_how_much_is_left(limited: RunningServer) -> None:
    with limited.http() as client:
        first, second = client.get(limited.api_url), client.get(limited.api_url)
    assert re.fullmatch(r'"[a-z-]+";q=120;w=60', first.headers["ratelimit-policy"])
    left = [int(re.fullmatch(r'"[a-z-]+";r=(\d+);t=\d+', a.headers["ratelimit"])[1]) for a in (first, second)]  # type: ignore[index]
    assert left[0] - left[1] == 1


def test_one_too_many_gets_429_with_retry_after_and_no_known_error(limited: RunningServer) -> None:
    with limited.http() as client:
        for _ in range(40):
            answer = client.post("/auth/password/sign-in", json={})
            if answer.status_code == 429:
                break
        else:
            pytest.fail("never limited")
        hidden = client.post("/auth/password/sign-in", json={}, headers={"x-stack-override-error-status": "true"})
    seconds = int(answer.headers["retry-after"])
    assert seconds >= 1
    assert "x-stack-known-error" not in answer.headers
    body = answer.json()
    assert body["code"] == "RATE_LIMIT_EXCEEDED"
    assert body["details"] == {"retry_after_seconds": seconds}
    assert isinstance(body["error"], str)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "r=0" in answer.headers["ratelimit"]
    assert (hidden.status_code, hidden.headers["x-stack-actual-status"]) == (200, "429")
    assert hidden.headers["retry-after"]


def test_server_access_is_counted_by_project_and_wrong_keys_by_address(limited: RunningServer) -> None:
    internal = limited.internal
    with internal.http("server") as client:
        answers = [client.get("/projects/current") for _ in range(150)]
    assert {a.status_code for a in answers} == {200}
    assert answers[-1].headers["ratelimit-policy"].startswith('"read-by-project";q=3000')
    wrong = internal.headers("server") | {"x-stack-secret-server-key": "wrong"}
    with limited.http(wrong) as client:
        statuses = [client.get("/projects/current").status_code for _ in range(150)]
    assert statuses.count(429) > 0
    assert set(statuses) == {401, 429}


def test_a_secret_key_beside_client_access_does_not_evade_the_address_limit(limited: RunningServer) -> None:
    headers = {"x-stack-access-type": "client", "x-stack-project-id": "internal", "x-stack-secret-server-key": "x"}
    with limited.http(headers) as client:
        statuses = {client.get("/projects/current").status_code for _ in range(150)}
    assert 429 in statuses


def test_health_is_never_limited(limited: RunningServer) -> None:
    with httpx.Client(base_url=limited.base_url) as client:
        assert {client.get("/health").status_code for _ in range(200)} == {200}


def test_paths_that_do_not_exist_are_limited_too(limited: RunningServer) -> None:
    with limited.http() as client:
        statuses = {client.get("/nothing").status_code for _ in range(150)}
    assert 429 in statuses
    assert statuses <= {404, 429}
