"""Attacks on the parsers: bombs in bodies and queries (D8), and bytes that two HTTP readers might read differently (D9)."""

from __future__ import annotations

import gzip
import json
import socket
import time

import httpx
import psutil
import pytest

from tests.server import Project, RunningServer, new_email

BOMBS = {
    "nested arrays": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "closed nesting": b"[" * 50_000 + b"]" * 50_000,
    "huge exponent": b'{"display_name": 1e999999}',
    "huge integer": b'{"display_name": ' + b"9" * 50_000 + b"}",
    "many keys": b"{" + b",".join(b'"k%d":1' % i for i in range(100_000)) + b"}",
    "lone surrogate": b'{"display_name": "\\ud800"}',
    "gzip bomb as json": gzip.compress(b"0" * 10_000_000),
    "truncated": b'{"display_name": "',
    "not utf-8": b'{"display_name": \xff\xfe}',
}


def memory(server: RunningServer) -> int:
    """Resident bytes of all processes of the server."""
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    return sum(p.memory_info().rss for p in [parent, *parent.children(recursive=True)])


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_in_a_body_is_refused_at_once(project: Project, name: str) -> None:
    with project.http("server") as client:
        client.post("/users", json={})
        before = memory(project.server)
        answer = client.post("/users", content=BOMBS[name], headers={"content-type": "application/json"})
        assert answer.status_code in (400, 413), answer.text
        assert memory(project.server) - before < 40_000_000


def test_encoded_bodies_are_not_inflated(project: Project) -> None:
    with project.http("server") as client:
        bomb = gzip.compress(json.dumps({"display_name": "x" * 10_000_000}).encode())
        answer = client.post("/users", content=bomb, headers={"content-type": "application/json", "content-encoding": "gzip"})
    assert answer.status_code == 400


def test_too_many_query_parameters_are_refused(project: Project) -> None:
    with project.http("server") as client:
        answer = client.get("/users?" + "&".join(f"a{i}=1" for i in range(5_000)))
    assert answer.status_code in (400, 414, 431)


@pytest.mark.parametrize(
    ("path", "limit"), [("/auth/password/sign-in", 64 * 1024), ("/users", 2 * 1024 * 1024), ("/internal/projects/current", 6 * 1024 * 1024)]
)
def test_a_body_above_the_limit_is_refused_before_authentication(server: RunningServer, path: str, limit: int) -> None:
    with server.http() as client:
        method = "PATCH" if path.endswith("current") else "POST"
        answer = client.request(method, path, content=b'"' + b"a" * limit + b'"', headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert "x-stack-known-error" not in answer.headers


def test_metadata_may_nest_500_deep_and_no_deeper(project: Project) -> None:
    def nested(depth: int) -> bytes:
        return b'{"client_metadata":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    with project.http("server") as client:
        headers = {"content-type": "application/json"}
        assert client.post("/users", content=nested(500), headers=headers).status_code == 201
        refused = client.post("/users", content=nested(501), headers=headers)
    assert refused.status_code == 400
    assert refused.headers["x-stack-known-error"] == "BODY_PARSING_ERROR"


def test_multipart_is_not_read(project: Project) -> None:
    with project.http("client") as client:
        answer = client.post("/auth/password/sign-in", files={"a": b"x"})
    assert answer.headers["x-stack-known-error"] == "BODY_PARSING_ERROR"


# --- raw sockets ---


def exchange(server: RunningServer, data: bytes, *, seconds: float = 5) -> bytes:
    """Sends the bytes and reads until the server closes or is quiet."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as raw:
        raw.sendall(data)
        raw.settimeout(1)
        received = b""
        try:
            while chunk := raw.recv(65536):
                received += chunk
        except TimeoutError:
            pass
        return received


def answers(received: bytes) -> list[int]:
    """The statuses of the answers in what was received."""
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("two hosts", b"GET /api/v1 HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n"),
        ("no host", b"GET /api/v1 HTTP/1.1\r\nConnection: close\r\n\r\n"),
        ("two content lengths", b"POST /api/v1/users HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"),
        ("bad content length", b"POST /api/v1/users HTTP/1.1\r\n" + HOST + b"Content-Length: 2x\r\n\r\n{}"),
        ("folded header", b"GET /api/v1 HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n 2\r\nConnection: close\r\n\r\n"),
        ("unknown coding", b"POST /api/v1/users HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: cow\r\n\r\n"),
        ("space before colon", b"GET /api/v1 HTTP/1.1\r\nHost : a\r\nConnection: close\r\n\r\n"),
        ("not http", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
    ],
)
def test_doubtful_requests_get_400_and_the_connection_closes(server: RunningServer, name: str, data: bytes) -> None:
    statuses = answers(exchange(server, data))
    assert statuses in ([400], []), name


def test_transfer_encoding_beside_content_length_never_makes_two_answers(server: RunningServer) -> None:
    smuggled = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    data = (
        b"POST /api/v1/auth/password/sign-in HTTP/1.1\r\n"
        + HOST
        + b"Content-Type: application/json\r\nContent-Length: "
        + str(5 + len(smuggled)).encode()
        + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + smuggled
    )
    received = exchange(server, data)
    assert len(answers(received)) == 1


def test_chunk_extensions_are_ignored(server: RunningServer, project: Project) -> None:
    body = b'{"email":"' + new_email().encode() + b'","password":"correct horse battery"}'
    data = (
        b"POST /api/v1/auth/password/sign-up HTTP/1.1\r\n"
        + HOST
        + b"Content-Type: application/json\r\nX-Stack-Access-Type: client\r\nX-Stack-Project-Id: "
        + project.id.encode()
        + b"\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        + f"{len(body):x};name=value\r\n".encode()
        + body
        + b"\r\n0\r\n\r\n"
    )
    assert answers(exchange(server, data)) == [200]


def test_a_broken_chunked_body_is_an_error_of_the_client(server: RunningServer) -> None:
    data = (
        b"POST /api/v1/auth/password/sign-in HTTP/1.1\r\n"
        + HOST
        + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    )
    assert answers(exchange(server, data)) in ([400], [])


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/./users",
        "/api/v1/../v1/users",
        "/api/v1/users/%2e%2e/users",
        "/api/v1;a=b/users",
        "/api/v1/users;x",
        "/api//v1/users",
        "/API/v1/users",
        "/api/v1/%75sers",
    ],
)
def test_paths_are_taken_literally(server: RunningServer, path: str) -> None:
    received = exchange(server, b"GET " + path.encode() + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert answers(received) == [404]


def test_a_method_override_is_no_method(project: Project) -> None:
    with project.http("server", **{"x-http-method-override": "DELETE", "x-method-override": "DELETE"}) as client:
        user = client.post("/users", json={}).json()
        client.get(f"/users/{user['id']}")
        assert client.get(f"/users/{user['id']}").status_code == 200


def test_http_1_0_gets_one_answer(server: RunningServer) -> None:
    received = exchange(server, b"GET /health HTTP/1.0\r\n\r\n")
    assert received.count(b"HTTP/1.") == 1


def test_a_body_that_never_comes_does_not_hold_others_up(server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"POST /api/v1/users HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        started = time.monotonic()
        assert httpx.get(f"{server.base_url}/health").status_code == 200
        assert time.monotonic() - started < 5  # a body has 15 s to come
        slow.settimeout(30)
        assert slow.recv(4096).startswith(b"HTTP/1.1 408")
