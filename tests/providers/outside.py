"""A server on this machine that stands for any outside one: it answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote_plus, urlsplit

from hexclave_server.core.outgoing import OutgoingClient

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@dataclass
class Asked:
    """One request that came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form, each of which occurs once."""
        fields = parse_qs(self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body))
        assert all(len(values) == 1 for values in fields.values())
        return {name: values[0] for name, values in fields.items()}

    @property
    def basic(self) -> tuple[str, str]:
        """Name and secret of HTTP Basic, decoded as OAuth says (RFC 6749 §2.3.1)."""
        kind, _, encoded = self.headers["authorization"].partition(" ")
        assert kind == "Basic"
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)


@dataclass
class Reply:
    """What is answered: a body as it is, or a document as JSON."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0

    @property
    def data(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Outside:
    """Paths and what they answer: a reply, a document, or a function of the request. Anything else is 404."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply | Callable[[Asked], Any] | Any] = {}
        self.asked: list[Asked] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def reply(self, asked: Asked) -> Reply:
        """Keeps the request and says what is answered."""
        self.asked.append(asked)
        found = self.replies.get(asked.path, Reply(b"", 404))
        if callable(found):
            found = found(asked)
        return found if isinstance(found, Reply) else Reply(found)

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """From the next connection on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.asked]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of many who come at once none is turned away
    block_on_close = False

    def __init__(self, address: tuple[str, int], outside: Outside) -> None:
        super().__init__(address, _Handler)
        self.outside = outside

    def handle_error(self, *_: object) -> None:
        """Clients may go away, or refuse us."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.outside.connections += 1  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        outside = self.server.outside  # type: ignore[attr-defined]
        reply = outside.reply(Asked(self.command, parts.path, parse_qs(parts.query), headers, body))
        deadline = time.monotonic() + reply.seconds
        while time.monotonic() < deadline and not outside.stopping.wait(0.02):
            pass
        with contextlib.suppress(OSError):
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", "content-length": str(len(reply.data)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.data)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for


@contextlib.asynccontextmanager
async def client_of_this_machine() -> Any:
    """A client that may ask this machine."""
    client = OutgoingClient(LOOPBACK)
    try:
        yield client
    finally:
        await client.close()


def running() -> Iterator[Outside]:
    """For fixtures."""
    with Outside() as outside:
        yield outside
