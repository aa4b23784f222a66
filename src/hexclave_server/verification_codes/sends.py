"""How many codes may be sent: per address they go to, per address they are asked from, and per project (DESIGN 5, QUALITY A6).

Counted before anything is looked up, for addresses that exist and for others alike, so that a refusal tells nothing. A back end with a
server key asks for many people from one address; there that address does not count.
"""

from __future__ import annotations

from hexclave_server.core.context import Access, Call
from hexclave_server.core.throttles import MESSAGES, MESSAGES_BY_ADDRESS, MESSAGES_BY_PROJECT


async def count_send(call: Call, address: str, *, purpose: str = "") -> None:
    """Counts a message to the address, which is in its normal form, in a transaction of its own. Raises RateLimited.

    Messages of another purpose have a count of their own, so that a stranger who asks for sign-in codes keeps nobody from resetting.
    """
    subjects = [MESSAGES.of(f"{purpose} {address}" if purpose else address), MESSAGES_BY_PROJECT.of(call.project.id)]
    if call.access is Access.CLIENT:
        subjects.append(MESSAGES_BY_ADDRESS.of(call.request.address))
    await call.parts.throttles.count(call.db, call.tenancy.id, *subjects)
