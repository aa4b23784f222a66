"""The application as one worker process of the forking HTTP server runs it.

A worker must not outlive its parent: kill -9 of the parent leaves Granian's workers serving, so each watches a pipe whose other end only
the parent holds. (multiprocessing's own sentinel of the parent is held open by every sibling that was forked later.)
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal

from hexclave_server.app import Server
from hexclave_server.core.metrics import Metrics
from hexclave_server.settings import Settings

ORPHAN_SECONDS = 1


class ParentLife:
    """A pipe that is closed when the parent ends, however it ends. Made in the parent."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def watch(self) -> None:
        """In a worker with a running loop: end it when the parent is gone."""
        os.close(self._writer)
        asyncio.get_running_loop().add_reader(self._reader, self._end)

    def wait(self) -> None:
        """In any other child: return when the parent is gone."""
        os.close(self._writer)
        os.read(self._reader, 1)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._reader)
        signal.alarm(ORPHAN_SECONDS)  # ends the process even if requests are stuck
        os.kill(os.getpid(), signal.SIGTERM)


class WorkerServer(Server):
    """The server as a worker starts it. Built in the parent, so that its memory is shared; nothing is open before `start`."""

    def __init__(self, settings: Settings, master_secret: bytes, parent: ParentLife) -> None:
        super().__init__(settings, master_secret)
        self._parent = parent

    async def start(self) -> None:
        """Opens what the worker needs."""
        self._parent.watch()
        if self.parts.settings.metrics:
            hasher = self.parts.hasher
            self.log.observe(Metrics(lambda: hasher.performed).observe)
        await super().start()
        gc.freeze()  # what lives as long as the process is not looked at again
