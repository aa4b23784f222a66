"""The way to one mail server: a queue, and a few senders that each keep a connection while there is work.

Servers have a lane each, so that a slow or absent one delays nobody else's mails. What a lane has no room for gets an appointment: a time
at which, at the pace of the last mails, there will be room; so a long queue is not taken up and put down again all the time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

import aiosmtplib
import msgspec

from hexclave_server.core import clock
from hexclave_server.core.db import DatabaseUnavailable
from hexclave_server.core.log import logger
from hexclave_server.emails.circuit import Circuit
from hexclave_server.emails.entries import Entries
from hexclave_server.emails.failures import TRANSPORT_ERRORS, Failure, Remedy, meaning
from hexclave_server.emails.mail_server import MailServer
from hexclave_server.emails.queries import EntryRow
from hexclave_server.emails.rendering import Content
from hexclave_server.emails.smtp import SmtpConnection, connect

SENDERS = 6
IDLE_SECONDS = 5.0
LAST_WORD_SECONDS = 5.0
"""How long the end of the process waits for a mail server to say whether it has taken a message."""
_CANCEL_AGAIN_SECONDS = 0.5
_SHORTEST_APPOINTMENT_MILLIS = 500
_LONGEST_APPOINTMENT_MILLIS = 60_000
_FIRST_PACE_MILLIS = 20.0
_CLOSING = 421


class Post(msgspec.Struct, frozen=True):
    """A letter ready for the mail server."""

    content: Content
    sender_address: str
    recipients: tuple[str, ...]
    message: bytes


class ConnectionTooMany(Exception):
    """The server serves as many connections as it wants to."""


Prepare = Callable[[EntryRow], Awaitable[Post | None]]
"""Makes an entry ready; None when it has been finished otherwise."""


class Lane:
    """Senders and waiting entries of one mail server."""

    def __init__(self, server: MailServer, own_name: str, entries: Entries, prepare: Prepare, on_room: Callable[[], None]) -> None:
        self.circuit = Circuit(server)
        self.entries = entries
        self.prepare = prepare
        self.queue: asyncio.Queue[EntryRow] = asyncio.Queue()
        self._server = server
        self._own_name = own_name
        self._on_room = on_room
        self._senders: dict[asyncio.Task[None], _Sender] = {}
        self._connecting = asyncio.Lock()
        self._busy = 0
        self._is_stopping = False
        self._most_senders = SENDERS
        self._next_appointment = 0
        self._pace_millis = _FIRST_PACE_MILLIS

    @property
    def load(self) -> int:
        """How many entries it has."""
        return self._busy + self.queue.qsize()

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing would be lost with it."""
        return not self._senders and not self.load and not self.circuit.is_suspect

    def has_room(self, share: int) -> bool:
        """Whether it takes one more entry; while the server is suspect only one, as a probe."""
        return self.circuit.paused_until() is None and self.load < (1 if self.circuit.is_suspect else share)

    def take(self, entry: EntryRow) -> None:
        """Queues a claimed entry."""
        self.queue.put_nowait(entry)
        if len(self._senders) < self._most_senders and self.load > len(self._senders):
            self._add_sender()

    def appointment(self) -> int:
        """When an entry that found no room should come again (epoch milliseconds)."""
        now = clock.now_millis()
        first = max(now + _SHORTEST_APPOINTMENT_MILLIS, self.circuit.paused_until() or 0)
        following = max(first, self._next_appointment) + max(1, round(self._pace_millis / self._most_senders))
        self._next_appointment = min(following, first + _LONGEST_APPOINTMENT_MILLIS)
        return self._next_appointment

    async def stop(self) -> None:
        """Ends all senders; those whose message the mail server is taking get some seconds to hear what became of it."""
        self._is_stopping = True
        for sender in self._senders.values():
            sender.is_last = True
        last_words = {task for task, sender in self._senders.items() if sender.is_handing_over}
        for task in self._senders.keys() - last_words:
            task.cancel()
        if last_words:
            await asyncio.wait(last_words, timeout=LAST_WORD_SECONDS)
        await end_tasks(*self._senders)

    async def open_connection(self) -> SmtpConnection:
        """A new connection, one at a time: while a server is suspect the others wait for what the first finds.

        Raises Failure, and ConnectionTooMany where the server refuses one more beside those that it serves.
        """
        async with self._connecting:
            self.circuit.require_closed()
            try:
                connection = await connect(self._server, self._own_name)
            except TRANSPORT_ERRORS as error:
                failure = meaning(error, while_connecting=True, is_shared=self._server.is_shared)
                served = sum(sender.is_connected for sender in self._senders.values())
                if served and isinstance(error, aiosmtplib.SMTPResponseException):
                    self._most_senders = served
                    raise ConnectionTooMany from error
                if failure.remedy is Remedy.WAIT_FOR_SERVER:
                    self.circuit.open(failure)
                raise failure from error
            self.circuit.close()
            return connection

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Around the work of a sender on one entry: counts it and learns the pace."""
        self._busy += 1
        began = clock.monotonic()
        try:
            yield
        finally:
            self._busy -= 1
            self._pace_millis += 0.1 * ((clock.monotonic() - began) * 1000 - self._pace_millis)
            self._on_room()

    def _add_sender(self) -> None:
        sender = _Sender(self)
        task = asyncio.create_task(sender.run(), name=f"mails to {self._server.host}")
        self._senders[task] = sender
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._senders[task]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            logger().error("sender of emails failed", kind=type(error).__name__)
        if not self.queue.empty() and not self._senders and not self._is_stopping:  # something came as it went
            self._add_sender()


class _Sender:
    """Delivers one entry after the other over a connection of its own."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._entries = lane.entries
        self._connection: SmtpConnection | None = None
        self.is_handing_over = False  # from before `start` is committed until the end is: to be cut off there leaves a doubt
        self.is_last = False

    @property
    def is_connected(self) -> bool:
        """Whether it has an open connection."""
        return self._connection is not None and self._connection.is_open

    async def run(self) -> None:
        """Works until nothing has come for some seconds."""
        try:
            while not self.is_last:
                try:
                    async with asyncio.timeout(IDLE_SECONDS):
                        entry = await self._lane.queue.get()
                except TimeoutError:
                    return
                with self._lane.working():
                    await self._deliver(entry)
        finally:
            if self._connection is not None:
                await self._connection.close()

    async def _deliver(self, entry: EntryRow) -> None:
        post: Post | None = None
        try:
            self._lane.circuit.require_closed()
            post = await self._lane.prepare(entry)
            if post is not None:
                await self._send(entry, post)
        except Failure as failure:
            if failure.remedy is Remedy.WAIT_FOR_SERVER:
                await self._entries.wait_for_server(entry, failure, self._lane.appointment())
            else:
                await self._entries.fail(entry, failure, post.content if post is not None else None)
        except ConnectionTooMany:  # the others will see to it
            self.is_last = True
            self._lane.queue.put_nowait(entry)
        except DatabaseUnavailable:  # nothing was handed over: the entry may wait
            await self._entries.put_back(entry, clock.now_millis())
        except Exception as error:  # noqa: BLE001 - a bug must not stop the lane, nor try for ever
            logger().error("email failed", email=entry.id, kind=type(error).__name__)
            await self._entries.fail(entry, Failure("UNKNOWN", "An internal error of the server.", Remedy.TRY_AGAIN))
        finally:
            self.is_handing_over = False

    async def _send(self, entry: EntryRow, post: Post) -> None:
        """Raises Failure, and DatabaseUnavailable only as long as the message was not handed over."""
        connection = await self._offered(post)
        if self.is_last:  # the end of the process cancelled this task, and `wait_for` of Python 3.11 may swallow that
            connection.withdraw()
            raise asyncio.CancelledError
        self.is_handing_over = True
        try:
            is_mine = await self._entries.start(entry, post.content)
        except DatabaseUnavailable:
            connection.withdraw()
            raise
        if not is_mine:
            connection.withdraw()
            return
        try:
            await connection.hand_over(post.message)
        except aiosmtplib.SMTPResponseException as error:
            raise meaning(error, while_connecting=False, is_shared=False) from error
        except TRANSPORT_ERRORS as error:
            raise _fate_unknown(error) from error
        await self._entries.finish(entry)

    async def _offered(self, post: Post) -> SmtpConnection:
        """A connection on which the server waits for the text. Raises Failure."""
        try:
            if self._connection is not None and self._connection.is_open:  # `is_connected`, said so that types are narrowed
                try:
                    await self._connection.offer(post.sender_address, post.recipients)
                except aiosmtplib.SMTPServerDisconnected:
                    pass  # servers close connections that were idle, or had enough messages: not this message's fault
                except aiosmtplib.SMTPResponseException as error:
                    if error.code != _CLOSING:
                        raise
                else:
                    return self._connection
                await self._connection.close()
            self._connection = await self._lane.open_connection()
            await self._connection.offer(post.sender_address, post.recipients)
        except TRANSPORT_ERRORS as error:
            raise meaning(error, while_connecting=False, is_shared=False) from error
        return self._connection


async def end_tasks(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks and returns when they have ended; asks again, since a cancellation can be swallowed (see `_send`)."""
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_CANCEL_AGAIN_SECONDS)


def _fate_unknown(error: Exception) -> Failure:
    """The text went out and no answer came back: sending it again could deliver it twice."""
    kind = "TIMEOUT" if isinstance(error, TimeoutError) else "SOCKET_CLOSED"
    message = "The mail server did not say whether it has taken the message. It may or may not have arrived; it is not sent again."
    return Failure(kind, message, Remedy.GIVE_UP)
