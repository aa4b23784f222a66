"""How answers leave: the headers that every answer has, and every error in the form of the contract (contract 00 §3, §6, §10)."""

from __future__ import annotations

from typing import Any

import msgspec

from hexclave_server.core.db import DatabaseUnavailable
from hexclave_server.core.errors import KnownError, OAuthProtocolError, PlainError, RateLimited, Unavailable
from hexclave_server.core.http import JSON, NO_STORE, Header, Request, Response, text_response
from hexclave_server.core.known_errors import BodyParsingError
from hexclave_server.core.schema import BodyUnparsable

_SUFFIXES = (
    "project-id",
    "branch-id",
    "override-error-status",
    "random-nonce",
    "client-version",
    "disable-artificial-development-delay",
    "access-type",
    "publishable-client-key",
    "secret-server-key",
    "super-secret-admin-key",
    "admin-access-token",
    "refresh-token",
    "access-token",
    "allow-anonymous-user",
    "allow-restricted-user",
)
_ALLOWED_HEADERS = ", ".join(
    [
        "content-type",
        "authorization",
        "baggage",
        "sentry-trace",
        "x-vercel-protection-bypass",
        "ngrok-skip-browser-warning",
        *(f"x-{family}-{suffix}" for family in ("stack", "hexclave") for suffix in _SUFFIXES),
    ]
).encode()
_EXPOSED_HEADERS = ", ".join(
    [
        "content-type",
        "retry-after",
        *(f"x-{family}-{s}" for family in ("stack", "hexclave") for s in ("actual-status", "known-error", "request-id")),
    ]
).encode()

SECURITY_HEADERS: tuple[Header, ...] = (
    (b"server", b"hexclave"),  # the HTTP server sends one in any case: without a version
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
)
API_HEADERS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-max-age", b"86400"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS),
    (b"vary", _ALLOWED_HEADERS),
    (b"access-control-expose-headers", _EXPOSED_HEADERS),
    *SECURITY_HEADERS,
)

_CLIENT_ERRORS = range(400, 500)


def error_response(error: BaseException, request: Request) -> Response | None:
    """The answer to an error that the contract knows; None for one that nobody expected."""
    if isinstance(error, KnownError):
        return known_error_response(error)
    if isinstance(error, PlainError):
        return text_response(error.text, error.status)
    if isinstance(error, BodyUnparsable):
        return known_error_response(BodyParsingError(reason=str(error)))
    if isinstance(error, RateLimited):
        details = {"retry_after_seconds": error.retry_after_seconds}
        text = f"Too many requests. Try again in {error.retry_after_seconds} seconds."
        return _waiting(429, {"code": "RATE_LIMIT_EXCEEDED", "details": details, "error": text}, error.retry_after_seconds)
    if isinstance(error, Unavailable | DatabaseUnavailable):
        text = "The server cannot answer this request now. Try again in a moment."
        return _waiting(503, {"code": "SERVICE_UNAVAILABLE", "error": text}, error.retry_after_seconds)
    if isinstance(error, OAuthProtocolError):
        body = {"error": error.error, "error_description": error.description}
        return Response(error.status, msgspec.json.encode(body), [JSON, (b"cache-control", b"no-store"), (b"pragma", b"no-cache")])
    del request
    return None


def known_error_response(error: KnownError) -> Response:
    """A known error: its code as header and in an indented JSON body (contract 00 §6)."""
    body: dict[str, Any] = {"code": error.code}
    details = error.details()
    if details is not None:
        body["details"] = details
    body["error"] = error.message
    encoded = msgspec.json.format(msgspec.json.encode(body), indent=2)
    return Response(error.status, encoded, [JSON, NO_STORE, (b"x-stack-known-error", str(error.code).encode())])


def _waiting(status: int, body: dict[str, Any], seconds: int) -> Response:
    return Response(status, msgspec.json.encode(body), [JSON, NO_STORE, (b"retry-after", str(seconds).encode())])


def unexpected_error_response(request: Request) -> Response:
    """500 for what nobody expected; names the request so that the operator finds it in the log."""
    return text_response(f"Something went wrong on the server. Its log says more about request {request.id}.", 500)


def headers_of_a_page(response: Response) -> tuple[Header, ...]:
    """What every answer outside the API has, except where a page brings a stricter header of its own."""
    own = {name for name, _ in response.headers}
    return tuple(header for header in SECURITY_HEADERS if header[0] not in own)


def finish(request: Request, response: Response, common: tuple[Header, ...], *, with_request_id: bool = True) -> None:
    """Completes an answer in place: common headers, request id, hidden 4xx status, twins of the newer header family."""
    headers = response.headers
    if with_request_id:
        headers.append((b"x-stack-request-id", request.id.encode()))
    if response.status in _CLIENT_ERRORS and b"override-error-status" in request.protocol:
        headers.append((b"x-stack-actual-status", str(response.status).encode()))
        response.status = 200
    if request.speaks_hexclave:
        headers.extend([(b"x-hexclave-" + name[8:], value) for name, value in headers if name.startswith(b"x-stack-")])
    if b"text/html" in request.headers.get(b"accept", b"") and response.body and JSON in headers:
        response.body = msgspec.json.format(response.body, indent=2)
    headers.extend(common)
    if response.chunks is None:
        headers.append((b"content-length", str(len(response.body)).encode()))
