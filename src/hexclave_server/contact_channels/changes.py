"""Adding, changing and removing addresses of a user (contract 05 §3.3 to §3.5).

Each change is one transaction that holds the user's row, so that what was read of his own channels stays true. Between users the unique
index on sign-in addresses decides: who loses a race for one gets the error of who came later. A change of what the user signs in with, or
of his primary email, queues a notice to him in the same transaction.
"""

from __future__ import annotations

from hexclave_server.contact_channels import queries
from hexclave_server.contact_channels.address import NormalEmail
from hexclave_server.contact_channels.read import ChannelRow, find_channel
from hexclave_server.contact_channels.rules import Admission, ChannelChange, ChannelState, admit_address, state_after
from hexclave_server.contact_channels.service import demote_primary, find_by_value, find_sign_in_addresses, find_sign_in_owner
from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Parts, Tenancy
from hexclave_server.core.db import Connection, UniqueViolation
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import ContactChannelAlreadyUsedForAuthBySomeoneElse, UserNotFound
from hexclave_server.security_notices.addresses import notify_of_addresses
from hexclave_server.users.lock import lock_user


async def create_channel(parts: Parts, tenancy: Tenancy, user_id: str, wanted: ChannelState) -> ChannelRow:
    """Adds an address to the user; `wanted.value` is in the normal form.

    Raises UserNotFound, PlainError 400 when he has it already, ContactChannelAlreadyUsedForAuthBySomeoneElse.
    """

    async def create(conn: Connection) -> ChannelRow:
        if not await lock_user(conn, tenancy, user_id):
            raise UserNotFound
        before = await find_sign_in_addresses(conn, tenancy, user_id)
        await _require_admission(conn, tenancy, user_id, None, wanted, named_in_error=wanted.value)
        if wanted.is_primary:
            await demote_primary(conn, tenancy, user_id)
        row = ChannelRow(randomness.new_uuid(), user_id, wanted.value, wanted.is_primary, wanted.is_verified, wanted.used_for_auth)
        added = await conn.execute(
            queries.INSERT,
            tenancy_id=tenancy.id,
            id=row.id,
            user_id=user_id,
            value=row.value,
            is_primary=row.is_primary,
            is_verified=row.is_verified,
            used_for_auth=row.used_for_auth,
            now=clock.now_millis(),
        )
        if added == 0:
            raise _signs_somebody_else_in(wanted.value)
        await notify_of_addresses(conn, parts, tenancy, user_id, before)
        return row

    row = await parts.db.write(create)
    parts.outbox.wake()
    return row


async def update_channel(parts: Parts, tenancy: Tenancy, user_id: str, channel_id: str, change: ChannelChange) -> ChannelRow:
    """Changes what is named and returns the channel.

    Raises PlainError 400 when the user has no such channel or has the new address already, ContactChannelAlreadyUsedForAuthBySomeoneElse.
    """

    async def update(conn: Connection) -> ChannelRow:
        current = await _locked_channel(conn, tenancy, user_id, channel_id)
        before = await find_sign_in_addresses(conn, tenancy, user_id)
        state = ChannelState(current.value, current.is_primary, current.is_verified, current.used_for_auth)
        wanted = state_after(state, change)
        await _require_admission(conn, tenancy, user_id, channel_id, wanted, named_in_error=None)
        if wanted.is_primary and not current.is_primary:
            await demote_primary(conn, tenancy, user_id)
        await conn.execute(
            queries.UPDATE,
            tenancy_id=tenancy.id,
            user_id=user_id,
            id=channel_id,
            value=wanted.value,
            is_primary=wanted.is_primary,
            is_verified=wanted.is_verified,
            used_for_auth=wanted.used_for_auth,
        )
        await notify_of_addresses(conn, parts, tenancy, user_id, before)
        return ChannelRow(channel_id, user_id, wanted.value, wanted.is_primary, wanted.is_verified, wanted.used_for_auth)

    try:
        row = await parts.db.write(update)
    except UniqueViolation:  # somebody else got the address between our look and our write
        raise _signs_somebody_else_in(None) from None
    parts.outbox.wake()
    return row


async def delete_channel(parts: Parts, tenancy: Tenancy, user_id: str, channel_id: str) -> None:
    """Removes an address, be it the primary or the last one. Raises PlainError 400 when the user has no such channel."""

    async def delete(conn: Connection) -> None:
        await _locked_channel(conn, tenancy, user_id, channel_id)
        before = await find_sign_in_addresses(conn, tenancy, user_id)
        await conn.execute(queries.DELETE, tenancy_id=tenancy.id, user_id=user_id, id=channel_id)
        await notify_of_addresses(conn, parts, tenancy, user_id, before)

    await parts.db.write(delete)
    parts.outbox.wake()


async def _locked_channel(conn: Connection, tenancy: Tenancy, user_id: str, channel_id: str) -> ChannelRow:
    """The channel as it stays until the transaction ends. Raises PlainError 400."""
    exists = await lock_user(conn, tenancy, user_id)
    row = await find_channel(conn, tenancy, user_id, channel_id) if exists else None
    if row is None:
        raise PlainError(400, "The user has no such contact channel.")
    return row


async def _require_admission(
    conn: Connection, tenancy: Tenancy, user_id: str, channel_id: str | None, wanted: ChannelState, *, named_in_error: str | None
) -> None:
    address = NormalEmail(wanted.value)
    own = await find_by_value(conn, tenancy, user_id, address)
    owner = await find_sign_in_owner(conn, tenancy, address) if wanted.used_for_auth else None
    admission = admit_address(
        on_another_own_channel=own is not None and own.id != channel_id,
        wanted_for_sign_in=wanted.used_for_auth,
        signs_somebody_else_in=owner not in (None, user_id),
    )
    if admission is Admission.ALREADY_HAS_IT:
        raise PlainError(400, "The user has a contact channel with this value already.")
    if admission is Admission.SIGNS_SOMEBODY_ELSE_IN:
        raise _signs_somebody_else_in(named_in_error)


def _signs_somebody_else_in(value: str | None) -> ContactChannelAlreadyUsedForAuthBySomeoneElse:
    return ContactChannelAlreadyUsedForAuthBySomeoneElse(type="email", contact_channel_value=value, would_work_if_email_was_verified=False)
