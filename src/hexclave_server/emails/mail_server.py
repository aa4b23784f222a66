"""Through which mail server a project sends, and in whose name (contract 08 §1.1)."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hexclave_server.core.outgoing_addresses import Network
from hexclave_server.projects.trusted_urls import is_local_host
from hexclave_server.settings import Settings

TLS_PORTS = (465, 2465)
_VENDOR = {"host": "smtp.resend.com", "port": 465, "username": "resend"}


class Security(enum.Enum):
    """How the connection is encrypted."""

    NONE = "none"
    STARTTLS = "starttls"
    STARTTLS_IF_OFFERED = "starttls-if-offered"
    TLS = "tls"


class MailServer(msgspec.Struct, frozen=True):
    """A server to send through. Equal ones share connections, and their troubles.

    The operator's may be anywhere; one that a project names is on a public address, or in one of the networks `allowed` (QUALITY D7).
    """

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = None
    is_shared: bool = False
    allowed: tuple[Network, ...] = ()

    def __repr__(self) -> str:
        return f"<MailServer {self.host}:{self.port}>"


class Mailbox(msgspec.Struct, frozen=True):
    """No server: the entry in the outbox is the letter in the mailbox."""


class Route(msgspec.Struct, frozen=True):
    """The way of a project's mails."""

    via: MailServer | Mailbox
    sender_name: str
    sender_address: str


class MailServerIncomplete(Exception):
    """The project's own mail server lacks something; the message names it."""


class MailServerForbidden(OSError):
    """A project's own mail server lies in a network that the operator did not open to projects."""


def shared_server(settings: Settings) -> MailServer | None:
    """The operator's server; None when there is none."""
    if settings.smtp_host is None:
        return None
    security = Security(settings.smtp_security)
    return MailServer(settings.smtp_host, settings.smtp_port, security, settings.smtp_username, settings.smtp_password, is_shared=True)


def shared_sender(settings: Settings) -> str:
    """The address that the operator's mails come from: the setting, else `noreply@` the server's public name."""
    if settings.smtp_sender is not None:
        return parseaddr(settings.smtp_sender)[1]
    return f"noreply@{own_name(settings)}"


def has_mailbox_page(settings: Settings) -> bool:
    """Whether emails can be read at `/dev/mailbox`: none are sent, and the server is known by a name of this machine only."""
    host = urlsplit(settings.public_url).hostname or ""
    return settings.smtp_host is None and is_name_of_this_machine(host)


def is_name_of_this_machine(host: str) -> bool:
    """Whether nobody but this machine finds a server under this name or address."""
    return is_local_host(host) or host == "::1"


def own_name(settings: Settings) -> str:
    """The public host name of this server; `localhost` where it has only an address."""
    host = urlsplit(settings.public_url).hostname or "localhost"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return "localhost"


def route_of(settings: Settings, project_name: str, config: Mapping[str, Any]) -> Route:
    """The way of a project with this rendered configuration. Raises MailServerIncomplete."""
    own = config["emails"]["server"]
    if own["isShared"]:
        return Route(shared_server(settings) or Mailbox(), project_name, shared_sender(settings))
    if own["provider"] == "managed":
        address = f"{_get(own, 'managedSenderLocalPart')}@{_get(own, 'managedSubdomain')}"
        own = {**own, **_VENDOR, "senderName": project_name, "senderEmail": address}
    port = int(_get(own, "port"))
    security = Security.TLS if port in TLS_PORTS else Security.STARTTLS_IF_OFFERED
    credentials = own.get("username"), own.get("password")
    server = MailServer(_get(own, "host"), port, security, *credentials, allowed=settings.outgoing_allow)
    return Route(server, _get(own, "senderName"), _get(own, "senderEmail"))


def _get(server: Mapping[str, Any], name: str) -> Any:
    value = server.get(name)
    if value is None:
        raise MailServerIncomplete(f"The mail server of the project is not complete: `emails.server.{name}` is missing.")
    return value
