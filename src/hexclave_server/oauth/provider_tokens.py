"""What providers let us do in their users' names: their tokens, encrypted, with the scopes that were asked for (contract 03 §4, §10)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.oauth import token_queries as queries
from hexclave_server.providers.oauth.provider import ProviderTokens

ACCESS, REFRESH = "access", "refresh"
_PURPOSE = "oauth-token"


async def store_tokens(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, oauth_account_id: str, tokens: ProviderTokens, scopes: Sequence[str]
) -> None:
    """Keeps what a provider gave for an account, beside older tokens. Part of the caller's transaction."""
    kept: list[tuple[str, str, int | None]] = [(ACCESS, tokens.access_token, tokens.expires_at)]
    if tokens.refresh_token is not None:
        kept.append((REFRESH, tokens.refresh_token, None))
    for kind, token, expires_at in kept:
        token_id = randomness.new_uuid()
        await conn.execute(
            queries.INSERT_TOKEN,
            tenancy_id=tenancy.id,
            id=token_id,
            oauth_account_id=oauth_account_id,
            kind=kind,
            sealed_token=keyring.encrypt(token.encode(), purpose=_PURPOSE, tenancy_id=tenancy.id, row_id=token_id),
            scopes=msgspec.json.encode(list(scopes)).decode(),
            now=clock.now_millis(),
            expires_at=expires_at,
        )
