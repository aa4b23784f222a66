"""Load generator: a process of its own that sends prepared requests over keep-alive connections and measures the answers.

Reads one JSON object from standard input (see `Spec`), writes one to standard output (see `Outcome`). It speaks just enough HTTP/1.1 for
answers with Content-Length or chunks, so that it costs a small part of what the server does.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass


@dataclass
class Spec:
    """What to send: whole requests as text, taken in turn by `connections` connections, `count` in all or for `seconds`."""

    port: int
    requests: list[str]
    connections: int = 16
    count: int | None = None
    seconds: float | None = None
    per_second: float | None = None
    """Requests per second over all connections; None = each connection sends as soon as it has its answer."""


@dataclass
class Outcome:
    """What came back; `latencies` in milliseconds, ascending."""

    count: int
    seconds: float
    statuses: dict[str, int]
    bytes_received: int
    latencies: list[float]

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.count / self.seconds

    def percentile(self, part: float) -> float:
        """Latency in milliseconds that `part` (0 to 1) of the answers did not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * part))]


class _Run:
    def __init__(self, spec: Spec) -> None:
        self.payloads = [request.encode() for request in spec.requests]
        self.spec = spec
        self.begun = 0
        self.statuses: dict[str, int] = {}
        self.latencies: list[float] = []
        self.bytes_received = 0
        self.started = time.perf_counter()

    def take(self) -> bytes | None:
        spec = self.spec
        if spec.count is not None and self.begun >= spec.count:
            return None
        if spec.seconds is not None and time.perf_counter() - self.started >= spec.seconds:
            return None
        self.begun += 1
        return self.payloads[self.begun % len(self.payloads)]

    def answered(self, status: bytes, size: int, seconds: float) -> None:
        name = status.decode()
        self.statuses[name] = self.statuses.get(name, 0) + 1
        self.bytes_received += size
        self.latencies.append(seconds * 1000)

    def outcome(self) -> Outcome:
        elapsed = time.perf_counter() - self.started
        return Outcome(len(self.latencies), elapsed, self.statuses, self.bytes_received, sorted(self.latencies))


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[bytes, int]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        size = _whole_answer(self._buffer)
        if size is not None and self._answer is not None:
            answer = self._answer
            self._answer = None
            status = bytes(self._buffer[9:12])
            del self._buffer[:size]
            answer.set_result((status, size))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))

    def exchange(self, payload: bytes) -> "asyncio.Future[tuple[bytes, int]]":
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(payload)
        return self._answer


def _whole_answer(buffer: bytearray) -> int | None:
    """The length of the first answer in the buffer, or None while it is incomplete."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    at = head.find(b"content-length:")
    if at >= 0:
        size = end + 4 + int(head[at + 15 : head.find(b"\r\n", at) if b"\r\n" in head[at:] else len(head)])
        return size if len(buffer) >= size else None
    if b"transfer-encoding: chunked" in head:
        last = buffer.find(b"0\r\n\r\n", end + 4)
        return last + 5 if last >= 0 else None
    return end + 4


async def _work(run: _Run, port: int, pause: float | None, offset: float) -> None:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    due = run.started + offset
    while (payload := run.take()) is not None:
        if pause is not None:
            now = time.perf_counter()
            if due > now:
                await asyncio.sleep(due - now)
            sent = max(due, now)
            due = sent + pause
        sent = time.perf_counter()
        status, size = await connection.exchange(payload)
        run.answered(status, size, time.perf_counter() - sent)


def _go_first() -> None:
    """Where latency is measured on a machine that is busy on purpose, the wait should be the server's, not that of the generator itself.

    A real-time class, since niceness counts within a session only (Linux autogroups), and the server has one of its own.
    """
    with contextlib.suppress(OSError, AttributeError):  # only root may, on Linux
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


async def _main(spec: Spec) -> Outcome:
    if spec.per_second is not None:
        _go_first()
    run = _Run(spec)
    pause = spec.connections / spec.per_second if spec.per_second else None
    offsets = [(pause or 0) * index / spec.connections for index in range(spec.connections)]
    await asyncio.gather(*(_work(run, spec.port, pause, offset) for offset in offsets))
    return run.outcome()


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_main(Spec(**json.load(sys.stdin)))))))
