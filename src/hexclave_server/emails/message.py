"""A rendered email as the bytes of a message (RFC 5322, MIME).

Written by hand because the standard library takes 1.2 ms for what takes 0.1 ms here. Whatever comes from outside passes `one_line` or is
encoded, so that no header can be added, and bodies are quoted-printable, so that no line is too long or ends a message.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from email.charset import QP, Charset
from email.header import Header
from email.utils import formatdate, quote

from hexclave_server.core import clock
from hexclave_server.emails.rendering import Content, one_line

_CRLF = "\r\n"
_LONGEST_NAME = 100
_UTF_8 = Charset("utf-8")
_UTF_8.header_encoding = QP


def compose(content: Content, *, sender_name: str, sender_address: str, recipients: Sequence[str], message_id: str) -> bytes:
    """The message. Addresses have passed `accept_address`; `message_id` (a UUID) becomes the Message-ID and the boundary of the parts."""
    boundary = f"={message_id}="  # quoted-printable text never holds "=" before this
    headers = (
        f"From: {_sender(one_line(sender_name), sender_address)}",
        "To: " + f",{_CRLF} ".join(recipients),
        f"Subject: {_text('Subject', one_line(content.subject))}",
        f"Date: {formatdate(clock.now_millis() / 1000)}",
        f"Message-ID: <{message_id}@{sender_address.rpartition('@')[2]}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
    )
    lines = [*headers, ""]
    for kind, body in (("plain", content.text), ("html", content.html)):
        part = (
            f"--{boundary}",
            f"Content-Type: text/{kind}; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            _body(body),
        )
        lines.extend(part)
    lines += [f"--{boundary}--", ""]
    return _CRLF.join(lines).encode("ascii")


def _sender(name: str, address: str) -> str:
    name = name[:_LONGEST_NAME]
    if not name:
        return address
    if name.isascii() and "=?" not in name:
        return f'"{quote(name)}"{_CRLF} <{address}>'
    return f"{_text('From', name)}{_CRLF} <{address}>"


def _text(header: str, text: str) -> str:
    """Encoded where it is not ASCII or looks encoded already, folded where it is long."""
    charset: Charset | str = "us-ascii" if text.isascii() and "=?" not in text else _UTF_8
    return Header(text, charset, header_name=header).encode(linesep=_CRLF)


def _body(text: str) -> str:
    lines = "\n".join(text.splitlines())
    return binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True).decode("ascii").replace("\n", _CRLF)
