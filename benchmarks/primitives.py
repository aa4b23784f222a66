"""What the calls cannot avoid, measured bare in the same run: it tells how fast this machine is today."""

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import argon2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


def argon2id_micros(count: int) -> float:
    """CPU microseconds (user and system) of one verification (19 MiB, t=2, p=1), as many at once as there are cores; the mean of `count`."""
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


def es256_micros(count: int = 2_000) -> tuple[float, float]:
    """CPU microseconds of one ES256 signature, and of its verification."""
    key, algorithm, data = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256()), b"x" * 600
    public, signature = key.public_key(), key.sign(data, algorithm)
    before = time.process_time()
    for _ in range(count):
        key.sign(data, algorithm)
    between = time.process_time()
    for _ in range(count):
        public.verify(signature, data, algorithm)
    return (between - before) / count * 1e6, (time.process_time() - between) / count * 1e6
