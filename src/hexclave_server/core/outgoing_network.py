"""The connections of the outgoing client: opened to addresses that were checked, never to names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpcore

from hexclave_server.core.outgoing import OutgoingFailed, checked, resolve
from hexclave_server.core.outgoing_addresses import Network

_FIRST = 2
"""How many addresses of a name are tried: one that is down must not use up the whole time."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves, checks and connects. `allowed` None: every address will do, since the operator named it."""

    def __init__(self, allowed: Iterable[Network] | None) -> None:
        self._allowed = None if allowed is None else tuple(allowed)
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first of the host's addresses that answers."""
        addresses = await resolve(host.strip("[]"), port)
        if self._allowed is not None:
            addresses = checked(addresses, self._allowed)
        failure: Exception = OutgoingFailed("no address", is_transient=True)
        for address in addresses[:_FIRST]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
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
        await self._backend.sleep(seconds)
