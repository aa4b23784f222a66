"""One connection to a mail server: opened, used for many messages, closed.

A message goes in two steps. `offer` names sender and recipients and waits until the server is ready to take the text; so far nothing has
happened and everything may be repeated. `hand_over` transmits it: when that fails without an answer nobody knows whether the server has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from functools import cache

import aiosmtplib

from hexclave_server.core.outgoing_addresses import may_connect
from hexclave_server.emails.mail_server import MailServer, MailServerForbidden, Security

RESOLVE_AND_CONNECT_SECONDS = 22  # 7 for the name, 15 for the connection (contract 08 §1.1)
GREETING_SECONDS = 10
SILENCE_SECONDS = 20
VERDICT_SECONDS = 60  # of a server that looks through the text; RFC 5321 §4.5.3.2.6 would have ten minutes
_COMPLETED, _START_INPUT = 250, 354
_ADDRESSES_TRIED = 2


class SmtpConnection:
    """A connection that is open and logged in."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self.is_used = False

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed it."""
        return self._client.is_connected

    async def offer(self, sender: str, recipients: Sequence[str]) -> None:
        """MAIL, RCPT, DATA. Raises what the library raises; a refused recipient refuses the message, since an entry gives at most one."""
        self.is_used = True
        try:
            await self._client.mail(sender)
            for recipient in recipients:
                await self._client.rcpt(recipient)
            response = await self._client.execute_command(b"DATA")
            if response.code != _START_INPUT:
                raise aiosmtplib.SMTPDataError(response.code, response.message)
        except aiosmtplib.SMTPResponseException:
            await self._reset()
            raise

    def withdraw(self) -> None:
        """Takes an offer back: a server that waits for the text can only be left."""
        self._client.close()

    async def hand_over(self, message: bytes) -> None:
        """The text. An SMTPResponseException is the server's clear no; after anything else the fate of the message is unknown."""
        protocol = self._client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("The connection was closed before the text.")
        try:
            protocol.write(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            response = await protocol.read_response(timeout=VERDICT_SECONDS)
        except aiosmtplib.SMTPTimeoutError:
            self._client.close()
            raise
        if response.code != _COMPLETED:
            await self._reset()
            raise aiosmtplib.SMTPDataError(response.code, response.message)

    async def close(self) -> None:
        """Says goodbye, without waiting long for an answer."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            if self._client.is_connected:
                await self._client.quit(timeout=1)
        self._client.close()

    async def _reset(self) -> None:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            if self._client.is_connected:
                await self._client.rset()


async def connect(server: MailServer, own_name: str) -> SmtpConnection:
    """Opens a connection, encrypts it as the server is configured to, and logs in where the server offers that.

    Raises aiosmtplib.SMTPException, OSError, TimeoutError.
    """
    context = await asyncio.to_thread(_verifying_context) if server.security is not Security.NONE else None
    connection = None if server.is_shared else await _guarded_socket(server)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port if connection is None else None,
        sock=connection,
        local_hostname=own_name,
        use_tls=server.security is Security.TLS,
        start_tls=False,
        tls_context=context,
        timeout=SILENCE_SECONDS,
    )
    try:
        async with asyncio.timeout(RESOLVE_AND_CONNECT_SECONDS + GREETING_SECONDS):
            await client.connect(timeout=RESOLVE_AND_CONNECT_SECONDS)
        await client.ehlo()
        if server.security in (Security.STARTTLS, Security.STARTTLS_IF_OFFERED):
            await _encrypt(client, required=server.security is Security.STARTTLS)
        if server.username is not None and client.supports_extension("auth"):
            await client.login(server.username, server.password or "")
    except BaseException:
        client.close()
        raise
    return SmtpConnection(client)


async def _guarded_socket(server: MailServer) -> socket.socket:
    """A connection to a project's server: to an address that was checked, not to a name that may mean another one a moment later.

    Raises OSError, TimeoutError, and MailServerForbidden for what lies in a network that is not for projects.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(RESOLVE_AND_CONNECT_SECONDS):
        found = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        if not all(may_connect(str(place[0]), server.allowed) for _, _, _, _, place in found):
            raise MailServerForbidden
        failure: OSError = OSError("no address")
        for family, kind, protocol, _, place in found[:_ADDRESSES_TRIED]:
            connection = socket.socket(family, kind, protocol)
            connection.setblocking(False)
            try:
                await loop.sock_connect(connection, place)
            except OSError as error:
                connection.close()
                failure = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise failure


async def _encrypt(client: aiosmtplib.SMTP, *, required: bool) -> None:
    if client.supports_extension("starttls"):
        await client.starttls()
        await client.ehlo()
    elif required:
        raise aiosmtplib.SMTPNotSupported("it does not offer STARTTLS, and nothing is sent in clear")


@cache
def _verifying_context() -> ssl.SSLContext:
    """Trusts what this machine trusts (`SSL_CERT_FILE` adds to that); made once, in a thread: reading the certificates takes 30 ms."""
    return ssl.create_default_context()
