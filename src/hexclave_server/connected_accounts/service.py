"""Which accounts an application may use, and tokens for them (contract 03 §10)."""

from __future__ import annotations

from collections.abc import Sequence

from hexclave_server.connected_accounts.access_tokens import TokenSearch
from hexclave_server.connected_accounts.wire import ConnectedAccount
from hexclave_server.core.context import Call
from hexclave_server.core.known_errors import (
    OAuthAccessTokenNotAvailableWithSharedOAuthKeys,
    OAuthConnectionNotConnectedToUser,
    OAuthProviderNotFoundOrNotEnabled,
    UserNotFound,
)
from hexclave_server.oauth import accounts
from hexclave_server.oauth.accounts import AccountRow
from hexclave_server.oauth.provider_config import credentials_of, get_provider_entry, hands_on_tokens, issuer_of
from hexclave_server.providers.oauth.registry import make_provider
from hexclave_server.users.token_subject import user_exists

TOKEN_ERRORS = (
    OAuthProviderNotFoundOrNotEnabled,
    OAuthAccessTokenNotAvailableWithSharedOAuthKeys,
    UserNotFound,
    OAuthConnectionNotConnectedToUser,
)


async def list_connected_accounts(call: Call, user_id: str) -> list[ConnectedAccount]:
    """The user's connected accounts, oldest first, also those of providers that the project has no more. Raises UserNotFound."""
    rows = await _accounts_of(call, user_id)
    return [
        ConnectedAccount(user_id=row.user_id, provider=row.provider_id, provider_account_id=row.account_id)
        for row in rows
        if row.allow_connected_accounts
    ]


async def get_access_token(call: Call, user_id: str, provider_id: str, account_id: str | None, scope: str) -> str:
    """An access token of the provider for one connected account, or without `account_id` for any account of the user there.

    Raises TOKEN_ERRORS in their order, then OAuthConnectionDoesNotHaveRequiredScope, OAuthProviderTemporarilyUnavailable.
    """
    entry = get_provider_entry(call.project, provider_id)
    if not hands_on_tokens(call.settings, is_shared=entry["isShared"] is True):
        raise OAuthAccessTokenNotAvailableWithSharedOAuthKeys
    issuer = issuer_of(call.project, provider_id)
    rows = [row for row in await _accounts_of(call, user_id) if is_usable(row, provider_id, issuer, account_id)]
    if not rows:
        raise OAuthConnectionNotConnectedToUser
    provider = make_provider(credentials_of(call.settings, call.project, provider_id), call.parts.outgoing)
    search = TokenSearch(call.parts, call.tenancy, provider_id, provider, [row.id for row in rows], scope.split())
    return await search.find()


def is_usable(row: AccountRow, provider_id: str, issuer: str, account_id: str | None) -> bool:
    """Whether tokens of the account may serve. Those of another issuer must not: they would be sent to the one that is configured now.

    Who names no account gets tokens of those, too, that are not connected: so the contract wants it.
    """
    if row.provider_id != provider_id or row.issuer != issuer:
        return False
    return account_id is None or (row.account_id == account_id and row.allow_connected_accounts)


async def _accounts_of(call: Call, user_id: str) -> Sequence[AccountRow]:
    rows = await accounts.list_of_user(call.db, call.tenancy, user_id)
    if not rows and not await user_exists(call.db, call.tenancy, user_id):
        raise UserNotFound
    return rows
