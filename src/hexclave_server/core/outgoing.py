"""The one client for what the server asks outside: identity providers, discovery documents, keys, later webhooks.

URLs come from projects and from documents of strangers, so nothing of them is believed: names are resolved here, each address is checked
before it is connected to (the one that was checked is the one used, so no second answer of a resolver counts), redirects are not followed,
time and size are bounded, nothing is unpacked, no cookie or proxy of the environment takes part. What goes unencrypted goes no further than
to networks that the operator allowed.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote_plus, urlencode

import ada_url

from hexclave_server.core.outgoing_addresses import Network
from hexclave_server.core.outgoing_answers import Answer, OutgoingFailed
from hexclave_server.core.outgoing_documents import Documents

if TYPE_CHECKING:
    import httpcore

    from hexclave_server.core.outgoing_connections import Connections

SECONDS: Final = 10.0
MAX_BYTES: Final = 1024 * 1024
ATTEMPTS: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.25
MOST_PER_ORIGIN: Final = 100
"""Requests at once to one origin: one that is slow must not take the connections of all."""
_MOST_AT_ONCE: Final = 1000
_USER_AGENT: Final = "hexclave"
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]*")


class _Way(NamedTuple):
    """How a request goes out. Connections are apart, so that one which the operator's word opened serves no project, and plain ones none else."""

    trusted: bool
    plain: bool


class OutgoingClient:
    """Sends requests; connections are kept for a while. `allowed` are networks that may be reached although they are not public."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)
        self._ways: dict[_Way, Connections] = {}
        self._opening = asyncio.Lock()
        self._under_way: Counter[str] = Counter()
        self.documents = Documents(lambda url, trusted: self.get(url, trusted=trusted))

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, trusted: bool = False, attempts: int = 1) -> Answer:
        """The answer to a GET, whatever its status; see `request`."""
        return await self.request("GET", url, headers=headers, trusted=trusted, attempts=attempts)

    async def post_form(
        self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None, trusted: bool = False, attempts: int = 1
    ) -> Answer:
        """The answer to a POST of a form, whatever its status; see `request`."""
        sent = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return await self.request("POST", url, headers=sent, body=urlencode(fields).encode(), trusted=trusted, attempts=attempts)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        trusted: bool = False,
        attempts: int = 1,
    ) -> Answer:
        """The answer, whatever its status. `trusted`: the operator named this URL, which may be on any network.

        Tried up to `attempts` times while the failure is transient, with pauses from a quarter of a second. Raises OutgoingFailed.
        """
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(1, attempts + 1):
            try:
                answer = await self._once(method, url, headers or {}, body, trusted=trusted)
            except OutgoingFailed as failure:
                if attempt == attempts or not failure.is_transient:
                    raise
            else:
                if attempt == attempts or not answer.is_transient_failure:
                    return answer
            await asyncio.sleep(pause)
            pause *= 2
        msg = "attempts is at least 1"
        raise ValueError(msg)

    async def close(self) -> None:
        """Closes what is kept open."""
        await self.documents.close()
        for connections in self._ways.values():
            await connections.close()
        self._ways.clear()

    async def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, trusted: bool) -> Answer:
        target, origin = _require_web_url(url)
        sent = {"accept": "application/json", "accept-encoding": "identity", "user-agent": _USER_AGENT, **headers}
        if not all(_HEADER_VALUE.fullmatch(value) for value in sent.values()):
            raise OutgoingFailed("not a header", is_transient=False)
        if self._under_way[origin] >= MOST_PER_ORIGIN or self._under_way.total() >= _MOST_AT_ONCE:
            raise OutgoingFailed("too many requests at once", is_transient=True)
        self._under_way[origin] += 1
        try:
            return await self._exchange(method, target, list(sent.items()), body, trusted=trusted)
        finally:
            self._under_way[origin] -= 1
            if not self._under_way[origin]:
                del self._under_way[origin]

    async def _exchange(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes, *, trusted: bool) -> Answer:
        connections = await self._connections(_Way(trusted=trusted, plain=target.startswith("http:")))
        import httpcore  # noqa: PLC0415 - see _open

        try:
            async with asyncio.timeout(SECONDS), connections.stream(method, target, headers, body or None) as response:
                return Answer(response.status, await _bounded(response))
        except TimeoutError:
            raise OutgoingFailed(f"no answer within {SECONDS:.0f} s", is_transient=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, ssl.SSLError, OSError) as error:
            raise OutgoingFailed(f"no connection: {type(error).__name__}", is_transient=True) from None

    async def _connections(self, way: _Way) -> Connections:
        """The connections of one way. They are opened apart from the event loop: imports and certificates take a tenth of a second."""
        if way not in self._ways:
            async with self._opening:
                if way not in self._ways:
                    self._ways[way] = await asyncio.to_thread(_open, way, self._allowed)
        return self._ways[way]


def _open(way: _Way, allowed: tuple[Network, ...]) -> Connections:
    """Imported with the first use: memory."""
    from hexclave_server.core.outgoing_connections import Connections  # noqa: PLC0415
    from hexclave_server.core.outgoing_network import GuardedNetwork  # noqa: PLC0415

    network = GuardedNetwork(None if way.trusted else allowed, public=not way.plain)
    return Connections(network, None if way.plain else ssl.create_default_context())


def basic_authorization(user: str, password: str) -> str:
    """The value of an `Authorization` header for HTTP Basic with OAuth's encoding of both parts (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(user)}:{quote_plus(password)}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


def require_web_url(url: str) -> str:
    """The URL as a browser would write it: decimal and octal hosts become addresses. Raises OutgoingFailed for what is none of the web's."""
    return _require_web_url(url)[0]


def _require_web_url(url: str) -> tuple[str, str]:
    """The URL and its origin."""
    try:
        parsed = ada_url.URL(url)
    except (ValueError, UnicodeError):
        raise OutgoingFailed("not a URL", is_transient=False) from None
    if parsed.protocol not in ("http:", "https:") or not parsed.hostname or parsed.username or parsed.password:
        raise OutgoingFailed("not an http(s) URL, or one with a user name", is_transient=False)
    return parsed.href.partition("#")[0], parsed.origin


async def _bounded(response: httpcore.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_stream():
        size += len(chunk)
        if size > MAX_BYTES:
            raise OutgoingFailed(f"an answer of more than {MAX_BYTES} bytes", is_transient=False)
        chunks.append(chunk)
    return b"".join(chunks)
