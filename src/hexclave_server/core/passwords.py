"""Password hashing for the server: argon2id in a bounded pool of processes of low priority, off the event loop.

Invariants: an unknown account costs exactly what a wrong password costs (one verification of the same kind); the pool never queues more
than it can work off in a moment, but refuses (503); a request that goes away gives its place back.
"""

import base64
import math
import os

import msgspec

from hexclave_server.core import randomness
from hexclave_server.core.bcrypt_hashes import bcrypt_cost, validate_bcrypt_hash
from hexclave_server.core.hash_processes import HashProcesses
from hexclave_server.core.password_hashes import MEMORY_KIB, PARALLELISM, TIME_COST

DEFAULT_QUEUE = 64
_USUAL_BCRYPT_COST = 12  # a quarter of a second; each step above doubles it
_SLOW_QUEUE = 8


class Verified(msgspec.Struct, frozen=True):
    """Outcome of a verification; `needs_rehash` asks for `hash` of the same password to replace the stored one (only when `ok`)."""

    ok: bool
    needs_rehash: bool


class PasswordHasher:
    """Hashes and verifies passwords, at most `processes` at a time and `queue` waiting. Processes start with the first password.

    `performed` counts verifications and hashes: the metric that shows that unknown accounts cost the same. An `owner` (tenancy) that
    fills the queue loses places to others who come.
    """

    def __init__(self, processes: int | None = None, queue: int = DEFAULT_QUEUE) -> None:
        self._limit = processes or _cores()
        self._queue = queue
        self._pool: HashProcesses | None = None
        self._slow_pool: HashProcesses | None = None
        self._dummy_hash = _unmatchable_hash()
        self.performed = 0

    async def hash(self, password: str, owner: str | None = None) -> str:
        """The argon2id hash (PHC string) of the password's NFKC form; raises Unavailable when the queue is full."""
        result: str = await self._live_pool().run("hash", password, owner=owner)
        self.performed += 1
        return result

    async def verify(self, password: str, stored_hash: str | None, owner: str | None = None) -> Verified:
        """Whether the password has this hash, argon2 or imported bcrypt; None (unknown account, no password) costs a verification, too.

        Raises Unavailable when the queue is full.
        """
        slow = stored_hash is not None and bcrypt_cost(stored_hash) > _USUAL_BCRYPT_COST
        pool = self._live_slow_pool() if slow else self._live_pool()
        ok, needs_rehash = await pool.run("verify", password, stored_hash, self._dummy_hash, owner=owner)
        self.performed += 1
        return Verified(ok, needs_rehash)

    def close(self) -> None:
        """Refuse what waits; what runs ends by itself. The next use starts anew."""
        for pool in (self._pool, self._slow_pool):
            if pool is not None:
                pool.close()
        self._pool = self._slow_pool = None

    def _live_pool(self) -> HashProcesses:
        self._pool = _usable(self._pool) or HashProcesses(self._limit, self._queue)
        return self._pool

    def _live_slow_pool(self) -> HashProcesses:
        """One process for imported hashes that take seconds, so that whoever imported them does not keep out everybody else."""
        self._slow_pool = _usable(self._slow_pool) or HashProcesses(1, _SLOW_QUEUE)
        return self._slow_pool


def processes_per_worker(workers: int) -> int:
    """How many hash processes each of so many workers may have: in all about twice the cores, since not all workers hash at once."""
    return max(1, min(_cores(), math.ceil(2 * _cores() / workers)))


def _usable(pool: HashProcesses | None) -> HashProcesses | None:
    """The pool, unless it belongs to an event loop that has ended, or to the process that this one was forked from."""
    if pool is None or pool.is_usable():
        return pool
    pool.close()
    return None


def _cores() -> int:
    """The cores that this process may use (a container may have fewer than the machine)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _unmatchable_hash() -> str:
    """An argon2id hash with today's parameters that no password has: its hash part is random."""
    salt, digest = (base64.b64encode(randomness.token_bytes(size)).rstrip(b"=").decode("ascii") for size in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p={PARALLELISM}${salt}${digest}"


__all__ = ["PasswordHasher", "Verified", "processes_per_worker", "validate_bcrypt_hash"]
