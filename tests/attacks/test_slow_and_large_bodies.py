"""Strangers who send bodies: slowly, many at once, or large ones that cost the server more than they cost the sender (QUALITY A14, D8)."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.server import NO_TLS, RunningServer

MANY = 1_050  # more than the server answers at once
MIB = 1024 * 1024
STRANGER = {"x-stack-access-type": "admin", "x-stack-project-id": "internal", "x-stack-super-secret-admin-key": "wrong"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer("sqlite", {"HEXCLAVE_RATE_LIMITS": "on"}) as running:
        yield running


def memory(server: RunningServer) -> int:
    """Resident memory of the workers in MiB."""
    assert server.process is not None
    listed = subprocess.run(["ps", "-o", "rss=", "--ppid", str(server.process.pid)], capture_output=True, text=True, check=True)
    return sum(int(size) for size in listed.stdout.split()) // 1024


def slow_sender(server: RunningServer) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(
        b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nX-Stack-Access-Type: server\r\n"
        b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    )
    return connection


def test_bodies_that_never_come_keep_nobody_out(server: RunningServer) -> None:
    project = server.project
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(slow_sender(server)) for _ in range(MANY)]
        time.sleep(1)
        with project.http("client") as client:
            assert client.get("/projects/current").status_code == 200
        senders[0].settimeout(30)
        assert senders[0].recv(100).startswith(b"HTTP/1.1 408 ")


def seconds_of_health(server: RunningServer) -> float:
    started = time.monotonic()
    assert httpx.get(f"{server.base_url}/health", timeout=30, verify=NO_TLS).status_code == 200
    return time.monotonic() - started


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b"a" * (16 * MIB - 3000) + b'"' + b"[" * 501,
        b"[" + b"[]," * 5_000_000 + b"[]]",
        b"[" * 501 + b"1" * (15 * MIB) + b"]" * 501,
    ],
    ids=["long-string", "many-lists", "deep-and-long"],
)
def test_large_body_of_a_stranger_is_not_read(server: RunningServer, body: bytes) -> None:
    before = memory(server)
    usual = max(seconds_of_health(server) for _ in range(20))
    slowest = 0.0
    statuses: list[int] = []

    def send() -> None:
        with contextlib.suppress(httpx.TransportError):  # an answer before the end of the body may cut the connection
            statuses.append(
                httpx.patch(f"{server.api_url}/internal/config/override", content=body, headers=headers, timeout=30).status_code
            )

    headers = {**STRANGER, "content-type": "application/json"}
    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive():
        slowest = max(slowest, seconds_of_health(server))
    assert statuses in ([401], [])
    assert slowest < max(0.5, 5 * usual)  # a machine that is busy with other things as well is slow before, too
    assert memory(server) < before + 40


def test_small_body_is_still_parsed_before_credentials(server: RunningServer) -> None:
    headers = {**STRANGER, "content-type": "application/json"}
    answer = httpx.patch(f"{server.api_url}/internal/config/override", content=b"{", headers=headers)
    assert answer.headers["x-stack-known-error"] == "BODY_PARSING_ERROR"


def test_access_type_too_low_is_told_before_a_large_body_is_read(server: RunningServer) -> None:
    with server.project.http("client") as client:
        answer = client.patch("/internal/config/override", content=b"[" * 100_000, headers={"content-type": "application/json"})
    assert answer.headers["x-stack-known-error"] == "INSUFFICIENT_ACCESS_TYPE"
