"""Turns for reads that take long: so many at once in a process, and no more than half of them for one tenancy.

A reader of a long list decides how long it takes, by reading the answer slowly; he must not keep the lists of all others waiting. Nor does
anybody wait for ever: who gets no turn is told to come again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from hexclave_server.core.db.errors import DatabaseUnavailable

LONGEST_WAIT_SECONDS: Final = 5.0


class LongReads:
    """`at_once` turns; `owner` is whoever shares half of them, such as a tenancy."""

    def __init__(self, at_once: int) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._share = max(1, at_once // 2)
        self._shares: dict[object, asyncio.Semaphore] = {}
        self._users: dict[object, int] = {}

    @asynccontextmanager
    async def turn(self, owner: object) -> AsyncIterator[None]:
        """One turn. Raises DatabaseUnavailable when there is none within five seconds."""
        share = self._shares.setdefault(owner, asyncio.Semaphore(self._share))
        self._users[owner] = self._users.get(owner, 0) + 1
        try:
            await self._acquire(share)
            try:
                yield
            finally:
                self._all.release()
                share.release()
        finally:
            self._users[owner] -= 1
            if not self._users[owner]:
                del self._users[owner], self._shares[owner]

    async def _acquire(self, share: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await share.acquire()
                try:
                    await self._all.acquire()
                except BaseException:
                    share.release()
                    raise
        except TimeoutError:
            msg = "too many long reads at once"
            raise DatabaseUnavailable(msg) from None
