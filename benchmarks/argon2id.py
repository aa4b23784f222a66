"""The price that a sign-in cannot avoid: one argon2id verification (19 MiB, t=2, p=1), as many at once as there are cores."""

import os
import resource
from concurrent.futures import ThreadPoolExecutor

import argon2


def cpu_micros(count: int) -> float:
    """CPU microseconds (user and system) of one verification, the mean of `count`."""
    hasher = argon2.PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
    stored = hasher.hash("correct horse battery staple")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        before = _spent()
        for _ in pool.map(lambda _: hasher.verify(stored, "correct horse battery staple"), range(count)):
            pass
        return (_spent() - before) / count * 1e6


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
