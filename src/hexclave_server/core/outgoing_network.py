"""The connections of the outgoing client: opened to addresses that were checked, never to names.

Names are looked up in threads of their own, one for each name however many ask: a name server that does not answer holds up those who ask
for its names, and a project with dozens of such names other look-ups at most.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from hexclave_server.core.outgoing_addresses import Network, may_connect
from hexclave_server.core.outgoing_answers import OutgoingFailed
from hexclave_server.core.outgoing_connection import connect

_SECONDS_EACH = 4.0
"""How long one address is tried: it must not use up the whole time."""
_LOOKUPS = 32


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves, checks and connects. `allowed` None: every address will do, since the operator named it.

    `public`: whether public addresses will do beside the allowed ones.
    """

    def __init__(self, allowed: Iterable[Network] | None, *, public: bool = True) -> None:
        self._allowed = None if allowed is None else tuple(allowed)
        self._public = public
        self._threads = ThreadPoolExecutor(_LOOKUPS, "name-lookup")
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first of the host's addresses that answers."""
        del local_address, socket_options
        addresses = await self._resolve(host.strip("[]"), port)
        if self._allowed is not None:
            addresses = checked(addresses, self._allowed, public=self._public)
        failure: Exception = OutgoingFailed("no address", is_transient=True)
        for address in to_try(addresses):
            try:
                return await connect(address, port, timeout or _SECONDS_EACH)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        del path, timeout, socket_options
        raise OutgoingFailed("sockets of this machine are not for outgoing requests", is_transient=False)

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host name, each once. Raises OutgoingFailed when there are none."""
        try:
            found = await asyncio.shield(self._lookup(host, port))  # who gives up does not give up for the others
        except (OSError, UnicodeError):
            raise OutgoingFailed("the host name is not known", is_transient=True) from None
        return list(dict.fromkeys(found))

    def _lookup(self, host: str, port: int) -> asyncio.Future[list[str]]:
        name = (host, port)
        if name not in self._under_way:
            self._under_way[name] = asyncio.get_running_loop().run_in_executor(self._threads, look_up, host, port)
            self._under_way[name].add_done_callback(lambda done: self._finish(name, done))
        return self._under_way[name]

    def _finish(self, name: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        del self._under_way[name]
        if not done.cancelled():
            done.exception()  # seen, even if nobody waits any more


def to_try(addresses: list[str]) -> list[str]:
    """Two of the addresses: the first, and the next of the other family if there is one, since only one family may lead anywhere."""
    others = [address for address in addresses[1:] if (":" in address) != (":" in addresses[0])]
    return [*addresses[:1], *(others or addresses[1:])[:1]]


def look_up(host: str, port: int) -> list[str]:
    """What the system's resolver says. Raises OSError or UnicodeError."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def checked(addresses: Iterable[str], allowed: Iterable[Network], *, public: bool = True) -> list[str]:
    """The addresses, if all of them may be connected to. Raises OutgoingFailed if not: a name with one private address is no public one."""
    found, networks = list(addresses), tuple(allowed)
    if not found or not all(may_connect(address, networks, public=public) for address in found):
        raise OutgoingFailed("the address may not be asked (HEXCLAVE_OUTGOING_ALLOW; plain http only there)", is_transient=False)
    return found
