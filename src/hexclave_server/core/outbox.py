"""The alarm clock of the worker that delivers what transactions left to be delivered: emails, later webhooks.

Whoever commits a row for it wakes it, so that delivery starts at once; what another process or a crash left behind it finds by itself.
"""

from __future__ import annotations

import asyncio


class Outbox:
    """Wakes the delivery of this process; waking without one (a command) does nothing."""

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None

    def wake(self) -> None:
        """Something to deliver was committed."""
        if self._event is not None:
            self._event.set()

    async def wait(self, seconds: float) -> None:
        """Returns when something was committed, at once if that was since the last time, or after so many seconds."""
        if self._event is None:
            self._event = asyncio.Event()
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()
