"""Connections of the outgoing client are used again while they are good, and by one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from hexclave_server.core import outgoing_connections
from hexclave_server.core.outgoing import OutgoingClient

pytestmark = pytest.mark.anyio


class Counting(asyncio.Protocol):
    """A server that counts connections and answers each request with the number of the one it came on."""

    opened = 0
    closes = False
    open_now: ClassVar[set[asyncio.Transport]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        Counting.opened += 1
        self.transport, self.number = transport, Counting.opened
        Counting.open_now.add(transport)

    def data_received(self, data: bytes) -> None:
        text = str(self.number).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text)
        if Counting.closes:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        Counting.open_now.discard(self.transport)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    Counting.opened, Counting.closes = 0, False
    server = await asyncio.get_running_loop().create_server(Counting, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


@pytest.fixture
async def client() -> AsyncIterator[OutgoingClient]:
    client = OutgoingClient()
    yield client
    await client.close()


async def number(client: OutgoingClient, url: str) -> int:
    return int((await client.get(url, trusted=True)).body)


async def until_open(count: int) -> None:
    for _ in range(1000):
        if len(Counting.open_now) == count:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{len(Counting.open_now)} connections are open, not {count}")


async def test_one_after_another_they_share_a_connection(client: OutgoingClient, url: str) -> None:
    assert [await number(client, url) for _ in range(5)] == [1] * 5


async def test_at_once_each_has_its_own(client: OutgoingClient, url: str) -> None:
    numbers = await asyncio.gather(*(number(client, url) for _ in range(8)))
    assert sorted(numbers) == list(range(1, 9))
    assert await number(client, url) <= 8


async def test_one_that_the_other_end_has_closed_is_not_used_again(client: OutgoingClient, url: str) -> None:
    Counting.closes = True
    for expected in (1, 2, 3):
        assert await number(client, url) == expected
        await until_open(0)


async def test_those_of_one_origin_do_not_serve_another(client: OutgoingClient, url: str) -> None:
    assert await number(client, url) == 1
    assert await number(client, url.replace("127.0.0.1", "localhost")) == 2
    assert await number(client, url) == 1


async def test_what_is_not_used_is_closed(client: OutgoingClient, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_connections, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(outgoing_connections, "SWEEP_SECONDS", 0.0)
    await number(client, url)
    await number(client, url.replace("127.0.0.1", "localhost"))
    await until_open(1)
    await client.close()
    await until_open(0)
