"""Traffic limits: what is counted by what, when it opens again, and that counting stays small."""

import math
import threading
from collections import deque

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hexclave_server.core import clock
from hexclave_server.core.errors import RateLimited
from hexclave_server.core.limits import CHECK_SECRET, OFF, READ, SEND_MESSAGE, WRITE, Limit, LimitState, MemoryWindows, TrafficLimiter

START = 1_800_000_000_000 - 1_800_000_000_000 % 60_000  # the beginning of a window
TEN = Limit("ten", "address", 10)


class Time:
    """A clock to set."""

    def __init__(self) -> None:
        self.millis = START

    def __call__(self) -> int:
        return self.millis


@pytest.fixture(name="time")
def _time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "now_millis", time)
    return time


def test_the_quotas_of_the_classes() -> None:
    quotas = {c.name: (c.by_address.quota, c.by_user.quota, c.by_project.quota) for c in (READ, WRITE, CHECK_SECRET, SEND_MESSAGE)}
    assert quotas == {
        "read": (1200, 600, 30_000),
        "write": (300, 150, 30_000),
        "check-secret": (60, 30, 30_000),
        "send-message": (20, 10, 600),
    }


def test_one_too_many_is_refused_and_opens_when_it_says(time: Time) -> None:
    limiter = TrafficLimiter()
    assert [limiter.require(TEN, "203.0.113.7").left for _ in range(10)] == list(range(9, -1, -1))
    with pytest.raises(RateLimited) as refusal:
        limiter.require(TEN, "203.0.113.7")
    wait = refusal.value.retry_after_seconds
    assert 1 <= wait <= 61
    time.millis += wait * 1000 - 1000
    assert not limiter.hit(TEN, "203.0.113.7").allowed
    time.millis += 1000
    assert limiter.hit(TEN, "203.0.113.7").allowed


@given(quota=st.integers(1, 50), hits=st.lists(st.integers(0, 30_000), min_size=1, max_size=200))
@example(quota=1, hits=[0, 0])
@example(quota=10, hits=[0] * 11)
@settings(max_examples=60)
def test_never_more_than_the_quota_beyond_the_window_and_waiting_always_helps(quota: int, hits: list[int]) -> None:
    limit = Limit("any", "user", quota)
    with pytest.MonkeyPatch.context() as patch:
        time = Time()
        patch.setattr(clock, "now_millis", time)
        limiter = TrafficLimiter()
        passed: deque[int] = deque()
        for gap in hits:
            time.millis += gap
            state = limiter.hit(limit, "u")
            if state.allowed:
                passed.append(time.millis)
                assert 0 <= state.left < quota
                # The counter weighs the former window evenly: at worst twice the quota within any sixty seconds.
                assert sum(time.millis - at < 60_000 for at in passed) <= 2 * quota
                assert sum(at // 60_000 == time.millis // 60_000 for at in passed) <= quota
            else:
                assert 1 <= state.retry_after_seconds <= 61
                time.millis += state.retry_after_seconds * 1000
                assert limiter.hit(limit, "u").allowed
                passed.append(time.millis)


def test_spellings_and_neighbours_share_one_count(time: Time) -> None:
    limiter = TrafficLimiter()
    for address in ["2001:db8::1", "2001:DB8::2", "2001:0db8:0:0:ffff::9"] * 3:
        assert limiter.hit(TEN, address).allowed
    assert limiter.hit(TEN, "2001:db8::77").left == 0
    assert not limiter.hit(TEN, "2001:db8::78").allowed
    assert limiter.hit(TEN, "2001:db8:0:1::1").allowed
    mapped = [limiter.hit(TEN, address).left for address in ("203.0.113.7", "::ffff:203.0.113.7", "::FFFF:CB00:7107")]
    assert mapped == [9, 8, 7]
    assert time.millis == START


def test_limits_do_not_share_counts(time: Time) -> None:
    limiter = TrafficLimiter()
    for limit in (READ.by_address, READ.by_user, READ.by_project, WRITE.by_address):
        assert limiter.hit(limit, "203.0.113.7").left == limit.quota - 1
    assert time.millis == START


def test_a_factor_multiplies_and_nought_turns_off() -> None:
    assert TrafficLimiter(10).hit(TEN, "x").quota == 100
    assert TrafficLimiter(0.5).hit(TEN, "x").quota == 5
    assert TrafficLimiter(0.001).hit(TEN, "x").quota == 1
    off = TrafficLimiter(0)
    assert all(off.require(TEN, "x") is OFF for _ in range(100))
    assert off.headers([OFF]) == []
    assert off.headers([]) == []


def test_headers_show_the_limit_with_the_least_left() -> None:
    states = [LimitState("read-by-address", 1200, 7, 12, allowed=True), LimitState("read-by-user", 600, 5, 33, allowed=True), OFF]
    assert TrafficLimiter.headers(states) == [
        (b"ratelimit-policy", b'"read-by-user";q=600;w=60'),
        (b"ratelimit", b'"read-by-user";r=5;t=33'),
    ]


def test_spraying_addresses_does_not_grow_memory_and_heavy_callers_stay_counted(time: Time) -> None:
    windows = MemoryWindows(max_keys=1000)
    limiter = TrafficLimiter(storage=windows)
    for _ in range(10):
        limiter.require(TEN, "203.0.113.7")
    for number in range(20_000):
        limiter.hit(TEN, f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1")
        assert len(windows) <= 1000
    assert not limiter.hit(TEN, "203.0.113.7").allowed
    for number in range(3000):  # even when every one of them comes twice
        for _ in range(2):
            limiter.hit(TEN, f"10.9.{number >> 8}.{number & 255}")
        assert len(windows) <= 1000
    time.millis += 60_000
    limiter.hit(TEN, "x")
    time.millis += 120_000
    limiter.hit(TEN, "x")
    assert len(windows) == 1


def test_a_clock_set_back_is_no_lockout(time: Time) -> None:
    limiter = TrafficLimiter()
    for _ in range(10):
        limiter.hit(TEN, "x")
    time.millis -= 3_600_000
    assert limiter.hit(TEN, "x").allowed
    assert math.isfinite(limiter.hit(TEN, "x").reset_seconds)


def test_no_thread_is_started() -> None:
    before = threading.active_count()
    TrafficLimiter().hit(TEN, "x")
    assert threading.active_count() == before
