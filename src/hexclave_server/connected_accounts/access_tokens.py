"""Finding an access token that the provider takes, or having it made (contract 03 §10, "Token retrieval").

The provider is asked outside of any transaction. A refresh token is used by one request at a time, on all nodes: many providers give a new
one for it and end whatever came of one that is used twice. Others wait for what the first one gets. A provider that is away costs nobody
his tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from hexclave_server.core import clock
from hexclave_server.core.context import Parts, Tenancy
from hexclave_server.core.known_errors import OAuthConnectionDoesNotHaveRequiredScope, OAuthProviderTemporarilyUnavailable
from hexclave_server.core.log import logger
from hexclave_server.oauth import provider_tokens
from hexclave_server.oauth.provider_tokens import StoredToken
from hexclave_server.providers.oauth.provider import Provider, ProviderFailed, TemporarilyUnavailable

MIN_LEFT_MILLIS: Final = 5 * 60 * 1000
"""Shorter-lived tokens are of no use to an application."""
MOST_ASKED: Final = 5
"""Tokens of each kind that one request asks the provider about; what is refused is forgotten, so that the next request goes on."""
WAIT_SECONDS: Final = 15.0
PAUSE_SECONDS: Final = 0.1


class TokenSearch:
    """One search, for some accounts of one user at one provider."""

    def __init__(
        self, parts: Parts, tenancy: Tenancy, provider_id: str, provider: Provider, account_ids: Sequence[str], scopes: Sequence[str]
    ) -> None:
        self._db = parts.db
        self._keyring = parts.keyring
        self._tenancy = tenancy
        self._provider_id = provider_id
        self._provider = provider
        self._account_ids = account_ids
        self._scopes = scopes
        self._began = clock.now_millis()

    async def find(self) -> str:
        """A token. Raises OAuthConnectionDoesNotHaveRequiredScope, OAuthProviderTemporarilyUnavailable."""
        deadline = clock.monotonic() + WAIT_SECONDS
        refused = 0
        while True:
            token = await self._accepted_access_token()
            if token is not None:
                return token
            refresh_tokens = await provider_tokens.list_refresh_tokens(
                self._db, self._keyring, self._tenancy, self._account_ids, self._scopes
            )
            if not refresh_tokens or refused == MOST_ASKED:
                raise OAuthConnectionDoesNotHaveRequiredScope
            newest = refresh_tokens[0]
            if await self._lease(newest):
                # Finished even if the client goes away: a new refresh token that is not kept is a connection lost.
                token = await asyncio.shield(self._made_or_refreshed(newest))
                if token is not None:
                    return token
                refused += 1
            elif clock.monotonic() > deadline:
                raise OAuthProviderTemporarilyUnavailable
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _accepted_access_token(self) -> str | None:
        found = await provider_tokens.list_access_tokens(
            self._db, self._keyring, self._tenancy, self._account_ids, self._scopes, clock.now_millis() + MIN_LEFT_MILLIS
        )
        for stored in found[:MOST_ASKED]:
            if stored.created_at > self._began or await self._is_accepted(stored):  # just made: no need to ask
                return stored.token
            await self._forget(stored)
        return None

    async def _made_or_refreshed(self, leased: StoredToken) -> str | None:
        """The access token that came together with this refresh token after we had looked for one, else a fresh one."""
        try:
            token = await self._accepted_access_token()
        except OAuthProviderTemporarilyUnavailable:
            await self._give_back(leased)
            raise
        if token is None:
            return await self._refreshed(leased)
        await self._give_back(leased)
        return token

    async def _give_back(self, leased: StoredToken) -> None:
        await self._db.write(lambda conn: provider_tokens.give_back(conn, self._tenancy, leased.id))

    async def _lease(self, stored: StoredToken) -> bool:
        return await self._db.write(lambda conn: provider_tokens.lease(conn, self._tenancy, stored.id))

    async def _forget(self, stored: StoredToken) -> None:
        await self._db.write(lambda conn: provider_tokens.forget(conn, self._tenancy, stored.id))

    async def _is_accepted(self, stored: StoredToken) -> bool:
        try:
            return await self._provider.accepts(stored.token)
        except ProviderFailed as failure:
            raise self._unavailable(failure) from None

    async def _refreshed(self, used: StoredToken) -> str | None:
        """A fresh access token, which is stored; None when the provider refuses the refresh token, which is forgotten."""
        try:
            tokens = await self._provider.refresh(used.token, self._scopes)
        except TemporarilyUnavailable as failure:
            await self._give_back(used)
            raise self._unavailable(failure) from None
        except ProviderFailed as failure:
            logger().warning(
                "provider refused a refresh", provider=self._provider_id, project=self._tenancy.project_id, reason=failure.reason
            )
            await self._forget(used)
            return None
        # With a scope the provider gives a token for no more than that (RFC 6749 §6).
        scopes = self._scopes or used.scopes
        await self._db.write(lambda conn: provider_tokens.replace(conn, self._keyring, self._tenancy, used, tokens, scopes))
        return tokens.access_token

    def _unavailable(self, failure: ProviderFailed) -> OAuthProviderTemporarilyUnavailable:
        logger().warning("provider unavailable", provider=self._provider_id, project=self._tenancy.project_id, reason=failure.reason)
        return OAuthProviderTemporarilyUnavailable()
