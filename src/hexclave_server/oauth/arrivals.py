"""Somebody who came from a provider, and what becomes of it (contract 03 §4): now, or when his application proves that it began this.

A sign-in is the person's own: nobody else gains by it. But a flow that was begun with a user's token gives that user something: an account, or
for an anonymous user a name. Whoever is lured through a flow that a stranger began must not become the stranger's: neither the URL nor the
cookie tells the two apart, since the stranger may send either URL. The PKCE verifier does: it never leaves the application that began. So what
a token's user would gain waits, sealed, in the code, and is done in the transaction that exchanges it (CVE-2026-9087 and its kin).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from hexclave_server.core.context import Project
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.oauth.account_resolution import Claim, Resolved, Waiting, connect, sign_in
from hexclave_server.oauth.provider_tokens import store_tokens
from hexclave_server.providers.oauth.provider import ProviderTokens


class Arrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who came, for what, and what the provider gave, if applications may have that; `scopes`: those that were asked for."""

    type: Literal["authenticate", "link"]
    claim: Claim
    tokens: ProviderTokens | None
    scopes: Sequence[str]


async def settle(conn: Connection, keyring: Keyring, project: Project, arrival: Arrival, *, is_proven: bool) -> Resolved | Waiting:
    """Signs in, signs up or links, and keeps the provider's tokens; Waiting, and nothing done, where proof is needed first.

    `is_proven`: the application that began this has finished it. Part of the caller's transaction; raises what `sign_in` and `connect` raise.
    """
    resolve = connect if arrival.type == "link" and arrival.claim.begun_by is not None else sign_in
    resolved = await resolve(conn, project, arrival.claim, is_proven=is_proven)
    if isinstance(resolved, Resolved) and arrival.tokens is not None:
        await store_tokens(conn, keyring, project.tenancy, resolved.oauth_account_id, arrival.tokens, arrival.scopes)
    return resolved


def write(arrival: Arrival) -> bytes:
    """The arrival as it waits in a code. The ID token has said what it had to, and may be long."""
    tokens = arrival.tokens
    if tokens is not None:
        arrival = msgspec.structs.replace(arrival, tokens=msgspec.structs.replace(tokens, id_token=None))
    return msgspec.json.encode(arrival)


def read(written: bytes) -> Arrival:
    """The reverse of `write`."""
    return msgspec.json.decode(written, type=Arrival)
