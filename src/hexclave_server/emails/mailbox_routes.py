"""`/dev/mailbox`: the local mailbox for the developer on this machine, as pages and as JSON.

It holds one-time codes of everyone, so it is there only while no mail server is configured and the server's public URL is on this machine
(a proxy on the same machine may hide from whom a request comes), and only for a browser or program on this very machine that asks for it by
a name of this machine: not through a proxy, not for a page of another site (DNS rebinding, `fetch`).
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import PUBLIC, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Request, Response, json_response
from hexclave_server.core.limits import READ
from hexclave_server.core.schema import Body
from hexclave_server.emails import mailbox, mailbox_page
from hexclave_server.emails.mail_server import has_mailbox_page, is_name_of_this_machine
from hexclave_server.settings import Settings

_OF_PROXIES = (
    b"forwarded",
    b"via",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"cf-connecting-ip",
    b"x-vercel-forwarded-for",
)
_OWN_PAGES = (None, "none", "same-origin")


class MailPath(Body):
    """The message that the path names."""

    mail_id: str


@endpoint("GET /dev/mailbox", access=PUBLIC, limit=READ, media_type="text/html", shown=False)
async def show_mailbox(call: Call) -> Response:
    """All emails that were kept on this machine"""
    require_local(call.request, call.settings)
    mails = await mailbox.list_mails(call.parts)
    return json_response(mails) if _wants_json(call.request) else mailbox_page.inbox(mails)


@endpoint("GET /dev/mailbox/{mail_id}", access=PUBLIC, limit=READ, media_type="text/html", shown=False)
async def show_mail(call: Call, path: MailPath) -> Response:
    """One email that was kept on this machine"""
    require_local(call.request, call.settings)
    mail = await mailbox.find_mail(call.parts, path.mail_id)
    if mail is None:
        raise PlainError(404, "There is no such email.")
    return json_response(mail) if _wants_json(call.request) else mailbox_page.message(mail)


def require_local(request: Request, settings: Settings) -> None:
    """Raises the 404 of a path that does not exist unless the mailbox is in use and whoever asks is on this machine."""
    if not has_mailbox_page(settings) or not is_local(request):
        raise PlainError(404, "Not found.")


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine, straight, and not from another site's page in a browser of this machine."""
    if any(name in request.headers for name in _OF_PROXIES) or not _is_loopback(request.peer):
        return False
    if request.header(b"sec-fetch-site") not in _OWN_PAGES or request.header(b"origin") is not None:
        return False
    try:
        host = urlsplit(f"//{request.header(b'host') or ''}").hostname
    except ValueError:
        return False
    return host is not None and is_name_of_this_machine(host)


def _is_loopback(peer: str | None) -> bool:
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _wants_json(request: Request) -> bool:
    return "application/json" in (request.header(b"accept") or "")


ENDPOINTS = [show_mailbox, show_mail]
