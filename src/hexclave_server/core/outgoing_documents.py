"""JSON documents of outside servers that change seldom and are read often: discovery documents and key sets.

Each is kept for an hour, as it came (read, it may be thirty times as large), and asked for once, however many wait for it. What failed is
not remembered.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from hexclave_server.core import clock
from hexclave_server.core.outgoing_answers import Answer, OutgoingFailed

KEPT_SECONDS: Final = 3600.0
MOST_KEPT: Final = 200
MAX_DOCUMENT_BYTES: Final = 128 * 1024


class _Kept(NamedTuple):
    since: float
    answer: Answer


class _Key(NamedTuple):
    url: str
    trusted: bool


class Documents:
    """The documents of one client; `fetch` answers a GET of a URL, trusted or not."""

    def __init__(self, fetch: Callable[[str, bool], Awaitable[Answer]]) -> None:
        self._fetch = fetch
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._under_way: dict[_Key, asyncio.Task[Any]] = {}

    async def get(self, url: str, *, trusted: bool = False, max_age_seconds: float = KEPT_SECONDS) -> Any:
        """The document, at most so old; see `OutgoingClient.request` for `trusted`. Raises OutgoingFailed."""
        key = _Key(url, trusted)
        kept = self._kept.get(key)
        if kept is not None and clock.monotonic() - kept.since < max_age_seconds:
            self._kept.move_to_end(key)
            return kept.answer.json()
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._renew(key))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)  # who gives up waiting does not give up for the others

    async def close(self) -> None:
        """Ends what is under way."""
        for task in list(self._under_way.values()):
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        self._kept.clear()

    async def _renew(self, key: _Key) -> Any:
        answer = await self._fetch(key.url, key.trusted)
        if not answer.is_success:
            raise OutgoingFailed(f"a document with status {answer.status}", is_transient=answer.is_transient_failure)
        if len(answer.body) > MAX_DOCUMENT_BYTES:
            raise OutgoingFailed(f"a document of more than {MAX_DOCUMENT_BYTES} bytes", is_transient=False)
        document = answer.json()
        self._kept[key] = _Kept(clock.monotonic(), answer)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return document

    def _finish(self, key: _Key, done: asyncio.Task[Any]) -> None:
        self._under_way.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen, even if nobody waits any more
