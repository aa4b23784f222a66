"""The life of an entry of the outbox, from a worker's claim to its end: every step is one conditional statement.

    queued -> claimed -> handing over -> finished (sent, skipped, failed)
                 |            |
                 +- put back  +- tried again later

A claim is a lease that its worker renews. `start` is the point of no return: it is committed before the text goes to the mail server, so an
entry that a crash left behind after it is never sent a second time (its fate is unknown, and it says so), and one left before it is.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection, Database, DatabaseUnavailable, Query
from hexclave_server.core.log import logger
from hexclave_server.emails import queries
from hexclave_server.emails.failures import MAX_ATTEMPTS, Attempt, Failure, Remedy, retry_millis
from hexclave_server.emails.queries import EntryRow
from hexclave_server.emails.recipients import Skip
from hexclave_server.emails.rendering import Content
from hexclave_server.emails.service import SEALED

LEASE_MILLIS = 30_000
GIVE_UP_MILLIS = 24 * 3_600_000
"""How long an entry waits for a mail server that cannot be reached."""
KEPT_MILLIS = 30 * 86_400_000
"""How long the contents of finished entries are kept."""
_REPEAT_SECONDS = 1.0
_FATE_UNKNOWN = (
    "The server stopped, or lost its database, while the mail server was taking this message. It may or may not have arrived; "
    "it is not sent again."
)


class Entries:
    """What one worker does with entries; `id` stands in its claims."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._in_hand: set[str] = set()
        self.id = randomness.new_uuid()

    @property
    def in_hand(self) -> int:
        """How many entries are claimed and not finished."""
        return len(self._in_hand)

    async def claim(self) -> list[EntryRow]:
        """Up to `CLAIMED_AT_ONCE` entries that are due, high priority first; what a crash left in an unknown state is finished here."""
        now = clock.now_millis()
        for is_high_priority in (True, False):
            due = await self._database.value(queries.IS_DUE, now=now, is_high_priority=is_high_priority)
            if due is None:
                continue
            claimed = await self._database.all(
                EntryRow,
                queries.CLAIM,
                now=now,
                is_high_priority=is_high_priority,
                own_claim_id=self.id,
                lease_ends_at=now + LEASE_MILLIS,
            )
            fresh = [entry for entry in claimed if entry.id not in self._in_hand]  # the others' leases were renewed by this
            for entry in [entry for entry in fresh if entry.started_sending_at is not None]:
                await self.fail(entry, Failure("UNKNOWN", _FATE_UNKNOWN, Remedy.GIVE_UP))
                fresh.remove(entry)
            self._in_hand.update(entry.id for entry in fresh)
            if claimed:
                return fresh
        return []

    async def renew(self) -> None:
        """Gives all claims a new lease."""
        if not self._in_hand:
            return
        now = clock.now_millis()
        for is_high_priority in (True, False):
            await self._database.execute(
                queries.RENEW,
                now=now,
                latest=now + LEASE_MILLIS,
                is_high_priority=is_high_priority,
                own_claim_id=self.id,
                lease_ends_at=now + LEASE_MILLIS,
            )

    async def hand_back(self) -> None:
        """Lets go of everything that was not started, so that another worker need not wait for the leases to end."""
        await self._database.execute(queries.HAND_BACK, own_claim_id=self.id, now=clock.now_millis())

    async def start(self, entry: EntryRow, content: Content) -> bool:
        """Notes that the text goes to the mail server now; False when the claim is lost, and then it must not."""
        now = clock.now_millis()
        changed = await self._database.execute(
            queries.START,
            **self._mine(entry),
            now=now,
            rendered_at=now,
            sealed_content=self._seal(entry, content),
            lease_ends_at=now + LEASE_MILLIS,
        )
        if not changed:
            self._in_hand.discard(entry.id)
        return changed == 1

    async def finish(self, entry: EntryRow) -> None:
        """The mail server has it."""
        await self._end(entry, queries.FINISH, server_error=None)

    async def keep(self, entry: EntryRow, content: Content) -> None:
        """It is in the local mailbox: finished with its content in one statement."""
        await self._end(entry, queries.KEEP, sealed_content=self._seal(entry, content))

    async def skip(self, entry: EntryRow, content: Content, skip: Skip) -> None:
        """It is not to be sent."""
        reason, details = skip.reason.value, msgspec.json.encode(skip.details).decode()
        await self._end(entry, queries.SKIP, sealed_content=self._seal(entry, content), skipped_reason=reason, skipped_details=details)

    async def fail(self, entry: EntryRow, failure: Failure, content: Content | None = None) -> None:
        """A try has failed: notes the attempt, and either plans another or finishes the entry."""
        number = entry.send_retries + 1
        now = clock.now_millis()
        attempt = Attempt(number, _as_iso(now), failure.message, {"errorType": failure.error_type}, failure.message, {})
        former = msgspec.json.decode(entry.send_attempt_errors) if entry.send_attempt_errors else []
        noted = {
            "send_retries": number,
            "send_attempt_errors": msgspec.json.encode([*former, attempt]).decode(),
            "server_error": failure.message,
        }
        if failure.remedy is Remedy.TRY_AGAIN and number < MAX_ATTEMPTS:
            await self._end(entry, queries.RETRY, **noted, retry_at=now + retry_millis(number))
        else:
            logger().warning("email given up", email=entry.id, error_type=failure.error_type, attempts=number)
            sealed = None if content is None else self._seal(entry, content)
            await self._end(entry, queries.FAIL, **noted, sealed_content=sealed, rendered_at=None if content is None else now)

    async def fail_to_render(self, entry: EntryRow, text: str) -> None:
        """It could not be rendered; final, no attempt to send."""
        await self._end(entry, queries.FINISH, server_error=text)

    async def put_back(self, entry: EntryRow, due_at: int, *, reason: str | None = None, charged_at: int | None = None) -> None:
        """Lets go of the entry until `due_at`; no attempt was made, `reason` is shown while it waits."""
        await self._end(entry, queries.PUT_BACK, retry_at=due_at, server_error=reason, charged_at=charged_at or entry.charged_at)

    async def wait_for_server(self, entry: EntryRow, failure: Failure, due_at: int) -> None:
        """Puts the entry back because its mail server cannot be reached, or gives up after a day of that."""
        if clock.now_millis() - entry.scheduled_at > GIVE_UP_MILLIS:
            await self.fail(entry, Failure(failure.error_type, failure.message, Remedy.GIVE_UP))
        else:
            await self.put_back(entry, due_at, reason=failure.message)

    async def _end(self, entry: EntryRow, query: Query, **values: object) -> None:
        """Writes how the claim ended; while the database is away it tries again, since nobody else knows it."""
        try:
            while True:
                try:
                    await self._database.execute(query, **self._mine(entry), **values, now=clock.now_millis())
                except DatabaseUnavailable:
                    await asyncio.sleep(_REPEAT_SECONDS)
                else:
                    return
        finally:
            self._in_hand.discard(entry.id)

    def _mine(self, entry: EntryRow) -> dict[str, str]:
        return {"tenancy_id": entry.tenancy_id, "email_id": entry.id, "own_claim_id": self.id}

    def _seal(self, entry: EntryRow, content: Content) -> str:
        return self._keyring.encrypt(msgspec.json.encode(content), purpose=SEALED, tenancy_id=entry.tenancy_id, row_id=entry.id)


async def purge(conn: Connection) -> int:
    """Removes what up to 500 entries said that have been finished for a month; how many. `conn` is a write transaction."""
    return await conn.execute(queries.PURGE_CONTENTS, before=clock.now_millis() - KEPT_MILLIS)


def _as_iso(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
