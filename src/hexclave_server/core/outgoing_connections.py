"""Connections of the outgoing client that are kept for a while, by origin, the last used first.

In place of httpcore's own pool, which looks at all connections at every request: with a hundred open, that took longer than the request.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpcore

from hexclave_server.core import clock

KEPT_SECONDS: Final = 30.0
SWEEP_SECONDS: Final = 5.0


class Connections:
    """Connections through one network. How many are in use is the caller's to bound.

    They are closed beside the requests: a peer may take its time to say goodbye.
    """

    def __init__(self, network: httpcore.AsyncNetworkBackend, ssl_context: ssl.SSLContext | None) -> None:
        self._network = network
        self._ssl_context = ssl_context
        self._idle: dict[str, list[httpcore.AsyncHTTPConnection]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._next_sweep = clock.monotonic() + SWEEP_SECONDS

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], content: bytes | None
    ) -> AsyncGenerator[httpcore.Response]:
        """The answer to one request, whose body may be read within the block. Raises httpcore's errors."""
        self._sweep()
        origin = httpcore.URL(url).origin
        connection = self._take(origin)
        try:
            async with connection.stream(method, url, headers=list(headers), content=content) as response:
                yield response
        finally:
            if connection.is_idle() and not connection.is_closed():
                self._idle.setdefault(str(origin), []).append(connection)
            else:
                self._close(connection)

    async def close(self) -> None:
        """Closes what is kept."""
        for kept in self._idle.values():
            for connection in kept:
                self._close(connection)
        self._idle.clear()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        """The connection that was used last, if its other end has not closed it, else a new one."""
        kept = self._idle.get(str(origin), [])
        while kept:
            connection = kept.pop()
            if not connection.has_expired():
                return connection
            self._close(connection)
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=self._ssl_context, keepalive_expiry=KEPT_SECONDS, network_backend=self._network
        )

    def _sweep(self) -> None:
        """Closes what has not been used for long, now and then."""
        if clock.monotonic() < self._next_sweep:
            return
        self._next_sweep = clock.monotonic() + SWEEP_SECONDS
        before, self._idle = self._idle, {}
        for origin, kept in before.items():
            for connection in kept:
                if connection.has_expired():
                    self._close(connection)
                else:
                    self._idle.setdefault(origin, []).append(connection)

    def _close(self, connection: httpcore.AsyncHTTPConnection) -> None:
        task = asyncio.get_running_loop().create_task(connection.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled():
            task.exception()  # seen: nothing can be done about it
