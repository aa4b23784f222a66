"""The worker that delivers the outbox: claims entries that are due, renders them, hands them to a mail server or keeps them for the mailbox.

Every process runs one. It is woken when its own process queues something and looks once a second for what others left. An entry is
claimed with a lease; before a message is handed over that is committed, so that after a crash an entry whose fate is unknown is never
sent a second time.
"""

from __future__ import annotations

import asyncio
import contextlib
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

import aiosmtplib
import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Parts, Tenancy
from hexclave_server.core.db import Connection, DatabaseUnavailable
from hexclave_server.core.log import logger
from hexclave_server.emails import queries
from hexclave_server.emails.queries import EntryRow
from hexclave_server.emails.rendering import Content, render
from hexclave_server.emails.service import SEALED, Template
from hexclave_server.projects.service import find_tenancy

POLL_SECONDS = 1.0
LEASE_MILLIS = 30_000
AT_ONCE = 8


class Delivery:
    """The delivery of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._id = randomness.new_uuid()
        self._in_hand: set[str] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins."""
        self._loop_task = asyncio.create_task(self._run(), name="email delivery")

    async def stop(self) -> None:
        """Hands back what was not handed over yet."""
        for task in [self._loop_task, *self._tasks]:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        with contextlib.suppress(DatabaseUnavailable):
            await self._parts.db.execute(queries.HAND_BACK, claim_id=self._id, now=clock.now_millis())

    async def _run(self) -> None:
        while True:
            try:
                if not await self._turn():
                    await self._parts.outbox.wait(POLL_SECONDS)
            except DatabaseUnavailable:
                await asyncio.sleep(POLL_SECONDS)
            except Exception as error:  # noqa: BLE001 - one bad turn must not end delivery for ever
                logger().error("email delivery failed", kind=type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)

    async def _turn(self) -> bool:
        """Claims what is due and begins its delivery; whether there was anything."""
        now = clock.now_millis()
        for is_high_priority in (True, False):
            if await self._parts.db.value(queries.IS_DUE, now=now, is_high_priority=is_high_priority) is None:
                continue
            entries = await self._parts.db.all(
                EntryRow,
                queries.CLAIM,
                now=now,
                is_high_priority=is_high_priority,
                new_claim_id=self._id,
                lease_ends_at=now + LEASE_MILLIS,
            )
            for entry in entries:
                if entry.id not in self._in_hand:
                    await self._slots.acquire()
                    self._in_hand.add(entry.id)
                    task = asyncio.create_task(self._deliver(entry))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            if entries:
                return True
        return False

    async def _deliver(self, entry: EntryRow) -> None:
        try:
            await self._send(entry)
        except DatabaseUnavailable:
            pass
        except Exception as error:  # noqa: BLE001
            logger().error("email not sent", email=entry.id, kind=type(error).__name__, reason=str(error))
            now = clock.now_millis()
            await self._parts.db.execute(
                queries.RETRY,
                tenancy_id=entry.tenancy_id,
                email_id=entry.id,
                claim_id=self._id,
                now=now,
                retry_at=now + 20_000,
                send_retries=entry.send_retries + 1,
                send_attempt_errors=entry.send_attempt_errors,
                server_error=str(error),
            )
        finally:
            self._in_hand.discard(entry.id)
            self._slots.release()

    async def _send(self, entry: EntryRow) -> None:
        parts = self._parts
        tenancy = await find_tenancy(parts.db, entry.tenancy_id)
        project = await parts.directory.find_project(tenancy.project_id) if tenancy is not None else None
        if project is None:
            return
        variables = msgspec.json.decode(
            parts.keyring.decrypt(entry.sealed_variables, purpose=SEALED, tenancy_id=entry.tenancy_id, row_id=entry.id)
        )
        content = render(Template(entry.template), variables, project_name=project.display_name)
        addresses = msgspec.json.decode(entry.addresses, type=list[str])
        await parts.db.write(lambda conn: self._started(conn, project.tenancy, entry, content))
        if parts.settings.smtp_host is not None:
            message = EmailMessage(SMTP_POLICY)
            message["From"] = parts.settings.smtp_sender
            message["To"] = ", ".join(addresses)
            message["Subject"] = content.subject
            message.set_content(content.text)
            message.add_alternative(content.html, subtype="html")
            await aiosmtplib.send(
                message.as_bytes(),
                sender="noreply@example.com",
                recipients=addresses,
                hostname=parts.settings.smtp_host,
                port=parts.settings.smtp_port,
                start_tls=False,
                timeout=20,
            )
        await parts.db.execute(
            queries.FINISH,
            tenancy_id=entry.tenancy_id,
            email_id=entry.id,
            claim_id=self._id,
            now=clock.now_millis(),
            send_retries=entry.send_retries,
            send_attempt_errors=entry.send_attempt_errors,
            server_error=None,
            skipped_reason=None,
            skipped_details=None,
        )

    async def _started(self, conn: Connection, tenancy: Tenancy, entry: EntryRow, content: Content) -> None:
        now = clock.now_millis()
        sealed = self._parts.keyring.encrypt(msgspec.json.encode(content), purpose=SEALED, tenancy_id=tenancy.id, row_id=entry.id)
        await conn.execute(
            queries.START,
            tenancy_id=tenancy.id,
            email_id=entry.id,
            claim_id=self._id,
            now=now,
            rendered_at=now,
            sealed_content=sealed,
            lease_ends_at=now + LEASE_MILLIS,
        )
