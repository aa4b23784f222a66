"""What an endpoint may answer: its own shape, the known errors that it declares, and what can happen to every request (contract 00 §2, §6, §10)."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from hexclave_server.core import known_errors
from hexclave_server.core.context import Access
from hexclave_server.core.errors import KnownError
from hexclave_server.core.openapi.schemas import Components, Schema, reference

if TYPE_CHECKING:
    from hexclave_server.core.endpoint import Endpoint

ErrorClass = type[KnownError]

COMMON_ERRORS: tuple[ErrorClass, ...] = (
    known_errors.BodyParsingError,
    known_errors.SchemaError,
    known_errors.ProjectKeyWithoutAccessType,
    known_errors.InvalidAccessType,
    known_errors.AccessTypeWithoutProjectId,
    known_errors.AccessTypeRequired,
    known_errors.InsufficientAccessType,
    known_errors.CannotGetOwnUserWithoutUser,
    known_errors.CurrentProjectNotFound,
    known_errors.BranchDoesNotExist,
    known_errors.UnparsableAccessToken,
    known_errors.AccessTokenExpired,
    known_errors.InvalidProjectForAccessToken,
    known_errors.AnonymousAuthenticationNotAllowed,
    known_errors.RestrictedUserNotAllowed,
    known_errors.UnparsableAdminAccessToken,
    known_errors.AdminAccessTokenExpired,
    known_errors.AdminAccessTokenIsNotAdmin,
    known_errors.PublishableClientKeyRequiredForProject,
    known_errors.ServerAuthenticationRequired,
    known_errors.AdminAuthenticationRequired,
    known_errors.InvalidPublishableClientKey,
    known_errors.InvalidSecretServerKey,
    known_errors.InvalidSuperSecretAdminKey,
)
"""What the way to the handler can fail with, at any endpoint."""

_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_KNOWN_ERROR_HEADER = {"x-stack-known-error": {"description": "The error's code.", "schema": {"type": "string"}}}
_WHOLE_SECONDS = {"type": "integer", "minimum": 1}


def add_common_answers(components: Components) -> Schema:
    """Names the errors that every endpoint shares in the components; returns the shared responses."""
    for status in sorted({error.status for error in COMMON_ERRORS}):
        group = [error_schema(error, components) for error in COMMON_ERRORS if error.status == status]
        components.schemas[_common_name(status)] = {"description": f"What any request may get with status {status}.", "oneOf": group}
    return {
        "PlainError": {"description": "Refused with a text for people; no code.", "content": _TEXT},
        "RateLimitExceeded": _waiting(
            "Too many requests. Wait as many seconds as `Retry-After` says.",
            "RATE_LIMIT_EXCEEDED",
            {"details": {"type": "object", "properties": {"retry_after_seconds": _WHOLE_SECONDS}, "required": ["retry_after_seconds"]}},
            {name: {"description": words, "schema": {"type": "string"}} for name, words in _LIMIT_HEADERS.items()},
        ),
        "ServiceUnavailable": _waiting("The server or its database cannot answer now.", "SERVICE_UNAVAILABLE", {}, {}),
    }


_LIMIT_HEADERS = {
    "RateLimit-Policy": "The limit with the least left: quota (q) per window of seconds (w).",
    "RateLimit": "How many requests are left (r), and in how many seconds (t) there are more.",
}


def _waiting(description: str, code: str, details: Schema, headers: Schema) -> Schema:
    properties = {"code": {"const": code}, **details, "error": {"type": "string"}}
    return {
        "description": description,
        "headers": {"Retry-After": {"description": "Whole seconds.", "schema": _WHOLE_SECONDS}, **headers},
        "content": {"application/json": {"schema": {"type": "object", "properties": properties, "required": list(properties)}}},
    }


def error_schema(error: ErrorClass, components: Components) -> Schema:
    """A reference to the body of a known error: `code`, `details` where it has any, `error`."""
    name = error.__name__ if error.__name__.endswith("Error") else f"{error.__name__}Error"
    if name not in components.schemas:
        properties: Schema = {"code": {"const": error.code}}
        details = {member: components.of_type(hint) for member, hint in error.detail_types().items()}
        if details:
            properties["details"] = {"type": "object", "properties": details, "required": list(details)}
        properties["error"] = {"type": "string", "description": "A text for people."}
        description = (error.__doc__ or "").strip().split("\n", 1)[0]
        components.schemas[name] = {"description": description, "type": "object", "properties": properties, "required": list(properties)}
    return reference("schemas", name)


def responses_of(endpoint: Endpoint, access: Access, components: Components) -> Schema:
    """The responses of an operation, by status. Refusals without a code are text, at any status from 400 to 499."""
    found: Schema = {str(status): _success(endpoint, status, access, components) for status in (endpoint.status, *endpoint.other_statuses)}
    common = {error.status for error in COMMON_ERRORS}
    own = [error for error in endpoint.errors if error not in COMMON_ERRORS]
    for status in sorted(common | {error.status for error in own}):
        shared = [reference("schemas", _common_name(status))] if status in common else []
        found[str(status)] = _refusal(status, [error for error in own if error.status == status], shared, components)
    found["429"] = reference("responses", "RateLimitExceeded")
    unavailable = reference("responses", "ServiceUnavailable")
    found["503"] = _or_unavailable(found["503"]) if "503" in found else unavailable
    found["4XX"] = reference("responses", "PlainError")
    return found


def _success(endpoint: Endpoint, status: int, access: Access, components: Components) -> Schema:
    description = HTTPStatus(status).phrase
    if status in range(300, 400):
        return {"description": description, "headers": {"Location": {"schema": {"type": "string"}}}}
    shape = endpoint.answer_shape(access)
    if shape is None:
        schema: Schema = {"type": "string"} if endpoint.media_type.startswith("text/") else {}
    else:
        schema = components.answer(shape)
    return {"description": description, "content": {endpoint.media_type: {"schema": schema}}}


def _refusal(status: int, own: Iterable[ErrorClass], shared: list[Schema], components: Components) -> Schema:
    own = list(own)
    codes = ", ".join(f"`{error.code}`" for error in own)
    schemas = [*(error_schema(error, components) for error in own), *shared]
    return {
        "description": codes or HTTPStatus(status).phrase,
        "headers": _KNOWN_ERROR_HEADER,
        "content": {"application/json": {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}}, **_TEXT},
    }


def _or_unavailable(response: Schema) -> Schema:
    """503 of a known error beside the one that says that the server cannot answer."""
    content = response["content"]["application/json"]
    unavailable = {"type": "object", "properties": {"code": {"const": "SERVICE_UNAVAILABLE"}}, "required": ["code", "error"]}
    return {**response, "content": {"application/json": {"schema": {"oneOf": [content["schema"], unavailable]}}}}


def _common_name(status: int) -> str:
    return f"AnyRequestError{status}"
