"""Users' accounts at providers: found when they sign somebody in, linked, listed and changed (contract 03 §4, §10, §11).

An account is known by provider, account id and, for OpenID Connect, issuer; never by its email. A unique index lets each account sign in one
user, so that of two who link it at once one fails with UniqueViolation and looks again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection, Database
from hexclave_server.oauth import provider_tokens, queries
from hexclave_server.oauth.queries import SignInAccount

PAGE = 100


class AccountRow(msgspec.Struct, frozen=True):
    """An account of a user, with all that can be read of it."""

    id: str
    user_id: str
    provider_id: str
    account_id: str
    issuer: str
    email: str | None
    allow_sign_in: bool
    allow_connected_accounts: bool


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


async def find(conn: Connection, tenancy: Tenancy, user_id: str, link_id: str) -> AccountRow | None:
    """The user's account with this id of ours; None where there is none, or it is another user's."""
    return await conn.first(AccountRow, queries.FIND_OF_USER, tenancy_id=tenancy.id, user_id=user_id, id=link_id)


async def list_of_user(conn: Connection, tenancy: Tenancy, user_id: str) -> list[AccountRow]:
    """The user's accounts, oldest first."""
    return await conn.all(AccountRow, queries.LIST_OF_USER, tenancy_id=tenancy.id, user_id=user_id)


def pages_of_all(db: Database, tenancy: Tenancy) -> AsyncIterator[list[AccountRow]]:
    """The accounts of everybody in the tenancy, oldest first, a page at a time."""
    return db.pages(AccountRow, queries.LIST_ALL, page=PAGE, tenancy_id=tenancy.id)


async def signs_anybody_in(conn: Connection, tenancy: Tenancy, account: AccountRow) -> bool:
    """Whether the same account id signs somebody in by another link, of whichever provider; of OpenID Connect, the same issuer."""
    found = await conn.value(
        queries.SIGNS_ANYBODY_IN, tenancy_id=tenancy.id, account_id=account.account_id, issuer=account.issuer, but_id=account.id
    )
    return found is not None


async def add(conn: Connection, tenancy: Tenancy, account: AccountRow) -> None:
    """Links an account to a user. Raises UniqueViolation where he has it already, or it signs in another user."""
    await conn.execute(
        queries.INSERT,
        tenancy_id=tenancy.id,
        id=account.id,
        user_id=account.user_id,
        provider_id=account.provider_id,
        account_id=account.account_id,
        issuer=account.issuer,
        email=account.email,
        allow_sign_in=account.allow_sign_in,
        allow_connected_accounts=account.allow_connected_accounts,
        now=clock.now_millis(),
    )


async def change(conn: Connection, tenancy: Tenancy, before: AccountRow, after: AccountRow) -> None:
    """Changes an account; tokens of another account id go with it. Raises UniqueViolation as `add`."""
    await conn.execute(
        queries.UPDATE,
        tenancy_id=tenancy.id,
        user_id=before.user_id,
        id=before.id,
        account_id=after.account_id,
        email=after.email,
        allow_sign_in=after.allow_sign_in,
        allow_connected_accounts=after.allow_connected_accounts,
    )
    if after.account_id != before.account_id:
        await provider_tokens.forget_all(conn, tenancy, before.id)


async def remove(conn: Connection, tenancy: Tenancy, user_id: str, link_id: str) -> bool:
    """Unlinks an account with all tokens; False when the user has no such account."""
    return await conn.execute(queries.DELETE, tenancy_id=tenancy.id, user_id=user_id, id=link_id) == 1
