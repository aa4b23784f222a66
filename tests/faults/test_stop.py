"""F16: SIGTERM finishes what runs, refuses what comes, and ends with code 0 within ten seconds."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.server import DatabaseKind, RunningServer, new_email

READERS = 10
REQUESTS_PER_SECOND = 200
SIGNING_UP = 6


KERNEL_TABLE = Path("/proc/net/tcp")
ESTABLISHED = "01"


@pytest.fixture
def stopped_server(database: DatabaseKind) -> Iterator[RunningServer]:
    with RunningServer(database, workers=2) as server:
        yield server


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


def has_read_everything(server: RunningServer) -> bool:
    """Whether no connection waits to be accepted, and no request to be read."""
    if not KERNEL_TABLE.exists():  # not Linux: most probably after a while
        time.sleep(0.1)
        return True
    for line in KERNEL_TABLE.read_text().splitlines()[1:]:
        _, local, _, state, queues, _, _, _, _, inode, *_ = line.split()
        is_ours = state == ESTABLISHED and int(local.partition(":")[2], 16) == server.port
        if is_ours and (inode == "0" or int(queues.partition(":")[2], 16)):
            return False
    return True


async def test_sigterm_under_load_answers_what_it_took_and_nothing_with_an_error(stopped_server: RunningServer) -> None:
    project = stopped_server.project
    user = project.sign_up()
    statuses: Counter[int] = Counter()
    terminated = asyncio.Event()

    async def read(http: httpx.AsyncClient) -> None:
        while True:
            try:
                statuses[(await http.get("/users/me")).status_code] += 1
            except httpx.TransportError:
                assert terminated.is_set(), "a connection broke before SIGTERM"
                return
            await asyncio.sleep(READERS / REQUESTS_PER_SECOND)

    async def sign_up(http: httpx.AsyncClient) -> int:
        body = {"email": new_email(), "password": "correct horse battery"}
        answer = await http.post("/auth/password/sign-up", json=body, extensions={"trace": note_sent})
        return answer.status_code

    sent: list[str] = []

    async def note_sent(event: str, _details: object) -> None:
        if event == "http11.send_request_body.complete":
            sent.append(event)

    async with project.async_http("client", user["access_token"]) as readers, project.async_http("client") as writers:
        reading = [asyncio.create_task(read(readers)) for _ in range(READERS)]
        await asyncio.sleep(1)
        slow = [asyncio.create_task(sign_up(writers)) for _ in range(SIGNING_UP)]
        await until(lambda: len(sent) == SIGNING_UP and has_read_everything(stopped_server))  # what it has to finish
        process = stopped_server.process
        assert process is not None
        terminated.set()
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.gather(*slow) == [200] * SIGNING_UP
        await asyncio.gather(*reading)
        code = await asyncio.to_thread(process.wait, 15)
    print(f"{statuses[200]} reads, stopped after {time.monotonic() - started:.2f} s")
    assert code == 0
    assert time.monotonic() - started < 10
    assert set(statuses) == {200}


def test_a_request_that_never_ends_does_not_hold_the_server() -> None:
    with RunningServer("sqlite") as server, socket.create_connection(("127.0.0.1", server.port)) as stuck:
        head = "POST /api/v1/auth/password/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        stuck.sendall(head.encode())
        time.sleep(0.2)
        started = time.monotonic()
        assert server.stop(seconds=20) == 0
        assert time.monotonic() - started < 15


def test_ctrl_c_is_as_good() -> None:
    with RunningServer("sqlite") as server:
        assert server.stop(signal.SIGINT) == 0
        assert "Traceback" not in server.log()
