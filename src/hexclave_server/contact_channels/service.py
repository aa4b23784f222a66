"""The addresses of a user: the primary one found, set, moved, demoted (contract 05 §1.5), and those that sign him in.

The endpoints of contact channels build on this.

Every function runs on the caller's connection. Unique indexes decide races: one sign-in owner per address, one primary per user.
"""

from __future__ import annotations

import msgspec

from hexclave_server.contact_channels import queries
from hexclave_server.contact_channels.address import NormalEmail, normalise_address
from hexclave_server.core import randomness
from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection

__all__ = [
    "Channel",
    "NormalEmail",
    "SignInChannel",
    "create_primary",
    "demote_primary",
    "find_by_value",
    "find_primary",
    "find_sign_in_channel",
    "find_sign_in_owner",
    "normalise_address",
    "promote",
]


class Channel(msgspec.Struct, frozen=True):
    """One email address of a user."""

    id: str
    value: str
    is_verified: bool
    used_for_auth: bool


class SignInChannel(msgspec.Struct, frozen=True):
    """An address that somebody signs in with: who, and whether he has shown that he reads it."""

    user_id: str
    is_verified: bool


class SignInAddresses(msgspec.Struct, frozen=True):
    """The addresses that say who a user is: his primary email, and those that he signs in with; and which of them he has shown to read."""

    primary: str | None
    for_sign_in: frozenset[str]
    verified: frozenset[str] = frozenset()


class _AddressRow(msgspec.Struct, frozen=True):
    value: str
    is_primary: bool
    is_verified: bool
    used_for_auth: bool


async def find_primary(conn: Connection, tenancy: Tenancy, user_id: str) -> Channel | None:
    """The primary email of the user, or None."""
    return await conn.first(Channel, queries.FIND_PRIMARY, tenancy_id=tenancy.id, user_id=user_id)


async def find_by_value(conn: Connection, tenancy: Tenancy, user_id: str, value: NormalEmail) -> Channel | None:
    """The user's own channel with this address, or None."""
    return await conn.first(Channel, queries.FIND_BY_VALUE, tenancy_id=tenancy.id, user_id=user_id, value=value)


async def find_sign_in_owner(conn: Connection, tenancy: Tenancy, value: NormalEmail) -> str | None:
    """The id of the user who signs in with this address, or None."""
    owner: str | None = await conn.value(queries.FIND_SIGN_IN_OWNER, tenancy_id=tenancy.id, value=value)
    return owner


async def find_sign_in_channel(conn: Connection, tenancy: Tenancy, value: NormalEmail) -> SignInChannel | None:
    """Who signs in with this address, or None."""
    return await conn.first(SignInChannel, queries.FIND_SIGN_IN_CHANNEL, tenancy_id=tenancy.id, value=value)


async def find_sign_in_addresses(conn: Connection, tenancy: Tenancy, user_id: str) -> SignInAddresses:
    """The user's primary and sign-in addresses as they are now; neither for an unknown user."""
    rows = await conn.all(_AddressRow, queries.LIST_SIGN_IN_ADDRESSES, tenancy_id=tenancy.id, user_id=user_id)
    primary = next((row.value for row in rows if row.is_primary), None)
    for_sign_in = frozenset(row.value for row in rows if row.used_for_auth)
    return SignInAddresses(primary, for_sign_in, frozenset(row.value for row in rows if row.is_verified))


async def create_primary(
    conn: Connection, tenancy: Tenancy, user_id: str, value: NormalEmail, *, is_verified: bool, used_for_auth: bool, now: int
) -> bool:
    """Adds an address as the primary email of a user who has no primary; False when it is somebody's sign-in address already."""
    added = await conn.execute(
        queries.INSERT,
        tenancy_id=tenancy.id,
        id=randomness.new_uuid(),
        user_id=user_id,
        value=value,
        is_primary=True,
        is_verified=is_verified,
        used_for_auth=used_for_auth,
        now=now,
    )
    return added == 1


async def demote_primary(conn: Connection, tenancy: Tenancy, user_id: str) -> None:
    """Makes the primary email, if any, an ordinary channel with the flags it has."""
    await conn.execute(queries.DEMOTE_PRIMARY, tenancy_id=tenancy.id, user_id=user_id)


async def promote(conn: Connection, tenancy: Tenancy, channel: Channel, *, is_verified: bool, used_for_auth: bool) -> None:
    """Makes a channel the primary one with these flags; the former primary must have been demoted.

    Raises UniqueViolation when it is to be used for sign-in and is somebody's sign-in address already.
    """
    await conn.execute(queries.PROMOTE, tenancy_id=tenancy.id, id=channel.id, is_verified=is_verified, used_for_auth=used_for_auth)
