"""What an update does to the primary email: the rules of contract 05 §1.5 as a pure decision, and the writes that follow from it."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from hexclave_server.contact_channels import service as contact_channels
from hexclave_server.contact_channels.service import Channel, NormalEmail, normalise_address
from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import UserEmailAlreadyExists
from hexclave_server.users.wire import ServerUserUpdate, UserCreate


class PrimaryEmailChange(msgspec.Struct, frozen=True):
    """What a request says about the primary email; `UNSET` where it says nothing."""

    address: NormalEmail | None | UnsetType = UNSET
    verified: bool | UnsetType = UNSET
    used_for_auth: bool | UnsetType = UNSET

    @property
    def is_empty(self) -> bool:
        """Whether the request says nothing about it at all."""
        return self.address is UNSET and self.verified is UNSET and self.used_for_auth is UNSET


class PrimaryEmail(msgspec.Struct, frozen=True):
    """The primary email that a user shall have."""

    address: NormalEmail
    verified: bool | None
    """None: as the channel is, or False for a new one."""
    used_for_auth: bool


def change_of(body: UserCreate | ServerUserUpdate) -> PrimaryEmailChange:
    """The change that a request asks for, its address in the normal form."""
    address = normalise_address(body.primary_email) if isinstance(body.primary_email, str) else body.primary_email
    return PrimaryEmailChange(address, body.primary_email_verified, body.primary_email_auth_enabled)


def decide_primary_email(current: Channel | None, change: PrimaryEmailChange) -> PrimaryEmail | None:
    """The primary email after the change, or None for none. Raises PlainError 400 for flags without an address."""
    if change.address is None:
        return None
    address = change.address if change.address is not UNSET else NormalEmail(current.value) if current is not None else None
    if address is None:
        if change.verified is True or change.used_for_auth is True:
            raise PlainError(400, "A user without a primary email cannot have it verified or used for sign-in.")
        return None
    used_for_auth = change.used_for_auth if change.used_for_auth is not UNSET else current is not None and current.used_for_auth
    return PrimaryEmail(address, None if change.verified is UNSET else change.verified, used_for_auth)


async def change_primary_email(
    conn: Connection, tenancy: Tenancy, user_id: str, change: PrimaryEmailChange, now: int
) -> NormalEmail | None:
    """Applies the change and returns the primary email that the user has then. The user's row must be locked.

    Raises PlainError 400 for flags without an address and UserEmailAlreadyExists for somebody else's sign-in address. A race for the
    address ends in UniqueViolation.
    """
    current = await contact_channels.find_primary(conn, tenancy, user_id)
    wanted = decide_primary_email(current, change)
    if wanted is None:
        if current is not None and change.address is None:
            await contact_channels.demote_primary(conn, tenancy, user_id)
        return None
    if wanted.used_for_auth:
        owner = await contact_channels.find_sign_in_owner(conn, tenancy, wanted.address)
        if owner is not None and owner != user_id:
            raise address_is_taken(wanted.address)
    if current is not None and current.value == wanted.address:
        await _promote(conn, tenancy, current, wanted)
        return wanted.address
    await contact_channels.demote_primary(conn, tenancy, user_id)
    own = await contact_channels.find_by_value(conn, tenancy, user_id, wanted.address)
    if own is not None:
        await _promote(conn, tenancy, own, wanted)
    elif not await contact_channels.create_primary(
        conn, tenancy, user_id, wanted.address, is_verified=wanted.verified is True, used_for_auth=wanted.used_for_auth, now=now
    ):
        raise address_is_taken(wanted.address)
    return wanted.address


async def _promote(conn: Connection, tenancy: Tenancy, channel: Channel, wanted: PrimaryEmail) -> None:
    verified = channel.is_verified if wanted.verified is None else wanted.verified
    await contact_channels.promote(conn, tenancy, channel, is_verified=verified, used_for_auth=wanted.used_for_auth)


def address_is_taken(address: NormalEmail) -> UserEmailAlreadyExists:
    """The error for an address that somebody signs in with."""
    return UserEmailAlreadyExists(email=address, would_work_if_email_was_verified=False)
