"""Telling a user by email that something he signs in with was changed, so that he learns of it if it was not he (contract 02 §1.8).

A notice is queued in the transaction of the change: there is none without the other. It goes where the owner of the account is known to
read: to the address that was the primary one before the change.

Anybody can name any address as his own, and be a new user each time. So notices to an address that its user has not verified count for the
address, too, as codes do: nobody's mailbox is filled. Those to a verified one do not, lest strangers keep its owner from being told.
"""

from __future__ import annotations

import enum

from hexclave_server.contact_channels.service import find_primary
from hexclave_server.core.context import Parts, Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.core.throttles import MESSAGES, Throttle
from hexclave_server.emails.service import Template, queue_email, to_user_at

NOTICES = Throttle("security-notices", burst=20, interval_seconds=600)
"""Per user. Who changes an account back and forth must not fill a mailbox with notices; twenty of them have been notice enough."""


class Event(enum.Enum):
    """What was changed; the variable `event` of the email."""

    PASSWORD = "password"  # noqa: S105 - the name of an event
    EMAIL = "email"
    SECOND_FACTOR = "second_factor"
    PASSKEY = "passkey"


async def notify(
    conn: Connection, parts: Parts, tenancy: Tenancy, user_id: str, event: Event, *, address: str | None = None, is_verified: bool = False
) -> None:
    """Queues a notice to the address, by default to the user's primary one; part of the transaction of the change.

    None is queued for a user without an address, nor with `HEXCLAVE_SECURITY_NOTICES=off`. Wake `parts.outbox` after the commit.
    """
    if not parts.settings.security_notices:
        return
    if address is None:
        primary = await find_primary(conn, tenancy, user_id)
        if primary is None:
            return
        address, is_verified = primary.value, primary.is_verified
    counted = [NOTICES.of(user_id)] if is_verified else [NOTICES.of(user_id), MESSAGES.of(f"notice {address}")]
    if not await parts.throttles.try_count(conn, tenancy.id, *counted):
        return
    recipient = to_user_at(user_id, address)
    await queue_email(conn, parts.keyring, tenancy, Template.SECURITY_NOTICE, recipient, {"event": event.value})
