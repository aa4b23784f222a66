"""Endpoints of links to accounts at providers (contract 03 §11)."""

from __future__ import annotations

from msgspec import UNSET

from hexclave_server.core import randomness
from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, SERVER, ByAccess, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Response, json_response
from hexclave_server.core.known_errors import CannotGetOwnUserWithoutUser, OAuthProviderAccountIdAlreadyUsedForSignIn, UserNotFound
from hexclave_server.core.limits import READ, WRITE
from hexclave_server.core.schema import Success
from hexclave_server.oauth.accounts import AccountRow
from hexclave_server.oauth.provider_config import issuer_of
from hexclave_server.oauth_providers import changes
from hexclave_server.oauth_providers.read import get_link, link_on_wire, list_links
from hexclave_server.oauth_providers.rules import LinkChange
from hexclave_server.oauth_providers.wire import (
    ClientOAuthProviderList,
    ClientOAuthProviderRead,
    ClientOAuthProviderUpdate,
    OAuthProviderCreate,
    OAuthProviderPath,
    OAuthProvidersQuery,
    ServerOAuthProviderList,
    ServerOAuthProviderRead,
    ServerOAuthProviderUpdate,
)
from hexclave_server.users.own_user import require_own_user

_READ = ByAccess(client=ClientOAuthProviderRead, server=ServerOAuthProviderRead)
_LIST = ByAccess(client=ClientOAuthProviderList, server=ServerOAuthProviderList)
_UPDATE = ByAccess(client=ClientOAuthProviderUpdate, server=ServerOAuthProviderUpdate)
_TAGS = ("Oauth",)
_OF_USER = (CannotGetOwnUserWithoutUser, UserNotFound)


@endpoint("GET /oauth-providers", access=CLIENT, limit=READ, tags=_TAGS, returns=_LIST, errors=_OF_USER)
async def list_oauth_providers(call: Call, query: OAuthProvidersQuery) -> Response:
    """List OAuth providers of a user, oldest first"""
    await require_own_user(call, query.user_id)
    return await list_links(call, None if query.user_id is UNSET else query.user_id)


@endpoint(
    "POST /oauth-providers",
    access=SERVER,
    limit=WRITE,
    tags=_TAGS,
    status=201,
    returns=ServerOAuthProviderRead,
    errors=[*_OF_USER, OAuthProviderAccountIdAlreadyUsedForSignIn],
)
async def create_oauth_provider(
    call: Call,
    query: OAuthProvidersQuery,  # noqa: ARG001 - accepted and ignored
    body: OAuthProviderCreate,
) -> ClientOAuthProviderRead:
    """Link an account at an OAuth provider to a user"""
    if body.provider_config_id not in call.config["auth"]["oauth"]["providers"]:
        raise PlainError(404, "The project has no such OAuth provider.")
    wanted = AccountRow(
        id=randomness.new_uuid(),
        user_id=body.user_id,
        provider_id=body.provider_config_id,
        account_id=body.account_id,
        issuer=issuer_of(call.project, body.provider_config_id),
        email=None if body.email is UNSET else body.email,
        allow_sign_in=body.allow_sign_in,
        allow_connected_accounts=body.allow_connected_accounts,
    )
    return link_on_wire(call.project, call.access, await changes.create_link(call.parts, call.project, wanted))


@endpoint("GET /oauth-providers/{user_id}/{provider_id}", access=CLIENT, limit=READ, tags=_TAGS, returns=_READ, errors=_OF_USER)
async def read_oauth_provider(call: Call, path: OAuthProviderPath, query: OAuthProvidersQuery) -> Response:  # noqa: ARG001
    """Get an OAuth provider of a user"""
    await require_own_user(call, path.user_id)
    return json_response(await get_link(call, path.user_id, path.provider_id))


@endpoint(
    "PATCH /oauth-providers/{user_id}/{provider_id}",
    access=CLIENT,
    limit=WRITE,
    tags=_TAGS,
    body=_UPDATE,
    returns=_READ,
    errors=[*_OF_USER, OAuthProviderAccountIdAlreadyUsedForSignIn],
)
async def update_oauth_provider(
    call: Call,
    path: OAuthProviderPath,
    query: OAuthProvidersQuery,  # noqa: ARG001 - accepted and ignored
    body: ClientOAuthProviderUpdate | ServerOAuthProviderUpdate,
) -> Response:
    """Change an OAuth provider of a user"""
    await require_own_user(call, path.user_id)
    change = LinkChange(allow_sign_in=body.allow_sign_in, allow_connected_accounts=body.allow_connected_accounts)
    if isinstance(body, ServerOAuthProviderUpdate):
        change = LinkChange(body.account_id, body.email, body.allow_sign_in, body.allow_connected_accounts)
    row = await changes.update_link(call.parts, call.project, path.user_id, path.provider_id, change)
    return json_response(link_on_wire(call.project, call.access, row))


@endpoint("DELETE /oauth-providers/{user_id}/{provider_id}", access=CLIENT, limit=WRITE, tags=_TAGS, errors=_OF_USER)
async def delete_oauth_provider(call: Call, path: OAuthProviderPath, query: OAuthProvidersQuery) -> Success:  # noqa: ARG001
    """Remove an OAuth provider from a user"""
    await require_own_user(call, path.user_id)
    await changes.delete_link(call.parts, call.tenancy, path.user_id, path.provider_id)
    return Success()


ENDPOINTS = [
    list_oauth_providers,
    create_oauth_provider,
    read_oauth_provider,
    update_oauth_provider,
    delete_oauth_provider,
]
