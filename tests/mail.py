"""A mail server for tests: takes messages by SMTP in a thread of the test process and reads them as a mail client would."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

ACCEPTED = "250 OK"
_URL = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Mail:
    """One message as it arrived. `recipients` are those of the envelope, `message` is all of it."""

    message: EmailMessage
    recipients: tuple[str, ...]
    envelope_sender: str
    raw: bytes

    @property
    def subject(self) -> str:
        return str(self.message["subject"])

    @property
    def sender(self) -> str:
        """The From header: `Name <address>`."""
        return str(self.message["from"])

    @property
    def to(self) -> str:
        return str(self.message["to"])

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def link(self) -> str:
        """The first URL of the text."""
        found = _URL.search(self.text)
        assert found is not None, f"no link in:\n{self.text}"
        return found.group()

    @property
    def code(self) -> str:
        """The query parameter `code` of the link."""
        return parse_qs(urlsplit(self.link).query)["code"][0]

    def _part(self, kind: str) -> str:
        part: Any = self.message.get_body((kind,))
        assert part is not None, f"no text/{kind} part"
        return str(part.get_content())


@dataclass
class _Inbox:
    """What arrived; `unread` in the order of arrival."""

    all: list[Mail] = field(default_factory=list)
    unread: list[Mail] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)


class _Handler:
    """Answers as the test wants: each hook gets the address (or all recipients) and returns a reply line, None to take it."""

    def __init__(self, inbox: _Inbox) -> None:
        self.inbox = inbox
        self.on_recipient: Callable[[str], str | None] = lambda _address: None
        self.on_data: Callable[[list[str]], str | None] = lambda _addresses: None
        self.data_delay: Callable[[list[str]], float] = lambda _addresses: 0
        self.most_sessions: int | None = None
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()

    async def handle_EHLO(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self._sessions.add(session)
        if self.most_sessions is not None and len(self._sessions) > self.most_sessions:
            self._sessions.discard(session)
            return ["421 4.7.0 Too many connections"]
        return responses

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self.on_recipient(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        addresses = list(envelope.rcpt_tos)
        refusal = self.on_data(addresses)
        if refusal is not None:
            return refusal
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        mail = Mail(message, tuple(addresses), envelope.mail_from or "", content)
        with self.inbox.changed:
            self.inbox.all.append(mail)
            self.inbox.unread.append(mail)
            self.inbox.changed.notify_all()
        await asyncio.sleep(self.data_delay(addresses))
        return ACCEPTED


class SmtpReceiver:
    """A mail server on a free port of this machine. `stop` and `start` make it go away and come back on the same port.

    `tls` is for STARTTLS, `implicit_tls` for TLS from the first byte; `login` is the pair of user name and password that AUTH wants.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, implicit_tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._inbox = _Inbox()
        self.handler = _Handler(self._inbox)
        self.logins: list[tuple[str, str]] = []
        self._tls, self._implicit_tls, self._login = tls, implicit_tls, login
        self._controller: Controller | None = None

    @property
    def is_running(self) -> bool:
        return self._controller is not None

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a server that sends here in clear."""
        return {
            "HEXCLAVE_SMTP_HOST": "127.0.0.1",
            "HEXCLAVE_SMTP_PORT": str(self.port),
            "HEXCLAVE_SMTP_SECURITY": "none",
            "HEXCLAVE_SMTP_SENDER": "noreply@auth.example.com",
        }

    def start(self) -> Self:
        login = self._login

        def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
            from aiosmtpd.smtp import AuthResult

            self.logins.append((data.login.decode(), data.password.decode()))
            return AuthResult(success=self.logins[-1] == login, handled=False)

        options: dict[str, Any] = {"tls_context": self._tls} if self._tls else {}
        if login is not None:
            options |= {"authenticator": authenticate, "auth_required": self._tls is not None, "auth_require_tls": self._tls is not None}
        self._controller = Controller(
            self.handler, hostname="127.0.0.1", port=self.port, ssl_context=self._implicit_tls, ready_timeout=20, **options
        )
        self._controller.start()
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what tests ask of it ---

    def wait_for(self, address: str, *, subject: str = "", seconds: float = 10) -> Mail:
        """The oldest unread message to this address whose subject contains `subject`; it is read then."""
        deadline = time.monotonic() + seconds
        with self._inbox.changed:
            while True:
                for mail in self._inbox.unread:
                    if _is_to(mail, address) and subject in mail.subject:
                        self._inbox.unread.remove(mail)
                        return mail
                left = deadline - time.monotonic()
                if left <= 0:
                    others = [(mail.recipients, mail.subject) for mail in self._inbox.unread[-5:]]
                    raise AssertionError(f"no mail to {address} with {subject!r} within {seconds} s; unread: {others}")
                self._inbox.changed.wait(left)

    def none_for(self, address: str) -> None:
        """Fails when an unread message to this address has arrived. Ask it after a later message has arrived, or it proves little."""
        assert not self.unread_for(address)

    def unread_for(self, address: str) -> list[Mail]:
        """All unread messages to this address, oldest first; they stay unread."""
        with self._inbox.changed:
            return [mail for mail in self._inbox.unread if _is_to(mail, address)]

    def all_for(self, address: str) -> list[Mail]:
        """Every message that ever arrived for this address."""
        with self._inbox.changed:
            return [mail for mail in self._inbox.all if _is_to(mail, address)]

    def wait_for_count(self, count: int, seconds: float = 30) -> list[Mail]:
        """Waits until so many messages have arrived in all; all of them."""
        deadline = time.monotonic() + seconds
        with self._inbox.changed:
            while len(self._inbox.all) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self._inbox.all)} of {count} mails within {seconds} s"
                self._inbox.changed.wait(left)
            return list(self._inbox.all)


def _is_to(mail: Mail, address: str) -> bool:
    return address.lower() in (recipient.lower() for recipient in mail.recipients)
