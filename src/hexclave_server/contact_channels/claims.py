"""What is asked of clients, and not of servers, who give their user an address (contract 05 §1.5, §3.3, §3.4).

Who wants to sign in with one learns, by contract, whether somebody does already. The answer is rationed as it is at sign-up: tries are
counted per client address before they are decided, and given back to those who got the address, so that nobody asks for a whole list.
And a user has room for so many: each change of his addresses reads all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hexclave_server.contact_channels import queries
from hexclave_server.contact_channels.address import normalise_address
from hexclave_server.contact_channels.service import find_by_value
from hexclave_server.core.context import Access, Call
from hexclave_server.core.errors import PlainError
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS
from hexclave_server.sessions.service import is_signed_in

MOST_ADDRESSES = 100
"""How many a user may add himself. Asked before the transaction: a few more that come at once do no harm."""


@asynccontextmanager
async def counted_claim(call: Call, *, is_claim: bool) -> AsyncIterator[None]:
    """Around a change by which the user of a client gets an address, if it is one. Raises RateLimited when too many were taken."""
    if not is_claim or call.access is not Access.CLIENT:
        yield
        return
    parts, tenancy_id, subject = call.parts, call.tenancy.id, GUESSES_BY_ADDRESS.of(call.request.address)
    await parts.throttles.count(call.db, tenancy_id, subject)
    yield
    await call.db.write(lambda conn: parts.throttles.give_back(conn, tenancy_id, subject))


async def require_room(call: Call, user_id: str, email: str) -> None:
    """Raises PlainError 400 for a client whose user has not this address and as many others as he may add himself."""
    if call.access is not Access.CLIENT or await find_by_value(call.db, call.tenancy, user_id, normalise_address(email)) is not None:
        return
    if await call.db.value(queries.COUNT_OF_USER, tenancy_id=call.tenancy.id, user_id=user_id) >= MOST_ADDRESSES:
        raise PlainError(400, f"A user may have {MOST_ADDRESSES} addresses. Remove one that is not needed.")


async def require_signed_in(call: Call) -> None:
    """Raises PlainError 400 for a client whose session has ended, before it changes what its user signs in with.

    Before the transaction: what a moment earlier was done in the session stays, too.
    """
    if call.access is Access.CLIENT and not await is_signed_in(call.db, call):
        raise PlainError(400, "You are signed out. Sign in and try again.")
