"""The token endpoint: small checks in the order of contract 03 §5, then one of two grants (codes: `exchange`).

Credentials are in the body alone (RFC 6749 §2.3.1); the project is the client. What the official SDK must understand has codes of
the catalogue, what only a wrong client can cause has the form of RFC 6749 §5.2.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

import ada_url

from hexclave_server.core.context import Call, KeyKind, Project
from hexclave_server.core.endpoint import RawBody
from hexclave_server.core.errors import OAuthProtocolError
from hexclave_server.core.known_errors import InvalidOAuthClientIdOrSecret, PublishableClientKeyRequiredForProject
from hexclave_server.oauth.clients import NO_KEY, find_client
from hexclave_server.oauth.wire import TokenAnswer, TokenRequest
from hexclave_server.sessions.service import refresh_access_token

SCOPE = "legacy"

_PARAMETERS = frozenset(TokenRequest.__struct_fields__)
_PRINTABLE = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.11


def require_no_repetition(raw_body: RawBody) -> None:
    """Raises OAuthProtocolError when a parameter of the endpoint occurs twice (RFC 6749 §3.2): two readers might believe different ones."""
    names = [name for name in _names(raw_body) if name in _PARAMETERS]
    if len(names) != len(set(names)):
        raise _invalid_request("a parameter is repeated")


def _names(raw_body: RawBody) -> list[str]:
    """The names of a body that was decoded before, with repetitions."""
    if raw_body.kind == "form":
        return [name for name, _ in parse_qsl(raw_body.data.decode("utf-8", "replace"), keep_blank_values=True)]
    members: list[tuple[str, object]] = json.loads(raw_body.data.decode(), object_pairs_hook=list, parse_int=str, parse_float=str)
    return [name for name, _ in members]


async def authenticate_client(call: Call, request: TokenRequest) -> Project:
    """The project that `client_id` names, after a check of `client_secret`, its publishable key (contract 03 §1.1, §5.1).

    Raises InvalidOAuthClientIdOrSecret or PublishableClientKeyRequiredForProject.
    """
    project = await find_client(call.parts, request.client_id) if request.client_id else None
    if project is None:
        raise InvalidOAuthClientIdOrSecret(client_id=None)
    secret = request.client_secret or None
    if secret is None or secret == NO_KEY:
        if project.requires_publishable_client_key:
            raise PublishableClientKeyRequiredForProject(project_id=project.id)
        is_public_exchange = request.grant_type == "authorization_code" and bool(request.code_verifier)
        if secret is None and not is_public_exchange:
            raise InvalidOAuthClientIdOrSecret(client_id=None)
    elif not await call.parts.directory.key_is_valid(project, KeyKind.PUBLISHABLE_CLIENT, secret):
        raise InvalidOAuthClientIdOrSecret(client_id=None)
    return project


async def exchange_refresh_token(call: Call, project: Project, request: TokenRequest) -> TokenAnswer:
    """A fresh access token; the refresh token is neither rotated nor extended (contract 03 §5.3).

    Raises RefreshTokenNotFoundOrExpired, RateLimited, and OAuthProtocolError for a missing token or another scope.
    """
    if not request.refresh_token:
        raise _invalid_request("refresh_token is required")
    if request.scope and request.scope != SCOPE:
        raise OAuthProtocolError("invalid_scope", f"the only scope is {SCOPE}")
    access_token = await refresh_access_token(call.parts, project, request.refresh_token, call.request.address, call.end_user)
    return TokenAnswer(access_token=access_token)


def require_code(request: TokenRequest) -> tuple[str, str]:
    """Code and redirect URI of the request. Raises OAuthProtocolError for a missing or malformed one."""
    if not request.code or _PRINTABLE.fullmatch(request.code) is None:
        raise _invalid_request("code is required, in printable characters")
    if not request.redirect_uri or not ada_url.check_url(request.redirect_uri):
        raise _invalid_request("redirect_uri is required and must be a URI")
    return request.code, request.redirect_uri


def _invalid_request(description: str) -> OAuthProtocolError:
    return OAuthProtocolError("invalid_request", description)
