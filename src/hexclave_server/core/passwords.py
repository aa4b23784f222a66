"""Password hashing: argon2id in a bounded pool of slow-priority threads, off the event loop.

Invariants: an unknown account costs exactly what a wrong password costs (one verification of the same kind); no password is truncated;
the pool never queues more than it can work off in a moment, but refuses (503); a request that goes away gives its place back.
Threads start with the first password, never before the workers are forked.
"""

import asyncio
import base64
import contextlib
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import argon2
import msgspec

from hexclave_server.core import randomness
from hexclave_server.core.bcrypt_hashes import bcrypt_cost, validate_bcrypt_hash, verify_bcrypt
from hexclave_server.core.errors import Unavailable

T = TypeVar("T")

TIME_COST = 2
MEMORY_KIB = 19 * 1024
PARALLELISM = 1
DEFAULT_QUEUE = 64
_NICENESS = 10
_RETRY_AFTER_SECONDS = 1
_USUAL_BCRYPT_COST = 12  # a quarter of a second; each step above doubles it
_SLOW_QUEUE = 8

_argon2 = argon2.PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=argon2.Type.ID)


class Verified(msgspec.Struct, frozen=True):
    """Outcome of a verification; `needs_rehash` asks for `hash` of the same password to replace the stored one (only when `ok`)."""

    ok: bool
    needs_rehash: bool


class PasswordHasher:
    """Hashes and verifies passwords, at most `threads` at a time and `queue` waiting.

    `performed` counts verifications and hashes that ran: the metric that shows that unknown accounts cost the same.
    """

    def __init__(self, threads: int | None = None, queue: int = DEFAULT_QUEUE) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._places = self._threads + queue
        self._pool: _Pool | None = None
        self._slow_pool: _Pool | None = None
        self._dummy_hash = _unmatchable_hash()
        self._counter_lock = threading.Lock()
        self.performed = 0

    async def hash(self, password: str) -> str:
        """The argon2id hash (PHC string) of the password's NFKC form; raises Unavailable when the queue is full."""
        return await self._run(lambda: _hash(password))

    async def verify(self, password: str, stored_hash: str | None) -> Verified:
        """Whether the password has this hash, argon2 or imported bcrypt; None (unknown account, no password) costs a verification, too.

        Raises Unavailable when the queue is full.
        """
        slow = stored_hash is not None and bcrypt_cost(stored_hash) > _USUAL_BCRYPT_COST
        return await self._run(lambda: _verify(password, stored_hash, self._dummy_hash), slow=slow)

    def close(self) -> None:
        """Refuse what waits; what runs ends by itself. The next use starts anew."""
        for pool in (self._pool, self._slow_pool):
            if pool is not None:
                pool.executor.shutdown(wait=False, cancel_futures=True)
        self._pool = self._slow_pool = None

    async def _run(self, work: Callable[[], T], *, slow: bool = False) -> T:
        pool = self._live_slow_pool() if slow else self._live_pool()
        if not pool.places.acquire(blocking=False):
            raise Unavailable(retry_after_seconds=_RETRY_AFTER_SECONDS)
        try:
            future: Future[T] = pool.executor.submit(self._counted, work)
        except BaseException:
            pool.places.release()
            raise
        # Called once in every case: when it ran, and at once when it was cancelled while waiting (the client went away, or `close`).
        future.add_done_callback(lambda _: pool.places.release())
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise Unavailable(retry_after_seconds=_RETRY_AFTER_SECONDS) from None  # `close` dropped it from the queue

    def _live_pool(self) -> "_Pool":
        if self._pool is None or self._pool.process_id != os.getpid():  # threads do not survive a fork
            self._pool = _Pool(self._threads, self._places)
        return self._pool

    def _live_slow_pool(self) -> "_Pool":
        """One thread for imported hashes that take seconds, so that whoever imported them does not keep out everybody else."""
        if self._slow_pool is None or self._slow_pool.process_id != os.getpid():
            self._slow_pool = _Pool(1, 1 + _SLOW_QUEUE)
        return self._slow_pool

    def _counted(self, work: Callable[[], T]) -> T:
        with self._counter_lock:
            self.performed += 1
        return work()


class _Pool:
    """Threads of one process and the places for work, waiting or running."""

    def __init__(self, threads: int, places: int) -> None:
        self.process_id = os.getpid()
        self.places = threading.BoundedSemaphore(places)
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="password", initializer=_lower_priority)


def _lower_priority() -> None:
    """On Linux niceness belongs to the thread: hashing yields to everything else, so that other requests keep their latency."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))


def _hash(password: str) -> str:
    return _argon2.hash(_normalised(password).encode("utf-8", "surrogatepass"))


def _verify(password: str, stored_hash: str | None, dummy_hash: str) -> Verified:
    """The forms tried depend on the password alone, so that known and unknown accounts take the same number of rounds."""
    normalised = _normalised(password)
    if stored_hash is not None and validate_bcrypt_hash(stored_hash):
        ok = verify_bcrypt(password, stored_hash) or (normalised != password and verify_bcrypt(normalised, stored_hash))
        return Verified(ok, needs_rehash=ok)
    usable = stored_hash if stored_hash is not None and stored_hash.startswith("$argon2") else dummy_hash
    if _verify_argon2(normalised, usable):
        return Verified(ok=True, needs_rehash=_argon2.check_needs_rehash(usable))
    if normalised != password and _verify_argon2(password, usable):
        return Verified(ok=True, needs_rehash=True)
    return Verified(ok=False, needs_rehash=False)


def _verify_argon2(password: str, stored_hash: str) -> bool:
    try:
        return _argon2.verify(stored_hash, password.encode("utf-8", "surrogatepass"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _normalised(password: str) -> str:
    """NFKC: the same password typed on another keyboard or system gives the same characters (RFC 8265 §4.2 has NFC; contract 02 §1.2)."""
    return unicodedata.normalize("NFKC", password)


def _unmatchable_hash() -> str:
    """An argon2id hash with today's parameters that no password has: its hash part is random."""
    salt, digest = (base64.b64encode(randomness.token_bytes(size)).rstrip(b"=").decode("ascii") for size in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p={PARALLELISM}${salt}${digest}"


__all__ = ["PasswordHasher", "Verified", "validate_bcrypt_hash"]
