"""The declaration of an endpoint, and the way of a call through it (contract 00 §2 steps 9 and 10).

Everything declared here is data: the router, the traffic limits, the OpenAPI documents and the conformance test read the same object.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hexclave_server.core.constraints import ME, uuid_or_me
from hexclave_server.core.context import Access, Call
from hexclave_server.core.errors import KnownError
from hexclave_server.core.http import NO_STORE, Request, Response, json_response, parse_form
from hexclave_server.core.known_errors import (
    AccessTypeRequired,
    BodyParsingError,
    CannotGetOwnUserWithoutUser,
    InsufficientAccessType,
    SchemaError,
)
from hexclave_server.core.limits import LimitClass
from hexclave_server.core.schema import BodyUnparsable, Defects, decode_json, decode_value, parse_json, shape_of
from hexclave_server.core.throttles import Throttle

PUBLIC, CLIENT, SERVER, ADMIN = Access.PUBLIC, Access.CLIENT, Access.SERVER, Access.ADMIN

KIB = 1024
DEFAULT_BODY_LIMIT = 2 * KIB * KIB
AUTH_BODY_LIMIT = 64 * KIB
PROJECT_BODY_LIMIT = 6 * KIB * KIB
CONFIG_BODY_LIMIT = 16 * KIB * KIB

Handler = Callable[..., Awaitable[Any]]
Struct = type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class ByAccess:
    """One shape per access type; admin is as server unless named."""

    client: Struct
    server: Struct
    admin: Struct | None = None

    def of(self, access: Access) -> Struct:
        """The shape for an access type."""
        if access is Access.ADMIN:
            return self.admin or self.server
        return self.server if access is Access.SERVER else self.client


class RawBody(msgspec.Struct, frozen=True):
    """A request body before it is decoded: `none`, `json`, `form`, `text` or `bytes`."""

    kind: str = "none"
    data: bytes = b""

    def require_syntax(self) -> None:
        """Raises BodyUnparsable for a JSON body that is not JSON."""
        if self.kind == "json":
            parse_json(self.data)


NO_BODY = RawBody()
BODY_KINDS = {
    "": "none",
    "application/json": "json",
    "application/x-www-form-urlencoded": "form",
    "text/plain": "text",
    "application/octet-stream": "bytes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method on one path, with everything that is declared about it."""

    method: str
    path: str
    access: Access
    limit: LimitClass
    handler: Handler
    throttle: Throttle | None = None
    tags: Sequence[str] = ()
    status: int = 200
    other_statuses: Sequence[int] = ()  # of success too, with the same shape; the handler chooses
    errors: Sequence[type[KnownError]] = ()
    body_limit: int = DEFAULT_BODY_LIMIT
    user_required: bool = False
    body_optional: bool = False
    body: Struct | ByAccess | None = None
    query: Struct | None = None
    params: Struct | None = None
    returns: Struct | ByAccess | None = None
    media_type: str = "application/json"
    shown: bool = True
    me_fields: Sequence[tuple[str, str]] = field(default=())
    takes: frozenset[str] = frozenset()

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (inspect.getdoc(self.handler) or "").split("\n", 1)[0]

    def body_shape(self, access: Access) -> Struct | None:
        """The shape of the body for an access type."""
        return self.body.of(access) if isinstance(self.body, ByAccess) else self.body

    def answer_shape(self, access: Access) -> Struct | None:
        """The shape of the answer for an access type."""
        return self.returns.of(access) if isinstance(self.returns, ByAccess) else self.returns

    async def run(self, call: Call, values: list[str], body: RawBody) -> Response:
        """Checks and decodes the request, calls the handler, encodes what it returns.

        Raises the known errors of contract 00 §2 step 9 and those of the handler.
        """
        if self.me_fields and self._says_me(call.request, values, body) and await call.live_user_id() is None:
            raise CannotGetOwnUserWithoutUser
        self.require_access(call.access)
        arguments = await self._decode(call, values, body)
        result = await self.handler(**arguments)
        if isinstance(result, Response):
            return result
        return json_response(result, self.status)

    def require_access(self, access: Access) -> None:
        """Raises AccessTypeRequired or InsufficientAccessType for a caller who may not use the endpoint."""
        if access >= self.access:
            return
        if access is Access.PUBLIC:
            raise AccessTypeRequired
        raise InsufficientAccessType(actual_access_type=access.wire, allowed_access_types=self.access.and_higher)

    async def _decode(self, call: Call, values: list[str], body: RawBody) -> dict[str, Any]:
        arguments: dict[str, Any] = {"call": call} if "call" in self.takes else {}
        if "raw_body" in self.takes:
            arguments["raw_body"] = body
        defects: list[str] = []
        if self.params is not None:
            names = shape_of(self.params).fields
            self._attempt(
                arguments, "path", defects, lambda shape: decode_value(shape, dict(zip(names, values, strict=True)), "params"), self.params
            )
        if self.query is not None:
            self._attempt(arguments, "query", defects, lambda shape: _decode_query(shape, call.request), self.query)
        if self.body is not None:
            shape = typing.cast("Struct", self.body_shape(call.access))
            self._attempt(arguments, "body", defects, lambda shape: self._decode_body(shape, body), shape)
        else:
            body.require_syntax()
        if self.user_required and await call.live_user_id() is None:
            defects.append("auth.user is required: send the access token of a signed-in user")
        if defects:
            raise SchemaError(text="\n".join(defects))
        if self.me_fields:
            await self._replace_me(call, arguments)
        return arguments

    def _attempt(self, arguments: dict[str, Any], name: str, defects: list[str], decode: Callable[[Struct], Any], shape: Struct) -> None:
        try:
            value = decode(shape)
        except Defects as found:
            defects.extend(found.messages)
        else:
            if name in self.takes:
                arguments[name] = value

    def _decode_body(self, shape: Struct, body: RawBody) -> msgspec.Struct:
        if body.kind == "json":
            return decode_json(shape, body.data)
        if body.kind == "form":
            return decode_value(shape, parse_form(body.data), "body")
        if body.kind == "none":
            if self.body_optional:
                return shape()
            raise Defects(["body is required"])
        raise Defects(["body must be an object"])

    def _says_me(self, request: Request, values: list[str], body: RawBody) -> bool:
        for where, name in self.me_fields:
            if where == "path":
                names = list(shape_of(typing.cast("Struct", self.params)).fields)
                if values[names.index(name)] == ME:
                    return True
            elif where == "query":
                if request.query().get(name) == ME:
                    return True
            elif _body_says_me(body, name):
                return True
        return False

    async def _replace_me(self, call: Call, arguments: dict[str, Any]) -> None:
        for where, name in self.me_fields:
            holder = arguments.get(where)
            if holder is not None and getattr(holder, name) == ME:
                setattr(holder, name, await call.live_user_id())


def _decode_query(shape: Struct, request: Request) -> msgspec.Struct:
    if not request.query_string and not any(f.required for f in shape_of(shape).fields.values()):
        return shape()
    return decode_value(shape, request.query(), "query")


def _body_says_me(body: RawBody, name: str) -> bool:
    if body.kind == "form":
        return parse_form(body.data).get(name) == ME
    if body.kind != "json" or b'"me"' not in body.data:
        return False
    try:
        members = msgspec.json.decode(body.data, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return False
    return bytes(members.get(name, b"")) == b'"me"'


def endpoint(
    route: str,
    *,
    access: Access,
    limit: LimitClass,
    throttle: Throttle | None = None,
    body: Struct | ByAccess | None = None,
    returns: Struct | ByAccess | None = None,
    **declared: Any,
) -> Callable[[Handler], Endpoint]:
    """Declares a handler as an endpoint: `@endpoint("POST /users", access=SERVER, limit=WRITE, status=201)`.

    The handler takes any of `call`, `body`, `query`, `path`, `raw_body` by name; shapes come from its annotations unless `body` or `returns` name one
    per access type. Further keywords are the fields of `Endpoint`.
    """
    method, path = route.split(" ", 1)

    def declare(handler: Handler) -> Endpoint:
        hints = typing.get_type_hints(handler)
        takes = frozenset(inspect.signature(handler).parameters)
        shapes: dict[str, Any] = {"body": body or hints.get("body"), "query": hints.get("query"), "path": hints.get("path")}
        default_limit = AUTH_BODY_LIMIT if path.startswith("/auth/") else DEFAULT_BODY_LIMIT
        declared.setdefault("body_limit", default_limit)
        answer = returns or hints.get("return")
        return Endpoint(
            method=method,
            path=path,
            access=access,
            limit=limit,
            throttle=throttle,
            handler=handler,
            body=shapes["body"],
            query=shapes["query"],
            params=shapes["path"],
            returns=answer if isinstance(answer, ByAccess) or (isinstance(answer, type) and issubclass(answer, msgspec.Struct)) else None,
            me_fields=tuple(_me_fields(shapes)),
            takes=takes,
            **declared,
        )

    return declare


def _me_fields(shapes: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for where, shape in shapes.items():
        structs = [shape.client, shape.server] if isinstance(shape, ByAccess) else [shape] if shape is not None else []
        for struct in structs:
            found.extend(
                (where, name) for name, f in shape_of(struct).fields.items() if uuid_or_me in f.constraints and (where, name) not in found
            )
    return found


def read_kind(request: Request) -> str:
    """How the body of the request is to be read, by its content type. Raises BodyUnparsable for one that is not supported."""
    kind = BODY_KINDS.get(request.content_type)
    if kind is None:
        msg = f"content type {request.content_type!r} is not supported; send application/json"
        raise BodyUnparsable(msg)
    return kind


__all__ = [
    "ADMIN",
    "CLIENT",
    "NO_STORE",
    "PUBLIC",
    "SERVER",
    "BodyParsingError",
    "ByAccess",
    "Endpoint",
    "RawBody",
    "endpoint",
    "read_kind",
]
