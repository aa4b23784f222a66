"""The endpoints of our own OAuth server (contract 03)."""

from __future__ import annotations

from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import PUBLIC, RawBody, endpoint
from hexclave_server.core.http import Response, json_response
from hexclave_server.core.known_errors import (
    InvalidAuthorizationCode,
    InvalidOAuthClientIdOrSecret,
    PublishableClientKeyRequiredForProject,
    RefreshTokenNotFoundOrExpired,
)
from hexclave_server.core.throttles import WRONG_TOKENS_BY_ADDRESS
from hexclave_server.oauth import token
from hexclave_server.oauth.wire import TokenAnswer, TokenRequest
from hexclave_server.sessions.service import REFRESH

_NOT_STORED = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]  # RFC 6749 §5.1


@endpoint(
    "POST /auth/oauth/token",
    access=PUBLIC,
    limit=REFRESH,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=["Oauth"],
    returns=TokenAnswer,
    errors=[
        InvalidOAuthClientIdOrSecret,
        PublishableClientKeyRequiredForProject,
        RefreshTokenNotFoundOrExpired,
        InvalidAuthorizationCode,
    ],
)
async def exchange_token(call: Call, body: TokenRequest, raw_body: RawBody) -> Response:
    """A fresh access token for a refresh token"""
    token.require_no_repetition(raw_body)
    project = await token.authenticate_client(call, body)
    exchange = token.exchange_refresh_token if body.grant_type == "refresh_token" else token.exchange_authorization_code
    return json_response(await exchange(call, project, body), headers=[*_NOT_STORED])


ENDPOINTS = [exchange_token]
