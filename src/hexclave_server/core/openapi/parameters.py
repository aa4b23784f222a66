"""The parameters of an operation: those of its path and query, and the request headers that every endpoint understands (contract 00 §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hexclave_server.core.context import Access
from hexclave_server.core.openapi.schemas import Components, Schema, Struct, reference

if TYPE_CHECKING:
    from hexclave_server.core.endpoint import Endpoint

_ADMIN_TOKEN = "Instead of the key: access token of a user of project `internal` in the team that owns the project."  # noqa: S105 - words
_KEYS = {
    Access.CLIENT: ("Publishable-Client-Key", "Needed where the project requires one."),
    Access.SERVER: ("Secret-Server-Key", "Needed unless an admin access token is sent."),
    Access.ADMIN: ("Super-Secret-Admin-Key", "Needed unless an admin access token is sent."),
}
_USER_HEADERS = {
    "Access-Token": "Access token of the end user: who `me` is.",
    "Refresh-Token": "Refresh token of the end user. Read by few endpoints, such as the one that refreshes a session.",
    "Allow-Anonymous-User": "`true` accepts tokens of anonymous and restricted users.",
    "Allow-Restricted-User": "`true` accepts tokens of restricted users.",
}
_OTHER_HEADERS = {
    "Branch-Id": "Branch of the project; `main` unless given.",
    "Override-Error-Status": "Whatever its value: statuses 400 to 499 are sent as 200, the real one in `x-stack-actual-status`.",
}


def shared_headers(access: Access) -> dict[str, Schema]:
    """The request headers of an access type, by component name. Each has a twin `X-Hexclave-…` that means the same."""
    key, words = _KEYS[access]
    headers = {
        "Access-Type": _header("Access-Type", "How much the request may do.", {"const": access.wire}),
        "Project-Id": _header("Project-Id", "The project that the request is about: its UUID, or `internal`."),
        key: _header(key, words),
        "Admin-Access-Token": _header("Admin-Access-Token", _ADMIN_TOKEN),
    }
    return headers | {name: _header(name, words) for name, words in (_USER_HEADERS | _OTHER_HEADERS).items()}


def _header(suffix: str, description: str, schema: Schema | None = None) -> Schema:
    return {"name": f"X-Stack-{suffix}", "in": "header", "description": description, "schema": schema or {"type": "string"}}


def parameters_of(endpoint: Endpoint, headers: dict[str, Schema], components: Components) -> list[Schema]:
    """All parameters of an operation; access type and project id are required where the endpoint needs a project."""
    own = [*_members("path", endpoint.params, components), *_members("query", endpoint.query, components)]
    if endpoint.access is Access.PUBLIC:
        return own + [reference("parameters", name) for name in headers]
    needed = ("Access-Type", "Project-Id")
    return [
        *own,
        *({**headers[name], "required": True} for name in needed),
        *(reference("parameters", name) for name in headers if name not in needed),
    ]


def _members(where: str, struct: Struct | None, components: Components) -> list[Schema]:
    if struct is None:
        return []
    shape = components.request(struct)
    return [
        {"name": name, "in": where, "required": where == "path" or name in shape.get("required", ()), "schema": schema}
        for name, schema in shape["properties"].items()
    ]
