"""Users' accounts at providers: found when they sign somebody in, and linked (contract 03 §4).

An account is known by provider, account id and, for OpenID Connect, issuer; never by its email. A unique index lets each account sign in one
user, so that of two who link it at once one fails with UniqueViolation and looks again.
"""

from __future__ import annotations

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.oauth import queries
from hexclave_server.oauth.queries import SignInAccount


async def find_for_sign_in(conn: Connection, tenancy: Tenancy, *, provider_id: str, account_id: str, issuer: str) -> SignInAccount | None:
    """The account that signs a user in; None where it signs nobody in. `issuer` is empty for all but OpenID Connect."""
    return await conn.first(
        SignInAccount,
        queries.FIND_FOR_SIGN_IN,
        tenancy_id=tenancy.id,
        provider_id=provider_id,
        account_id=account_id,
        issuer=issuer,
    )


async def signs_in_with(conn: Connection, tenancy: Tenancy, user_id: str, provider_id: str) -> bool:
    """Whether the user signs in with some account of the provider."""
    return await conn.value(queries.SIGNS_IN_WITH, tenancy_id=tenancy.id, user_id=user_id, provider_id=provider_id) is not None


async def link(
    conn: Connection, tenancy: Tenancy, user_id: str, *, provider_id: str, account_id: str, issuer: str, email: str | None
) -> str:
    """Links the account to the user for sign-in and as connected account, or switches both on where it is his already; returns its id.

    Part of the caller's transaction. Raises UniqueViolation when it signs in another user.
    """
    linked: str = await conn.value(
        queries.LINK,
        tenancy_id=tenancy.id,
        id=randomness.new_uuid(),
        user_id=user_id,
        provider_id=provider_id,
        account_id=account_id,
        issuer=issuer,
        email=email,
        now=clock.now_millis(),
    )
    return linked
