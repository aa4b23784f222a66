"""The worker that delivers the outbox: claims entries that are due and sends each on its way (contract 08 §1.2).

Every process runs one. It is woken when its own process queues something and looks once a second for what others, or a crash, left behind.
Nothing here waits for a mail server: that is for the lanes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec

from hexclave_server.core import clock
from hexclave_server.core.context import Parts, Project
from hexclave_server.core.db import DatabaseUnavailable
from hexclave_server.core.log import logger
from hexclave_server.emails.addresses import AddressInvalid
from hexclave_server.emails.capacity import charge
from hexclave_server.emails.entries import LEASE_MILLIS, Entries
from hexclave_server.emails.failures import Failure, Remedy
from hexclave_server.emails.lane import Lane, Post, end_tasks
from hexclave_server.emails.letters import write_letter
from hexclave_server.emails.mail_server import Mailbox, MailServer, MailServerIncomplete, Route, own_name, route_of
from hexclave_server.emails.message import compose
from hexclave_server.emails.queries import EntryRow
from hexclave_server.emails.rendering import Content, RenderingFailed
from hexclave_server.projects.service import find_tenancy

POLL_SECONDS = 1.0
IN_HAND = 100
"""How many entries a process holds before it looks whether a lane is slow."""
SMALLEST_SHARE = 8
_PATIENCE_SECONDS = 0.25
_KNOWN_TENANCIES = 10_000


class _Written(msgspec.Struct, frozen=True):
    """A letter that can be sent, to addresses as a mail server takes them."""

    content: Content
    recipients: tuple[str, ...]


class Delivery:
    """The delivery of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._entries = Entries(parts.db, parts.keyring)
        self._lanes: dict[MailServer, Lane] = {}
        self._room = asyncio.Event()
        self._project_ids: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins."""
        self._tasks = [
            asyncio.create_task(self._for_ever(self._turn), name="email delivery"),
            asyncio.create_task(self._for_ever(self._renew), name="email leases"),
        ]

    async def stop(self) -> None:
        """Ends, and hands back what was not handed over to a mail server yet."""
        if not self._tasks:
            return
        claims, leases = self._tasks
        await end_tasks(claims)
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))
        await end_tasks(leases)
        with contextlib.suppress(DatabaseUnavailable):
            await self._entries.hand_back()

    async def _for_ever(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except DatabaseUnavailable:
                await asyncio.sleep(POLL_SECONDS)
            except Exception as error:  # noqa: BLE001 - one bad turn must not end delivery
                logger().error("email delivery failed", kind=type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)

    async def _renew(self) -> None:
        await asyncio.sleep(LEASE_MILLIS / 3000)
        await self._entries.renew()

    async def _turn(self) -> None:
        """Claims a batch and sends it on its way; waits when there is nothing to do, or for a moment when there is much in hand."""
        if self._entries.in_hand >= IN_HAND:
            await self._wait_for_room()
        batch = await self._entries.claim()
        if batch:
            await asyncio.gather(*(self._guarded(entry, self._dispatch(entry)) for entry in batch))
        else:
            await self._parts.outbox.wait(POLL_SECONDS)

    async def _wait_for_room(self) -> None:
        """Lets the lanes work. Not for long: if they do not get on, others' entries may be waiting behind theirs."""
        self._room.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while self._entries.in_hand >= IN_HAND:
                    self._room.clear()
                    await self._room.wait()

    async def _guarded(self, entry: EntryRow, work: Coroutine[Any, Any, None]) -> None:
        """Whatever goes wrong with one entry is noted in it and stays with it."""
        try:
            await work
        except DatabaseUnavailable:
            await self._entries.put_back(entry, clock.now_millis())
        except Failure as failure:
            await self._entries.fail(entry, failure)
        except Exception as error:  # noqa: BLE001 - a bug must not try for ever
            logger().error("email failed", email=entry.id, kind=type(error).__name__)
            await self._entries.fail(entry, Failure("UNKNOWN", "An internal error of the server.", Remedy.TRY_AGAIN))

    async def _dispatch(self, entry: EntryRow) -> None:
        """Into the mailbox, or into the lane of its mail server if it has room and the project may send now."""
        project = await self._project_of(entry)
        via = _route(self._parts, project).via
        if isinstance(via, Mailbox):
            written = await self._letter(entry, project)
            if written is not None:
                await self._entries.keep(entry, written.content)
            return
        lane = self._lane(via)
        if not lane.has_room(max(SMALLEST_SHARE, IN_HAND // len(self._lanes))):
            reason = lane.circuit.failure.message if lane.circuit.failure is not None else None
            await self._entries.put_back(entry, lane.appointment(), reason=reason)
            return
        per_hour = self._parts.settings.email_capacity_per_hour
        may_leave_at = await self._parts.db.write(lambda conn: charge(conn, entry, per_hour))
        if may_leave_at is None:
            lane.take(entry)
        else:
            await self._entries.put_back(entry, may_leave_at, charged_at=clock.now_millis() if per_hour else None)

    async def _prepare(self, entry: EntryRow) -> Post | None:
        """For a lane: the entry as a message, as things are now."""
        project = await self._project_of(entry)
        route = _route(self._parts, project)
        written = await self._letter(entry, project)
        if written is None:
            return None
        message = compose(
            written.content,
            sender_name=route.sender_name,
            sender_address=route.sender_address,
            recipients=written.recipients,
            message_id=entry.id,
        )
        return Post(written.content, route.sender_address, written.recipients, message)

    async def _letter(self, entry: EntryRow, project: Project) -> _Written | None:
        """The letter; None when the entry has been finished because it says nothing, or goes to nobody."""
        try:
            letter = await write_letter(self._parts, project, entry)
        except RenderingFailed as error:
            logger().error("email not rendered", email=entry.id, reason=str(error))
            await self._entries.fail_to_render(entry, "The email could not be rendered.")
            return None
        if letter.skip is not None:
            await self._entries.skip(entry, letter.content, letter.skip)
            return None
        try:
            return _Written(letter.content, letter.envelope())
        except AddressInvalid as error:
            failure = Failure("INVALID_EMAIL_ADDRESS", f"An address cannot be sent to: {error}", Remedy.GIVE_UP)
            await self._entries.fail(entry, failure, letter.content)
            return None

    async def _project_of(self, entry: EntryRow) -> Project:
        project_id = self._project_ids.get(entry.tenancy_id)
        if project_id is None:
            tenancy = await find_tenancy(self._parts.db, entry.tenancy_id)
            project_id = tenancy.project_id if tenancy is not None else ""
            if len(self._project_ids) >= _KNOWN_TENANCIES:
                self._project_ids.clear()
            self._project_ids[entry.tenancy_id] = project_id
        project = await self._parts.directory.find_project(project_id)
        if project is None:
            raise Failure("UNKNOWN", "The project was deleted.", Remedy.GIVE_UP)
        return project

    def _lane(self, server: MailServer) -> Lane:
        lane = self._lanes.get(server)
        if lane is None:
            self._lanes = {known: lane for known, lane in self._lanes.items() if not lane.is_forgettable}
            lane = Lane(server, own_name(self._parts.settings), self._entries, self._prepare, self._room.set)
            self._lanes[server] = lane
        return lane


def _route(parts: Parts, project: Project) -> Route:
    try:
        return route_of(parts.settings, project.display_name, project.config)
    except MailServerIncomplete as error:
        raise Failure("UNKNOWN", str(error), Remedy.GIVE_UP) from None
