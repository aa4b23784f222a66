"""Which change of a user's addresses he is told of, and where (contract 02 §1.8): a pure decision, and the notice that follows from it."""

from __future__ import annotations

from hexclave_server.contact_channels.service import SignInAddresses, find_sign_in_addresses
from hexclave_server.core.context import Parts, Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.security_notices.service import Event, notify


def address_to_notify(before: SignInAddresses, after: SignInAddresses) -> str | None:
    """Where a notice goes; None when neither the primary email nor a sign-in address has changed.

    To the former primary email, else to a former sign-in address: whoever takes an account over has put the new ones there. Only a user
    who had neither is told at the new one.
    """
    if (before.primary, before.for_sign_in) == (after.primary, after.for_sign_in):
        return None
    candidates = [before.primary, *sorted(before.for_sign_in), after.primary, *sorted(after.for_sign_in)]
    return next(address for address in candidates if address is not None)


async def notify_of_addresses(conn: Connection, parts: Parts, tenancy: Tenancy, user_id: str, before: SignInAddresses) -> None:
    """Queues a notice if the addresses are not what they were `before`, read in this same transaction. Wake `parts.outbox` afterwards."""
    after = await find_sign_in_addresses(conn, tenancy, user_id)
    address = address_to_notify(before, after)
    if address is not None:
        await notify(conn, parts, tenancy, user_id, Event.EMAIL, address=address, is_verified=address in before.verified)
