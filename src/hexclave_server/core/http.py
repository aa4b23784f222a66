"""Requests and responses as bytes: the smallest layer above ASGI.

The two header families `X-Stack-*` and `X-Hexclave-*` are one here: a request knows its protocol headers by suffix (contract 00 §1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from hexclave_server.core import randomness
from hexclave_server.core.client_address import UNKNOWN_ADDRESS, ClientAddress
from hexclave_server.core.errors import PlainError, Unavailable
from hexclave_server.core.schema import BodyUnparsable

if TYPE_CHECKING:
    from hexclave_server.core.limits import LimitState

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

BODY_SECONDS = 15
BODY_BYTES_BEFORE_CREDENTIALS = 64 * 1024
BODY_BYTES_AT_ONCE = 256 * 1024 * 1024
MAX_QUERY_PARAMETERS = 1000

JSON = (b"content-type", b"application/json; charset=utf-8")
TEXT = (b"content-type", b"text/plain; charset=utf-8")
HTML = (b"content-type", b"text/html; charset=utf-8")
NO_STORE = (b"cache-control", b"no-store, max-age=0")

UNKNOWN_CLIENT = ClientAddress(UNKNOWN_ADDRESS)

_OLD = b"x-stack-"
_NEW = b"x-hexclave-"


class Request:
    """One HTTP request: its line, its headers, and later its body and the address it came from."""

    __slots__ = (
        "client",
        "headers",
        "id",
        "limits",
        "method",
        "path",
        "protocol",
        "query_string",
        "raw_path",
        "route",
        "scope",
        "speaks_hexclave",
    )

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.id = randomness.request_id()
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or self.path.encode()
        self.query_string: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.speaks_hexclave = False
        self.protocol = self._protocol_headers()
        self.client = UNKNOWN_CLIENT
        self.limits: list[LimitState] = []
        self.route = ""

    def _protocol_headers(self) -> dict[bytes, str]:
        """The headers of both families by suffix; empty ones count as absent, of two the newer family's wins."""
        found: dict[bytes, str] = {}
        for name, value in self.headers.items():
            if name.startswith(_OLD):
                if value and name[8:] not in found:
                    found[name[8:]] = value.decode("latin-1")
            elif name.startswith(_NEW):
                self.speaks_hexclave = True
                if value:
                    found[name[11:]] = value.decode("latin-1")
        return found

    def header(self, name: bytes) -> str | None:
        """An ordinary header by its lower-case name; None when absent or empty."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value else None

    def joined_header(self, name: bytes) -> str | None:
        """Several lines of one header as one, joined by commas (RFC 9110 §5.2); None when absent."""
        lines = [value.decode("latin-1") for found, value in self.scope["headers"] if found == name]
        return ", ".join(lines) if lines else None

    @property
    def peer(self) -> str | None:
        """The address of the socket's other end, where there is one."""
        client = self.scope.get("client")
        return client[0] if client else None

    @property
    def address(self) -> str:
        """The canonical address of the client: what limits, throttles and the log name it by."""
        return self.client.address

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters; empty when there is none."""
        return self.headers.get(b"content-type", b"").split(b";", 1)[0].strip().decode("latin-1")

    def query(self) -> dict[str, str]:
        """The query parameters; of several with one name the last counts (contract 00 §4)."""
        if not self.query_string:
            return {}
        return dict(self.query_pairs())

    def query_pairs(self) -> list[tuple[str, str]]:
        """The query parameters in order, with repetitions. Raises PlainError 400 for more than 1,000 of them."""
        return _pairs(self.query_string)


def _pairs(data: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS)
    except ValueError:
        raise PlainError(400, f"More than {MAX_QUERY_PARAMETERS} parameters.") from None


def parse_form(data: bytes) -> dict[str, str]:
    """A form-encoded body as a flat mapping; of several fields with one name the last counts."""
    return dict(_pairs(data))


class Response:
    """What goes back: a status, a body and headers besides those that every answer has.

    `chunks` is the body of an answer too long to hold in memory; it is written as it is made, and `body` stays empty.
    """

    __slots__ = ("body", "chunks", "headers", "status")

    def __init__(
        self, status: int, body: bytes = b"", headers: list[Header] | None = None, chunks: AsyncIterator[bytes] | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers if headers is not None else []
        self.chunks = chunks


_encode = msgspec.json.Encoder().encode


def json_response(value: Any, status: int = 200, headers: list[Header] | None = None) -> Response:
    """A compact JSON answer that must not be cached unless `headers` say otherwise."""
    return Response(status, _encode(value), [JSON, *(headers if headers is not None else [NO_STORE])])


def text_response(text: str, status: int = 200, headers: list[Header] | None = None) -> Response:
    """A plain-text answer that must not be cached unless `headers` say otherwise."""
    return Response(status, text.encode(), [TEXT, *(headers if headers is not None else [NO_STORE])])


def streamed_json_response(chunks: AsyncIterator[bytes]) -> Response:
    """A JSON answer written in chunks; an error on the way closes the connection, so that nobody takes a part for the whole."""
    return Response(200, b"", [JSON, NO_STORE], chunks)


class BodyBudget:
    """The memory that all bodies of a process may take at once: many senders together are refused, not served until it runs out."""

    __slots__ = ("left",)

    def __init__(self, size: int = BODY_BYTES_AT_ONCE) -> None:
        self.left = size

    def take(self, size: int) -> None:
        """Reserves `size` bytes, to be given back. Raises Unavailable when there are not so many left."""
        if size > self.left:
            raise Unavailable(retry_after_seconds=1)
        self.left -= size

    def give_back(self, size: int) -> None:
        """Ends a reservation."""
        self.left += size


async def read_body(receive: Receive, request: Request, limit: int, admit: Callable[[], Awaitable[None]], budget: BodyBudget) -> bytes:
    """The whole body, at most `limit` bytes, within 15 s. What it returns is reserved in the budget.

    A stranger sends no more than 64 KiB: before more is read, `admit` checks who it is and raises what it raises.
    Raises PlainError 413 or 408, Unavailable, and BodyUnparsable when the body ends before its end.
    """
    announced = request.headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_chunks(receive, limit, admit, budget)
    except TimeoutError:
        raise PlainError(408, f"The request body did not arrive within {BODY_SECONDS} seconds.") from None


async def _read_chunks(receive: Receive, limit: int, admit: Callable[[], Awaitable[None]], budget: BodyBudget) -> bytes:
    chunks: list[bytes] = []
    size = 0
    admitted = more = False
    try:
        while more or not chunks:
            message = await _receive(receive)
            chunk: bytes = message.get("body", b"")
            budget.take(len(chunk))
            size += len(chunk)
            chunks.append(chunk)
            if size > limit:
                raise _too_large(limit)
            if size > BODY_BYTES_BEFORE_CREDENTIALS and not admitted:
                await admit()
                admitted = True
            more = message.get("more_body", False)
    except BaseException:
        budget.give_back(size)
        raise
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _receive(receive: Receive) -> MutableMapping[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        msg = "it ends before its end"
        raise BodyUnparsable(msg)
    return message


def _too_large(limit: int) -> PlainError:
    return PlainError(413, f"The request body is larger than the {limit} bytes that this endpoint takes.")


def valid_utf8(data: bytes) -> bytes:
    """The bytes, with what is not UTF-8 replaced."""
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data
