"""Whatever is typed into a filter, a search or a cursor is text (D11): no error, no stranger's row, no way into the statement."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server import RunningServer
from tests.users.answers import ok

INJECTIONS = [
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "'; DROP TABLE users; --",
    "1) UNION SELECT NULL,NULL--",
    "%' AND 1=2 --",
    "\\'; SELECT pg_sleep(5); --",
    "$1",
    "?",
    ":text",
    "%s",
    "%(text)s",
    "{0}",
    "*",
    "x' AND (SELECT COUNT(*) FROM users) > 0 --",
    "a" * 20_000,
    "%",
    "_",
    "\\",
    "\U0001f98a\u0301\u202e",
    "\ufffd",
    "\r\n",
    "\t",
]
PARAMETERS = ["query", "cursor", "team_id", "order_by", "desc", "limit", "include_restricted", "include_anonymous", "only_anonymous"]


@pytest.fixture(scope="module")
def as_owner(server: RunningServer) -> Iterator[httpx.Client]:
    """The back end of a project with one user."""
    project = server.new_project()
    project.create_user(display_name="only", primary_email="only@example.com")
    with project.http("server") as client:
        yield client


@pytest.mark.parametrize("name", PARAMETERS)
def test_known_injections_are_text(as_owner: httpx.Client, name: str) -> None:
    for text in INJECTIONS:
        answer = as_owner.get("/users", params={name: text})
        if name == "query" and len(text) < 1000:
            assert ok(answer)["items"] == []
        elif name != "query":
            assert (answer.status_code, answer.headers["x-stack-known-error"]) == (400, "SCHEMA_ERROR")
        assert answer.elapsed.total_seconds() < 2


@given(text=st.text(st.characters(codec="utf-8"), max_size=40), name=st.sampled_from(PARAMETERS))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered(as_owner: httpx.Client, text: str, name: str) -> None:
    answer = as_owner.get("/users", params={name: text})
    assert answer.status_code in (200, 400), (name, text, answer.text)
    found = as_owner.get("/users/" + quote(text, safe=""))
    assert found.status_code < 500, (text, found.text)


@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_name_is_found_by_itself_in_any_case(as_owner: httpx.Client, text: str) -> None:
    answer = as_owner.post("/users", json={"display_name": text})
    if "\0" in text:
        assert answer.status_code == 400
        return
    user = ok(answer, 201)
    assert user["display_name"] == text
    try:
        for typed in (text, text.casefold()):
            ids = [each["id"] for each in ok(as_owner.get("/users", params={"query": typed, "limit": "1000"}))["items"]]
            assert user["id"] in ids, typed
    finally:
        as_owner.delete(f"/users/{user['id']}")
