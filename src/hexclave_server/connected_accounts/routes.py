"""Endpoints of connected accounts (contract 03 §10)."""

from __future__ import annotations

from msgspec import UNSET

from hexclave_server.connected_accounts.service import TOKEN_ERRORS, get_access_token, list_connected_accounts
from hexclave_server.connected_accounts.wire import (
    AccessTokenRequest,
    ConnectedAccountList,
    ConnectedAccountPath,
    ConnectedProviderPath,
    OwnProviderPath,
    ProviderAccessToken,
    UserPath,
)
from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, endpoint
from hexclave_server.core.known_errors import (
    CannotGetOwnUserWithoutUser,
    OAuthConnectionDoesNotHaveRequiredScope,
    OAuthProviderTemporarilyUnavailable,
    UserNotFound,
)
from hexclave_server.core.limits import READ, WRITE
from hexclave_server.core.schema import NoQuery
from hexclave_server.users.own_user import require_own_user

_TAGS = ("Oauth",)
_ERRORS = (CannotGetOwnUserWithoutUser, *TOKEN_ERRORS, OAuthConnectionDoesNotHaveRequiredScope, OAuthProviderTemporarilyUnavailable)


@endpoint("GET /connected-accounts/{user_id}", access=CLIENT, limit=READ, tags=_TAGS, errors=[CannotGetOwnUserWithoutUser, UserNotFound])
async def list_accounts(call: Call, path: UserPath, query: NoQuery) -> ConnectedAccountList:  # noqa: ARG001
    """List connected accounts of a user, oldest first"""
    await require_own_user(call, path.user_id)
    return ConnectedAccountList(items=await list_connected_accounts(call, path.user_id))


@endpoint(
    "POST /connected-accounts/{user_id}/{provider_id}/{provider_account_id}/access-token",
    access=CLIENT,
    limit=WRITE,
    tags=_TAGS,
    status=201,
    errors=_ERRORS,
)
async def create_access_token(call: Call, path: ConnectedAccountPath, body: AccessTokenRequest) -> ProviderAccessToken:
    """Get an access token of the provider for a connected account"""
    await require_own_user(call, path.user_id)
    return await _token(call, path.user_id, path.provider_id, path.provider_account_id, body)


@endpoint(
    "POST /connected-accounts/{user_id}/{provider_id}/access-token", access=CLIENT, limit=WRITE, tags=_TAGS, status=201, errors=_ERRORS
)
async def create_access_token_of_any_account(call: Call, path: ConnectedProviderPath, body: AccessTokenRequest) -> ProviderAccessToken:
    """Get an access token of the provider for any account of the user there"""
    await require_own_user(call, path.user_id)
    return await _token(call, path.user_id, path.provider_id, None, body)


@endpoint(
    "POST /auth/oauth/connected-accounts/{provider_id}/access-token", access=CLIENT, limit=WRITE, tags=_TAGS, status=201, errors=_ERRORS
)
async def create_own_access_token(call: Call, path: OwnProviderPath, body: AccessTokenRequest) -> ProviderAccessToken:
    """Get an access token of the provider for any account of the signed-in user there (deprecated)"""
    user_id = await call.live_user_id()
    if user_id is None:
        raise CannotGetOwnUserWithoutUser
    return await _token(call, user_id, path.provider_id, None, body)


async def _token(call: Call, user_id: str, provider_id: str, account_id: str | None, body: AccessTokenRequest) -> ProviderAccessToken:
    scope = "" if body.scope is UNSET else body.scope
    return ProviderAccessToken(access_token=await get_access_token(call, user_id, provider_id, account_id, scope))


ENDPOINTS = [list_accounts, create_access_token, create_access_token_of_any_account, create_own_access_token]
