"""A server key of one project asks for long lists and does not read them: the lists of other projects go on (QUALITY D12, F16)."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from hexclave_server.core.db.long_reads import LONGEST_WAIT_SECONDS
from tests.server import DATABASES, Project, RunningServer

READERS = 12  # more than long reads that a process does at once
USERS = 2_000
METADATA = {"text": "x" * 20_000}


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with RunningServer(request.param) as running:
        yield running


def reader_who_does_not_read(project: Project) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", project.server.port))
    headers = "".join(f"{name}: {value}\r\n" for name, value in project.headers("server").items())
    connection.sendall(f"GET /api/v1/users HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    return connection


def test_lists_that_nobody_reads_hold_up_no_other_project(server: RunningServer) -> None:
    attacker, victim = server.new_project(), server.new_project()
    with attacker.http("server") as client:
        for number in range(USERS):
            assert client.post("/users", json={"display_name": f"user {number}", "server_metadata": METADATA}).status_code == 201
    victim.create_user(display_name="Bob")
    with contextlib.ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(reader_who_does_not_read(attacker))
        time.sleep(2)
        with victim.http("server") as client:
            started = time.monotonic()
            assert len(client.get("/users", params={"query": "bob"}).json()["items"]) == 1
            assert len(client.get("/users").json()["items"]) == 1
            assert time.monotonic() - started < LONGEST_WAIT_SECONDS, "nobody waited for a turn"
        with attacker.http("server") as client:
            waited = client.get("/users", params={"query": "user 1999"})
            assert waited.status_code in (200, 503)
            time.sleep(35)  # those who do not read lose their connections, turn by turn
            assert client.get("/users", params={"query": "user 1999"}).status_code == 200
