"""The ASGI application: the fixed order of checks around every endpoint (contract 00 §2, §7; DESIGN of a request in ARCHITECTURE.md).

Outermost first: path and method, address limit, body, credentials, limits by project and user, endpoint, error rendering, headers, log.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from hexclave_server.core.access import resolve_caller
from hexclave_server.core.client_address import client_address
from hexclave_server.core.context import Access, Call, Caller
from hexclave_server.core.db import ForeignKeyViolation
from hexclave_server.core.endpoint import NO_BODY, Endpoint, RawBody, read_kind
from hexclave_server.core.errors import PlainError, RateLimited, Unavailable
from hexclave_server.core.http import BodyBudget, Receive, Request, Response, Scope, Send, read_body, text_response, valid_utf8
from hexclave_server.core.idempotency import wants_one_effect, with_one_effect
from hexclave_server.core.limits import READ
from hexclave_server.core.rendering import (
    API_HEADERS,
    SECURITY_HEADERS,
    error_response,
    finish,
    headers_of_a_page,
    unexpected_error_response,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from hexclave_server.core.context import Parts
    from hexclave_server.core.limits import Limit
    from hexclave_server.core.log import RequestLog
    from hexclave_server.core.router import Router

VERSIONS = frozenset((b"v1", b"v2beta1", b"v2beta2", b"v2beta3", b"v2beta4", b"v2beta5", b"latest"))
MAX_IN_FLIGHT = 1000
SEND_SECONDS = 15
SENT_AT_ONCE = 64 * 1024  # the HTTP server holds a number of pieces for a client that is slower than we are, whatever their size

_COUNTED_BY_PROJECT = ("server", "admin")  # once their key has proved right; a wrong one counts against its address


class Application:
    """Answers requests under `/api/` from one router and everything else from another."""

    def __init__(
        self, parts: Parts, api: Router, site: Router, log: RequestLog, health: Callable[[Request], Awaitable[Response | None]]
    ) -> None:
        self._parts = parts
        self._api = api
        self._site = site
        self._log = log
        self._health = health
        self._in_flight = 0
        self._bodies = BodyBudget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        started = time.perf_counter()
        request = Request(scope)
        self._in_flight += 1
        try:
            response = await self._answer(request, receive)
            await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
            if response.chunks is not None:
                await _send_chunks(response.chunks, send)
            await send({"type": "http.response.body", "body": response.body})
        finally:
            self._in_flight -= 1
        self._log.record(request, response, time.perf_counter() - started)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        path = request.raw_path
        in_api = path.startswith(b"/api/") or path == b"/api"
        if in_api and path.endswith(b"/"):
            response = _without_trailing_slash(request)
            finish(request, response, API_HEADERS, with_request_id=False)
            return response
        with_request_id = True
        try:
            if not in_api and (health := await self._health(request)) is not None:
                finish(request, health, SECURITY_HEADERS)
                return health
            if self._in_flight > MAX_IN_FLIGHT:
                raise Unavailable(retry_after_seconds=1)
            _require_one_host(request)
            if in_api and request.method == "OPTIONS":
                response, with_request_id = Response(200), False
            else:
                response, with_request_id = await self._route(request, receive, in_api=in_api)
        except Exception as error:  # noqa: BLE001 - the one place where every error becomes an answer
            response = self._error_response(error, request)
        response.headers.extend(self._parts.limiter.headers(request.limits))
        finish(request, response, API_HEADERS if in_api else headers_of_a_page(response), with_request_id=with_request_id)
        return response

    def _error_response(self, error: Exception, request: Request) -> Response:
        if isinstance(error, ForeignKeyViolation):  # deleted meanwhile: the project, the user, the team that the request is about
            self._log.unexpected(request, error)
            error = Unavailable(retry_after_seconds=1)
        response = error_response(error, request)
        if response is None:
            self._log.unexpected(request, error)
            response = unexpected_error_response(request)
        return response

    async def _route(self, request: Request, receive: Receive, *, in_api: bool) -> tuple[Response, bool]:
        found = self._find(request.raw_path, in_api=in_api)
        if found is None:
            request.client = client_address(request.peer, request.joined_header, self._parts.settings.trusted_proxies)
            self._count(request, READ.by_address, request.address)
            await resolve_caller(request, self._parts)
            return text_response(f"There is nothing at {_url(request)}.", 404), True
        methods, values = found
        endpoint = methods.get(request.method)
        if endpoint is None:
            if request.method == "HEAD":
                return text_response("HEAD is not supported here.", 405), False
            return Response(405), False
        request.route = endpoint.path
        return await self._serve(request, receive, endpoint, values), True

    def _find(self, path: bytes, *, in_api: bool) -> tuple[dict[str, Endpoint], list[str]] | None:
        if not in_api:
            return self._site.find(path)
        version, _, rest = path[5:].partition(b"/")
        return self._api.find(b"/" + rest) if version in VERSIONS else None

    async def _serve(self, request: Request, receive: Receive, endpoint: Endpoint, values: list[str]) -> Response:
        parts = self._parts
        request.client = client_address(request.peer, request.joined_header, parts.settings.trusted_proxies)
        by_address = endpoint.limit.by_address
        if request.protocol.get(b"access-type") not in _COUNTED_BY_PROJECT:
            self._count(request, by_address, request.address)
        admitted: Caller | None = None

        async def admit() -> None:
            nonlocal admitted
            admitted = await self._caller(request, by_address)
            endpoint.require_access(admitted.access)

        body = await self._body(request, receive, endpoint, admit)
        try:
            if self._in_flight > MAX_IN_FLIGHT:
                raise Unavailable(retry_after_seconds=1)
            try:
                caller = admitted or await self._caller(request, by_address)
            except Exception:
                body.require_syntax()
                raise
            self._limit_caller(request, caller, endpoint)
            call = Call(parts, request, caller)
            if wants_one_effect(call):
                return await with_one_effect(call, body.data, lambda: endpoint.run(call, values, body))
            return await endpoint.run(call, values, body)
        finally:
            self._bodies.give_back(len(body.data))

    async def _caller(self, request: Request, by_address: Limit) -> Caller:
        """Who calls; wrong credentials count against the address they came from."""
        try:
            return await resolve_caller(request, self._parts)
        except Exception:
            if not request.limits:
                self._count(request, by_address, request.address)
            raise

    def _limit_caller(self, request: Request, caller: Caller, endpoint: Endpoint) -> None:
        """The traffic limits by project and by user (contract 00 §10), after the credentials were accepted."""
        if caller.project is None:
            return
        if caller.access is not Access.CLIENT:
            self._count(request, endpoint.limit.by_project, caller.project.id)
        elif caller.claims is not None:
            self._count(request, endpoint.limit.by_user, caller.claims.user_id)

    def _count(self, request: Request, limit: Limit, key: str) -> None:
        """Counts the request, for its answer to name the limit also when it is refused. Raises RateLimited when it is one too many."""
        state = self._parts.limiter.hit(limit, key)
        request.limits.append(state)
        if not state.allowed:
            raise RateLimited(retry_after_seconds=state.retry_after_seconds)

    async def _body(self, request: Request, receive: Receive, endpoint: Endpoint, admit: Callable[[], Awaitable[None]]) -> RawBody:
        """The body. While it arrives the request does not count as in flight: those who send slowly must not keep out the others."""
        if request.method == "GET":
            return NO_BODY
        kind = read_kind(request)
        self._in_flight -= 1
        try:
            data = await read_body(receive, request, endpoint.body_limit, admit, self._bodies)
        finally:
            self._in_flight += 1
        if kind == "none":
            self._bodies.give_back(len(data))
            return NO_BODY
        valid = valid_utf8(data)
        if len(valid) != len(data):
            self._bodies.give_back(len(data) - len(valid))
        return RawBody(kind, valid)


async def _send_chunks(chunks: AsyncIterator[bytes], send: Send) -> None:
    """Sends an answer while it is made. A client that takes nothing for 15 s loses the connection: what is read for him holds resources."""
    async with aclosing(cast("AsyncGenerator[bytes]", chunks)):
        async for chunk in chunks:
            for start in range(0, len(chunk), SENT_AT_ONCE):
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": chunk[start : start + SENT_AT_ONCE], "more_body": True})


def _require_one_host(request: Request) -> None:
    """RFC 9112 §3.2: a request with no Host or several is answered with 400. The HTTP server hands on a missing one as empty."""
    if request.scope["http_version"] != "1.1":
        return
    hosts = [value for name, value in request.scope["headers"] if name == b"host"]
    if len(hosts) != 1 or not hosts[0]:
        raise PlainError(400, "A request needs exactly one Host header.")


def _without_trailing_slash(request: Request) -> Response:
    location = request.raw_path.rstrip(b"/")
    if request.query_string:
        location += b"?" + request.query_string
    return Response(308, b"", [(b"location", location)])


def _url(request: Request) -> str:
    """Path and query as the client sent them, for error texts."""
    query = "?" + request.query_string.decode("latin-1") if request.query_string else ""
    return request.raw_path.decode("latin-1") + query
