"""How many emails a project may send per hour (contract 08 §5): a token bucket that starts full, in the database.

Mails of high priority leave even when it is empty and are charged to it. Others make an appointment: each is told once when it may leave.
The bucket is one time per project (GCRA, as in core/throttles): the moment until which its rate is spoken for.
"""

from __future__ import annotations

from hexclave_server.core import clock
from hexclave_server.core.db import Connection
from hexclave_server.emails import queries
from hexclave_server.emails.queries import EntryRow

HOUR_MILLIS = 3_600_000
_KEY = "email-capacity"


async def charge(conn: Connection, entry: EntryRow, per_hour: int) -> int | None:
    """Counts the entry; None when it may leave now, else the time (epoch milliseconds) at which it may. Part of a write transaction."""
    now = clock.now_millis()
    if entry.charged_at is not None:
        return None
    if per_hour == 0:
        return None if entry.is_high_priority else now + HOUR_MILLIS
    interval = max(1, HOUR_MILLIS // per_hour)
    spoken_until: int = await conn.value(
        queries.CHARGE, tenancy_id=entry.tenancy_id, key=_KEY, now=now, first=now + interval, interval=interval
    )
    return None if entry.is_high_priority else appointment(spoken_until, now, interval, per_hour)


def appointment(spoken_until: int, now: int, interval: int, burst: int) -> int | None:
    """When a mail may leave after which the rate is spoken for until then; None for now. `burst` mails may leave at once."""
    earliest = spoken_until - burst * interval
    return None if earliest <= now else earliest
