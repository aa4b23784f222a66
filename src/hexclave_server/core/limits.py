"""Traffic limits: how many requests of a class of cost one address, user or project may send in a minute (contract 00 §10).

They protect capacity, not secrets (for those see throttles.py), so each worker counts its own share in memory. The counting is the sliding
window counter of the `limits` library, behind the library's storage interface: its Redis storage can take the place of `MemoryWindows`,
which exists because the library's own memory storage runs a thread and grows with every address it sees.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal

from limits.storage.base import SlidingWindowCounterSupport

from hexclave_server.core import clock
from hexclave_server.core.client_address import address_prefix
from hexclave_server.core.errors import RateLimited

WINDOW_SECONDS: Final = 60
MAX_KEYS: Final = 50_000  # about 10 MB

Scope = Literal["address", "user", "project"]


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """`quota` requests per minute for each key of one scope."""

    name: str
    scope: Scope
    quota: int


@dataclass(frozen=True, slots=True, eq=False)
class LimitClass:
    """A class of cost: its quotas per minute, by client address prefix, by user, and by project with server or admin access."""

    name: str
    per_address: int
    per_user: int
    per_project: int
    by_address: Limit = field(init=False, repr=False)
    by_user: Limit = field(init=False, repr=False)
    by_project: Limit = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_address", Limit(f"{self.name}-by-address", "address", self.per_address))
        object.__setattr__(self, "by_user", Limit(f"{self.name}-by-user", "user", self.per_user))
        object.__setattr__(self, "by_project", Limit(f"{self.name}-by-project", "project", self.per_project))


READ: Final = LimitClass("read", per_address=1200, per_user=600, per_project=30_000)
WRITE: Final = LimitClass("write", per_address=300, per_user=150, per_project=30_000)
CHECK_SECRET: Final = LimitClass("check-secret", per_address=60, per_user=30, per_project=30_000)
SEND_MESSAGE: Final = LimitClass("send-message", per_address=20, per_user=10, per_project=600)


class LimitState:
    """Outcome of counting one request; `quota` 0 means that limits are off. Times are whole seconds."""

    __slots__ = ("allowed", "left", "name", "quota", "reset_seconds")

    def __init__(self, name: str, quota: int, left: int, reset_seconds: int, *, allowed: bool) -> None:
        self.name = name
        self.quota = quota
        self.left = left
        self.reset_seconds = reset_seconds
        self.allowed = allowed

    @property
    def retry_after_seconds(self) -> int:
        """When the next request can pass, at least 1; of use only when this one was refused."""
        return max(1, self.reset_seconds)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """`RateLimit-Policy` and `RateLimit` of this limit; none when limits are off."""
        if not self.quota:
            return []
        return [
            (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (self.name.encode(), self.quota, WINDOW_SECONDS)),
            (b"ratelimit", b'"%b";r=%d;t=%d' % (self.name.encode(), self.left, self.reset_seconds)),
        ]


OFF: Final = LimitState("off", 0, 0, 0, allowed=True)


class TrafficLimiter:
    """Counts requests against limits; `factor` multiplies every quota, 0 turns limits off."""

    def __init__(self, factor: float = 1, storage: SlidingWindowCounterSupport | None = None) -> None:
        self._factor = factor
        self._storage = storage if storage is not None else MemoryWindows()

    def require(self, limit: Limit, key: str) -> LimitState:
        """Count one request of this address, user id or project id; raises RateLimited when it is one too many."""
        state = self.hit(limit, key)
        if not state.allowed:
            raise RateLimited(retry_after_seconds=state.retry_after_seconds)
        return state

    def hit(self, limit: Limit, key: str) -> LimitState:
        """Count one request; a refused one is not counted. Addresses count by prefix, in any spelling."""
        if not self._factor:
            return OFF
        quota = max(1, round(limit.quota * self._factor))
        name = f"{limit.name}/{address_prefix(key) if limit.scope == 'address' else key}"
        allowed = self._storage.acquire_sliding_window_entry(name, quota, WINDOW_SECONDS)
        before, before_ttl, now, now_ttl = self._storage.get_sliding_window(name, WINDOW_SECONDS)
        rest_of_window = max(0.0, now_ttl - WINDOW_SECONDS)  # a counter is kept for one more window
        if not allowed:
            wait = _seconds_until_room(quota, before, before_ttl, now, rest_of_window)
            return LimitState(limit.name, quota, 0, wait, allowed=False)
        left = quota - int(before * before_ttl / WINDOW_SECONDS + now)
        return LimitState(limit.name, quota, max(0, left), int(rest_of_window) + 1, allowed=True)

    @staticmethod
    def headers(states: Sequence[LimitState]) -> list[tuple[bytes, bytes]]:
        """The headers of the limit with the least left among those that counted this request."""
        if not states:
            return []
        return min(states, key=_left).headers()


def _left(state: LimitState) -> float:
    return state.left if state.quota else math.inf


def _seconds_until_room(quota: int, before: int, before_ttl: float, now: int, rest_of_window: float) -> int:
    """Whole seconds until the weighted count falls below the quota: the former window's share fades, then the current one's does."""
    if now < quota:
        return int(before_ttl - (quota - now) * WINDOW_SECONDS / before) + 1
    return int(rest_of_window + WINDOW_SECONDS * (1 - quota / now)) + 1


class MemoryWindows(SlidingWindowCounterSupport):
    """Counters of the current and the former window in two dictionaries that change places; never more than `max_keys` in each.

    When one is full (somebody sprays addresses) those that came once are forgotten first: heavy callers stay counted.
    """

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._windows: dict[int, _Windows] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library may wrap; nothing here fails."""
        return ValueError

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` unless the weighted count would exceed `limit`; whether it was counted."""
        windows, elapsed = self._at_now(expiry)
        now = windows.current.get(key, 0)
        weighted = windows.former.get(key, 0) * (1 - elapsed) + now
        if int(weighted) + amount > limit:
            return False
        if not now and len(windows.current) >= self._max_keys:
            windows.current = self._without_casual(windows.current)
        windows.current[key] = now + amount
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Count of the former window, seconds of it that still weigh, count of the current one, seconds until that is forgotten."""
        windows, elapsed = self._at_now(expiry)
        rest = (1 - elapsed) * expiry
        return windows.former.get(key, 0), rest, windows.current.get(key, 0), rest + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget one key."""
        windows, _ = self._at_now(expiry)
        windows.current.pop(key, None)
        windows.former.pop(key, None)

    def __len__(self) -> int:
        return sum(len(windows.current) + len(windows.former) for windows in self._windows.values())

    def _at_now(self, expiry: int) -> "tuple[_Windows, float]":
        """The counters of the window that now is in, and which part of it has passed (0 to 1)."""
        number, passed = divmod(clock.now_millis(), expiry * 1000)
        windows = self._windows.get(expiry)
        if windows is None:
            windows = self._windows[expiry] = _Windows(number)
        elif windows.number != number:
            windows.former = windows.current if number == windows.number + 1 else {}
            windows.current = {}
            windows.number = number
        return windows, passed / (expiry * 1000)

    def _without_casual(self, counts: dict[str, int]) -> dict[str, int]:
        kept = {key: count for key, count in counts.items() if count > 1}
        most = self._max_keys // 2  # room for many, so that this is not done for each
        return kept if len(kept) <= most else dict(islice(kept.items(), len(kept) - most, None))


class _Windows:
    __slots__ = ("current", "former", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.current: dict[str, int] = {}
        self.former: dict[str, int] = {}
