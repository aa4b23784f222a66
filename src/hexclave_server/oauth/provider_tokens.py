"""Tokens that providers gave for users' accounts: encrypted at rest, for connected accounts (contract 03 §4, §10).

A token that a provider refuses is deleted. Scopes are those that were asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import DecryptionFailed, Keyring
from hexclave_server.core.db import Connection
from hexclave_server.oauth import token_queries as queries
from hexclave_server.oauth.token_queries import ACCESS, REFRESH, TokenRow
from hexclave_server.providers.oauth.provider import ProviderTokens

LEASE_MILLIS: Final = 60 * 1000
"""Longer than a provider may take to answer; after it, somebody else tries."""
_PURPOSE: Final = "oauth-token"


class StoredToken(msgspec.Struct, frozen=True):
    """A token of an account. `created_at` in epoch milliseconds."""

    id: str
    oauth_account_id: str
    token: str
    scopes: tuple[str, ...]
    created_at: int


async def store_tokens(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, oauth_account_id: str, tokens: ProviderTokens, scopes: Sequence[str]
) -> None:
    """Keeps what the provider gave beside what it gave before. Part of the caller's transaction.

    Of tokens with the same scopes only the newest few are kept, and not many over all scopes: an account that signs in daily would gather
    thousands, since providers say how long their tokens live, and applications which scopes they ask for.
    """
    await _add(conn, keyring, tenancy, oauth_account_id, ACCESS, tokens.access_token, scopes, tokens.expires_at)
    if tokens.refresh_token is not None:
        await _add(conn, keyring, tenancy, oauth_account_id, REFRESH, tokens.refresh_token, scopes, None)
    await conn.execute(queries.DELETE_FORMER, tenancy_id=tenancy.id, oauth_account_id=oauth_account_id)


async def list_access_tokens(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, account_ids: Sequence[str], scopes: Sequence[str], expires_after: int
) -> list[StoredToken]:
    """Access tokens of the accounts that cover the scopes and expire after that (epoch milliseconds), newest first."""
    rows = await conn.all(
        TokenRow, queries.LIST_ACCESS_TOKENS, tenancy_id=tenancy.id, account_ids=list(account_ids), expires_after=expires_after
    )
    return _opened(keyring, tenancy, rows, scopes)


async def list_refresh_tokens(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, account_ids: Sequence[str], scopes: Sequence[str]
) -> list[StoredToken]:
    """Refresh tokens of the accounts that cover the scopes, newest first."""
    rows = await conn.all(TokenRow, queries.LIST_REFRESH_TOKENS, tenancy_id=tenancy.id, account_ids=list(account_ids))
    return _opened(keyring, tenancy, rows, scopes)


async def lease(conn: Connection, tenancy: Tenancy, token_id: str) -> bool:
    """Takes the token in hand for a minute; False when somebody else has it, or it is gone."""
    now = clock.now_millis()
    return await conn.execute(queries.LEASE, tenancy_id=tenancy.id, id=token_id, now=now, until=now + LEASE_MILLIS) == 1


async def give_back(conn: Connection, tenancy: Tenancy, token_id: str) -> None:
    """Ends a lease."""
    await conn.execute(queries.GIVE_BACK, tenancy_id=tenancy.id, id=token_id)


async def forget(conn: Connection, tenancy: Tenancy, token_id: str) -> None:
    """Deletes a token that is good for nothing any more."""
    await conn.execute(queries.DELETE, tenancy_id=tenancy.id, id=token_id)


async def forget_all(conn: Connection, tenancy: Tenancy, oauth_account_id: str) -> None:
    """Deletes all tokens of an account."""
    await conn.execute(queries.DELETE_OF_ACCOUNT, tenancy_id=tenancy.id, oauth_account_id=oauth_account_id)


async def replace(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, used: StoredToken, tokens: ProviderTokens, access_scopes: Sequence[str]
) -> None:
    """Keeps what came for a refresh token; a new refresh token takes the place of the used one, else its lease ends.

    Nothing is kept of an account that was unlinked meanwhile. Part of the caller's transaction.
    """
    if tokens.refresh_token is not None and tokens.refresh_token != used.token:
        if await conn.execute(queries.DELETE, tenancy_id=tenancy.id, id=used.id) == 0:
            return
        await _add(conn, keyring, tenancy, used.oauth_account_id, REFRESH, tokens.refresh_token, used.scopes, None)
    elif await conn.execute(queries.GIVE_BACK, tenancy_id=tenancy.id, id=used.id) == 0:
        return
    await _add(conn, keyring, tenancy, used.oauth_account_id, ACCESS, tokens.access_token, access_scopes, tokens.expires_at)


async def purge(conn: Connection) -> int:
    """Deletes up to 1,000 access tokens that are over, and says how many they were; `conn` is a write transaction."""
    return await conn.execute(queries.PURGE, now=clock.now_millis())


async def _add(
    conn: Connection,
    keyring: Keyring,
    tenancy: Tenancy,
    oauth_account_id: str,
    kind: str,
    token: str,
    scopes: Sequence[str],
    expires_at: int | None,
) -> None:
    token_id = randomness.new_uuid()
    await conn.execute(
        queries.INSERT,
        tenancy_id=tenancy.id,
        id=token_id,
        oauth_account_id=oauth_account_id,
        kind=kind,
        sealed_token=keyring.encrypt(token.encode(), purpose=_PURPOSE, tenancy_id=tenancy.id, row_id=token_id),
        scopes=" ".join(scopes),
        now=clock.now_millis(),
        expires_at=expires_at,
    )


def _opened(keyring: Keyring, tenancy: Tenancy, rows: Sequence[TokenRow], scopes: Sequence[str]) -> list[StoredToken]:
    """Those of the rows whose scopes include all of these, decrypted. What a lost master secret encrypted is as good as not there."""
    wanted = set(scopes)
    opened = []
    for row in rows:
        granted = tuple(row.scopes.split())
        if wanted <= set(granted):
            with contextlib.suppress(DecryptionFailed):
                token = keyring.decrypt(row.sealed_token, purpose=_PURPOSE, tenancy_id=tenancy.id, row_id=row.id).decode()
                opened.append(StoredToken(row.id, row.oauth_account_id, token, granted, row.created_at))
    return opened
