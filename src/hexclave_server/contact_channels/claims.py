"""Clients who want to sign in with an address learn, by contract, whether somebody does already (contract 05 §1.5, §3.3, §3.4).

The answer is rationed as it is at sign-up: tries are counted per client address before they are decided, and given back to those who got
the address, so that nobody asks for a whole list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hexclave_server.core.context import Access, Call
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS


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
