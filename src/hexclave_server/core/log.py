"""Logs: events through structlog, the access log as encoded structs written in batches (1 µs a line instead of 10).

No secret reaches a log: the access log names the route and never a header, a query string or a body; events drop fields that sound secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TextIO, cast

import msgspec
import structlog

from hexclave_server.core import clock

if TYPE_CHECKING:
    from hexclave_server.core.http import Request, Response

FLUSH_SECONDS = 0.25
FLUSH_LINES = 500
QUIET_ROUTES = ("/health", "/ready")  # asked every second by whatever watches the server

_OK = 200
_SECRET_WORDS = ("password", "secret", "token", "key", "code", "authorization", "cookie")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class AccessLine(msgspec.Struct):
    """One answered request."""

    time_millis: int
    request_id: str
    method: str
    route: str
    status: int
    millis: float
    address: str
    event: str = "request"


class _LossyStream:
    """A stream that loses what cannot be written (disk full): a log costs lines, never the request or the job that has something to say."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def without_secrets(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Masks the fields of an event whose name sounds secret."""
    for name in event:
        if name != "event" and any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = "***"
    return event


def configure(log_format: str, log_level: str, stream: TextIO | None = None) -> None:
    """Sets up structlog for the process: `text` for people, `json` for programs; below `log_level` nothing is written."""
    renderer: Any = structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_secrets,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[log_level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _LossyStream(stream or sys.stderr))),
        cache_logger_on_first_use=True,
    )


def logger() -> Any:
    """The logger of events."""
    return structlog.get_logger()


class RequestLog:
    """Collects a line per request and writes them in batches."""

    def __init__(self, *, enabled: bool, log_format: str, write: Callable[[bytes], object] | None = None) -> None:
        self._enabled = enabled
        self._render = _json_line if log_format == "json" else _text_line
        self._write = write or sys.stderr.buffer.write
        self._lines: list[AccessLine] = []
        self._timer: asyncio.TimerHandle | None = None
        self._observers: list[Callable[[Request, Response, float], None]] = []

    def observe(self, observer: Callable[[Request, Response, float], None]) -> None:
        """Adds one that is told of every answer: request, response, seconds (the metrics)."""
        self._observers.append(observer)

    def record(self, request: Request, response: Response, seconds: float) -> None:
        """Notes an answered request."""
        for observer in self._observers:
            observer(request, response, seconds)
        if not self._enabled or (request.route in QUIET_ROUTES and response.status == _OK):
            return
        self._lines.append(
            AccessLine(
                clock.now_millis(), request.id, request.method, request.route, response.status, round(seconds * 1000, 2), request.address
            )
        )
        if len(self._lines) >= FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def unexpected(self, request: Request, error: Exception) -> None:
        """Notes an error that nobody expected: its kind and where it was raised, not its message, which may hold what a client sent."""
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        logger().error(
            "unexpected error", request_id=request.id, method=request.method, route=request.route, kind=type(error).__name__, where=where
        )

    def flush(self) -> None:
        """Writes what was collected. A log that cannot be written (disk full) costs lines, never requests."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if lines:
            try:
                self._write(b"".join(map(self._render, lines)))
                if self._write == sys.stderr.buffer.write:
                    sys.stderr.flush()
            except OSError:
                return


_encode = msgspec.json.Encoder().encode


def _json_line(line: AccessLine) -> bytes:
    return _encode(line) + b"\n"


def _text_line(line: AccessLine) -> bytes:
    return f"{line.method} {line.route or '-'} {line.status} {line.millis} ms {line.address} {line.request_id}\n".encode()
