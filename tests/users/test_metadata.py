"""Metadata comes back byte for byte, on both databases and for every access type."""

from __future__ import annotations

import httpx
import pytest

from tests.server import Project
from tests.users.answers import known_error, ok

DEEP = 498  # the body object and the user object around it are levels, too

AS_SENT = [
    '{"b" : 1,\n\t"a":  [ 1 , 2 ]}',
    '{"z":1,"a":2,"z":3}',
    "1e400",
    "-1E+400",
    "1.10000000000000000000000000000000001",
    "-0",
    "123456789012345678901234567890",
    '"\\u0000 \\u00e9 \\/ \\ud83e\\udd8a"',
    '"\u00e9\U0001f98a\u2028"',
    '{"\\u0000":"\\u0000"}',
    '""',
    "false",
    "[]",
    "{}",
    '{"":null}',
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "{}" + "}" * DEEP,
]


def put(client: httpx.Client, path: str, name: str, text: str) -> httpx.Response:
    body = '{"display_name":"d", "' + name + '": ' + text + " }"
    return client.patch(path, content=body.encode(), headers={"content-type": "application/json"})


@pytest.mark.parametrize("text", AS_SENT, ids=range(len(AS_SENT)))
def test_metadata_comes_back_as_sent(project: Project, as_server: httpx.Client, text: str) -> None:
    user = project.create_user()
    for name in ("client_metadata", "client_read_only_metadata", "server_metadata"):
        written = put(as_server, f"/users/{user['id']}", name, text)
        assert written.status_code == 200, written.text
        member = f'"{name}":{text}'.encode()
        assert member in written.content
        assert member in as_server.get(f"/users/{user['id']}").content
        assert member in as_server.get("/users", params={"query": user["id"]}).content
    created = as_server.post("/users", content=f'{{"client_metadata":{text}}}'.encode(), headers={"content-type": "application/json"})
    assert created.status_code == 201
    assert f'"client_metadata":{text}'.encode() in created.content


def test_a_client_reads_what_it_wrote(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        for text in AS_SENT:
            assert f'"client_metadata":{text}'.encode() in put(client, "/users/me", "client_metadata", text).content
            assert f'"client_metadata":{text}'.encode() in client.get("/users/me").content


def test_null_is_null(project: Project, as_server: httpx.Client) -> None:
    user = project.create_user(client_metadata={"a": 1})
    assert ok(put(as_server, f"/users/{user['id']}", "client_metadata", "null"))["client_metadata"] is None


def test_too_deep_is_refused(project: Project, as_server: httpx.Client) -> None:
    user = project.create_user()
    for text in ("[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500, "[" * 100_000 + "]" * 100_000):
        known_error(put(as_server, f"/users/{user['id']}", "client_metadata", text), 400, "BODY_PARSING_ERROR")
    assert put(as_server, f"/users/{user['id']}", "client_metadata", "[" * 499 + "]" * 499).status_code == 200


def test_broken_json_and_lone_surrogates_are_refused(project: Project, as_server: httpx.Client) -> None:
    user = project.create_user()
    for text in ("{", "[1,]", "nul", "'a'", "1e", '"\\ud800"', '{"\\udc00":1}', "NaN"):
        known_error(put(as_server, f"/users/{user['id']}", "client_metadata", text), 400, "BODY_PARSING_ERROR")
    assert ok(as_server.get(f"/users/{user['id']}")) == user


def test_a_reader_who_wants_html_gets_it_indented(project: Project, as_server: httpx.Client) -> None:
    user = project.create_user(client_metadata={"a": [1]})
    answer = as_server.get(f"/users/{user['id']}", headers={"accept": "text/html"})
    assert answer.json() == user
    assert answer.text.startswith('{\n  "id"')
