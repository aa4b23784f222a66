"""How a browser is sent on: to its application, with a code or an error, or to a page that says what to do (contract 03 §2, §3).

Programs get errors as everywhere in the API; whoever prefers HTML is a person in front of a browser, and gets the same status with a page.
"""

from __future__ import annotations

from email.utils import formatdate
from html import escape

from hexclave_server.core import clock
from hexclave_server.core.errors import KnownError, PlainError
from hexclave_server.core.html import html_page
from hexclave_server.core.http import NO_STORE, Header, Request, Response, json_response, text_response
from hexclave_server.core.rendering import known_error_response
from hexclave_server.oauth import redirects
from hexclave_server.oauth.callback import COOKIE_PREFIX, Return
from hexclave_server.oauth.flows import LIFETIME_MILLIS

_EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"


def set_cookie(inner_state: str, *, secure: bool) -> Header:
    """Binds a flow to this browser. No SameSite attribute: Apple comes back with a cross-site POST."""
    expires = formatdate((clock.now_millis() + LIFETIME_MILLIS) / 1000, usegmt=True)
    attributes = f"Path=/; Expires={expires}; Max-Age={LIFETIME_MILLIS // 1000};{' Secure;' if secure else ''} HttpOnly"
    return b"set-cookie", f"{COOKIE_PREFIX}{inner_state}=true; {attributes}".encode("ascii")


def delete_cookie(inner_state: str) -> Header:
    """Ends the binding, whatever became of the flow."""
    return b"set-cookie", f"{COOKIE_PREFIX}{inner_state}=; Path=/; Expires={_EPOCH}".encode("ascii")


def with_code(url: str) -> Response:
    """To the application, with a code. By 303, so that a provider's POST does not go on to it."""
    return json_response({}, 303, [NO_STORE, (b"location", redirects.location(url))])


def with_known_error(request: Request, error: KnownError, back: Return) -> Response:
    """To the first page of the application that the project trusts; where it trusts none, the error itself."""
    for url in (back.flow.redirect_uri, back.flow.error_redirect_uri):
        if url is not None and redirects.may_receive_errors(url, back.project.config):
            return Response(307, b"", [NO_STORE, (b"location", redirects.location(redirects.with_error(url, error)))])
    return directly(request, error)


def directly(request: Request, error: KnownError | PlainError) -> Response:
    """An error that no application is told of."""
    if not prefers_html(request):
        return known_error_response(error) if isinstance(error, KnownError) else text_response(error.text, error.status)
    if isinstance(error, PlainError):
        return _page(error.text, error.status)
    page = _page(error.message, error.status)
    page.headers.append((b"x-stack-known-error", str(error.code).encode()))
    return page


def prefers_html(request: Request) -> bool:
    """Whether a browser asks for a page: programs ask for anything, or for JSON."""
    return "text/html" in (request.header(b"accept") or "").lower()


def _page(text: str, status: int) -> Response:
    body = f'<h1>Signing in did not work</h1>\n<p role="alert">{escape(text)}</p>\n<p>You can close this page.</p>'
    return html_page("Signing in did not work", body, status)
