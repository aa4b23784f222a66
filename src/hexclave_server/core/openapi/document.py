"""One OpenAPI 3.1 document: every shown endpoint that an access type may call, with the shapes of that access type."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING

from hexclave_server.core.context import Access
from hexclave_server.core.openapi.answers import add_common_answers, responses_of
from hexclave_server.core.openapi.parameters import parameters_of, shared_headers
from hexclave_server.core.openapi.schemas import Components, Schema

if TYPE_CHECKING:
    from hexclave_server.core.endpoint import Endpoint

_ABOUT = (
    "Every request header `X-Stack-…` may be spelt `X-Hexclave-…`. Errors carry a stable `code`, repeated in the header `x-stack-known-error`, "
    "and a text for people in `error`. Times are milliseconds since 1970. Absent members of an answer are left out; in an update, absent "
    "members stay as they are and `null` clears."
)
_SCALAR_TYPES = frozenset(("string", "number", "integer", "boolean"))


def document(endpoints: Iterable[Endpoint], access: Access) -> Schema:
    """The document of an access type: what `client`, `server` or `admin` may call, and what they send and get."""
    components = Components()
    headers = shared_headers(access)
    responses = add_common_answers(components)
    paths: Schema = {}
    for endpoint in endpoints:
        if endpoint.shown and endpoint.access <= access:
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, access, headers, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Hexclave API, {access.wire} access", "version": version("hexclave-server"), "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "tags": [{"name": name} for name in sorted(_tags(paths))],
        "paths": paths,
        "components": {"schemas": components.schemas, "parameters": headers, "responses": responses},
    }


def _operation(endpoint: Endpoint, access: Access, headers: dict[str, Schema], components: Components) -> Schema:
    limit = endpoint.limit
    operation: Schema = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary.rstrip("."),
        "tags": list(endpoint.tags) or ["Other"],
        "x-access": endpoint.access.and_higher if endpoint.access is not Access.PUBLIC else ["public"],
        "x-rate-limit": {
            "class": limit.name,
            "per_minute": {"address": limit.per_address, "user": limit.per_user, "project": limit.per_project},
        },
        "parameters": parameters_of(endpoint, headers, components),
    }
    if endpoint.throttle is not None:
        operation["x-throttle"] = {"tries": endpoint.throttle.burst, "then_one_every_seconds": endpoint.throttle.interval_seconds}
    description = (inspect.getdoc(endpoint.handler) or "").partition("\n\n")[2]
    if description:
        operation["description"] = description
    body = _body(endpoint, access, components)
    if body is not None:
        operation["requestBody"] = body
    operation["responses"] = responses_of(endpoint, access, components)
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    """Feature and handler, as in `users_create_user`: it stays when another feature gets a handler of the same name."""
    handler = endpoint.handler
    return f"{handler.__module__.split('.')[1]}_{handler.__name__}"


def _body(endpoint: Endpoint, access: Access, components: Components) -> Schema | None:
    """The request body: JSON, or a form where all its members are scalars (contract 00 §4)."""
    shape = endpoint.body_shape(access)
    if shape is None:
        return None
    schema = components.request(shape)
    kinds = ["application/json"]
    if schema["properties"] and all(_is_scalar(member) for member in schema["properties"].values()):
        kinds.append("application/x-www-form-urlencoded")
    return {"required": not endpoint.body_optional, "content": {kind: {"schema": schema} for kind in kinds}}


def _is_scalar(member: Schema) -> bool:
    kinds = member.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return bool(kinds) and set(kinds) <= _SCALAR_TYPES  # a form has no null


def _tags(paths: Schema) -> set[str]:
    return {tag for methods in paths.values() for operation in methods.values() for tag in operation["tags"]}
