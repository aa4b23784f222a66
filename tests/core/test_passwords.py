"""Passwords: what verifies, what it costs, and that a flood is refused instead of queued without end (QUALITY A2, A11, A13, A14)."""

import asyncio
import os
import threading
import time
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import argon2
import bcrypt
import pytest

from hexclave_server.core import passwords
from hexclave_server.core.bcrypt_hashes import verify_bcrypt
from hexclave_server.core.errors import Unavailable
from hexclave_server.core.passwords import PasswordHasher, Verified, validate_bcrypt_hash

RIGHT = Verified(ok=True, needs_rehash=False)
RIGHT_BUT_OLD = Verified(ok=True, needs_rehash=True)
WRONG = Verified(ok=False, needs_rehash=False)


@pytest.fixture(name="hasher")
def _hasher() -> Iterator[PasswordHasher]:
    hasher = PasswordHasher(threads=2, queue=8)
    yield hasher
    hasher.close()


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine in an event loop of its own."""
    return asyncio.run(work())  # type: ignore[arg-type]


PASSWORDS = [
    "",
    "correct horse",
    "  leading and trailing  ",
    "x" * 70,
    "🦄" * 35,
    "🦄" * 36,
    "\0nul\0within",
    "סיסמה-طويلة",
    "\u202eltr\u202c",
    "ﬁ①Å",
    "\ud800 lone surrogate",
    "ﷺ" * 70,
]


@pytest.mark.parametrize("password", PASSWORDS, ids=ascii)
def test_a_password_verifies_and_no_other_does(hasher: PasswordHasher, password: str) -> None:
    stored = run(lambda: hasher.hash(password))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert run(lambda: hasher.verify(password, stored)) == RIGHT
    for other in (password + "x", password + "\0", password + " ", password[:-1] + "y"):
        assert run(lambda other=other: hasher.verify(other, stored)) == WRONG


def test_composed_and_decomposed_are_one_password(hasher: PasswordHasher) -> None:
    stored = run(lambda: hasher.hash(unicodedata.normalize("NFC", "Ångström é")))
    assert run(lambda: hasher.verify(unicodedata.normalize("NFD", "Ångström é"), stored)) == RIGHT


def test_a_hash_of_the_raw_form_verifies_and_is_replaced(hasher: PasswordHasher) -> None:
    raw = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash("ﬁnance①")
    assert run(lambda: hasher.verify("ﬁnance①", raw)) == RIGHT_BUT_OLD


def test_outdated_parameters_ask_for_a_new_hash(hasher: PasswordHasher) -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("secret")
    assert run(lambda: hasher.verify("secret", old)) == RIGHT_BUT_OLD
    assert run(lambda: hasher.verify("other", old)) == WRONG


@pytest.mark.parametrize(
    "stored", ["", "x", "$argon2id$broken", "$2b$31$" + "a" * 53, "$2x$04$" + "a" * 53, "plain:secret", "$argon2id$v=19$m=1$a$b"]
)
def test_an_unusable_hash_is_a_wrong_password(hasher: PasswordHasher, stored: str) -> None:
    assert run(lambda: hasher.verify("secret", stored)) == WRONG


GOLDEN_BCRYPT = [
    # Solar Designer's and the BSD test vectors.
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    ("secret", bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()),
    ("secret", bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")),
    ("secret", bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode().replace("$2b$", "$2a$")),
    ("é" * 36, bcrypt.hashpw(("é" * 36).encode(), bcrypt.gensalt(4)).decode()),
    ("ﬁ①", bcrypt.hashpw("ﬁ①".encode(), bcrypt.gensalt(4)).decode()),
]


@pytest.mark.parametrize(("password", "stored"), GOLDEN_BCRYPT)
def test_imported_bcrypt_verifies_and_asks_to_be_replaced(hasher: PasswordHasher, password: str, stored: str) -> None:
    assert validate_bcrypt_hash(stored)
    assert run(lambda: hasher.verify(password, stored)) == RIGHT_BUT_OLD
    assert run(lambda: hasher.verify("x" + password, stored)) == WRONG


def test_of_a_long_password_bcrypt_reads_72_bytes(hasher: PasswordHasher) -> None:
    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert run(lambda: hasher.verify("x" * 73, stored)) == RIGHT_BUT_OLD
    assert run(lambda: hasher.verify("x" * 71, stored)) == WRONG


def test_spare_bits_in_salt_and_hash_count_for_nothing() -> None:
    stored = bcrypt.hashpw(b"secret", b"$2b$04$CCCCCCCCCCCCCCCCCCCCC.").decode()
    sloppy = stored[:28] + "B" + stored[29:]
    assert validate_bcrypt_hash(sloppy)
    assert verify_bcrypt("secret", sloppy)
    assert not verify_bcrypt("other", sloppy)
    salted_otherwise = stored[:28] + "O" + stored[29:]
    assert not verify_bcrypt("secret", salted_otherwise)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("$2a$10$" + "a" * 53, True),
        ("$2b$16$" + "." * 53, True),
        ("$2y$04$" + "Z" * 53, True),
        ("$2b$17$" + "a" * 53, False),
        ("$2b$31$" + "a" * 53, False),
        ("$2b$99$" + "a" * 53, False),
        ("$2b$03$" + "a" * 53, False),
        ("$2b$00$" + "a" * 53, False),
        ("$2x$10$" + "a" * 53, False),
        ("$2$10$" + "a" * 53, False),
        ("$2b$10$" + "a" * 52, False),
        ("$2b$10$" + "a" * 54, False),
        ("$2b$10$" + "a" * 52 + "+", False),
        ("$2b$10$" + "a" * 53 + "\n", False),
        ("$2b$1a$" + "a" * 53, False),
        ("$2b$١٠$" + "a" * 53, False),
        (" $2b$10$" + "a" * 53, False),
        ("$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaA", False),
        ("", False),
    ],
)
def test_which_imported_hashes_are_accepted(text: str, accepted: bool) -> None:
    assert validate_bcrypt_hash(text) is accepted


@pytest.mark.parametrize("password", ["secret-secret", "ﬁnance①"])
def test_an_unknown_account_costs_exactly_what_a_wrong_password_costs(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    stored = run(lambda: hasher.hash("another password"))
    rounds: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counting(self: argon2.PasswordHasher, hash: str, password: bytes) -> bool:  # noqa: A002
        rounds.append(hash.rpartition("$")[0].rpartition("$")[0])
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)
    before = hasher.performed
    assert run(lambda: hasher.verify(password, stored)) == WRONG
    known, after_known = rounds.copy(), hasher.performed
    rounds.clear()
    assert run(lambda: hasher.verify(password, None)) == WRONG
    assert rounds == known
    assert len(rounds) == (1 if password.isascii() else 2)
    assert (after_known - before, hasher.performed - after_known) == (1, 1)


def blocked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Hashing waits for the event that is returned."""
    gate = threading.Event()

    def wait(_: str) -> str:
        gate.wait(10)
        return "hash"

    monkeypatch.setattr(passwords, "_hash", wait)
    return gate


def test_a_flood_is_refused_and_the_pool_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = blocked(monkeypatch)
    hasher = PasswordHasher(threads=2, queue=3)

    async def work() -> None:
        tasks = [asyncio.create_task(hasher.hash("x")) for _ in range(5)]
        await asyncio.sleep(0.05)
        for _ in range(20):
            with pytest.raises(Unavailable) as refusal:
                await hasher.hash("x")
            assert refusal.value.retry_after_seconds >= 1
        gate.set()
        assert await asyncio.gather(*tasks) == ["hash"] * 5
        assert await asyncio.gather(*(hasher.hash("x") for _ in range(5))) == ["hash"] * 5

    run(work)
    hasher.close()


def test_requests_that_go_away_give_their_places_back(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = blocked(monkeypatch)
    hasher = PasswordHasher(threads=1, queue=3)

    async def work() -> None:
        for _ in range(10):
            tasks = [asyncio.create_task(hasher.hash("x")) for _ in range(3)]
            await asyncio.sleep(0.005)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError | Unavailable) for result in results)
        gate.set()
        await asyncio.sleep(0.05)
        assert await asyncio.gather(*(hasher.hash("x") for _ in range(4))) == ["hash"] * 4

    run(work)
    hasher.close()


def test_closing_refuses_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = blocked(monkeypatch)
    hasher = PasswordHasher(threads=1, queue=5)

    async def work() -> None:
        tasks = [asyncio.create_task(hasher.hash("x")) for _ in range(3)]
        await asyncio.sleep(0.05)
        hasher.close()
        gate.set()
        running, *waiting = await asyncio.gather(*tasks, return_exceptions=True)
        assert running == "hash"
        assert all(isinstance(result, Unavailable) for result in waiting)

    run(work)


def test_threads_start_late_are_nice_and_the_loop_stays_free(hasher: PasswordHasher) -> None:
    def names() -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("password")}

    before = names()
    PasswordHasher(threads=4)
    assert names() == before

    async def work() -> None:
        loop_nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        hashes = asyncio.gather(*(hasher.hash("x") for _ in range(8)))
        await asyncio.sleep(0)
        worst = 0.0
        while not hashes.done():
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - started)
        await hashes
        assert worst < 0.25
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == loop_nice
        assert hasher._pool is not None
        executor: ThreadPoolExecutor = hasher._pool.executor
        nice = [os.getpriority(os.PRIO_PROCESS, thread.native_id or 0) for thread in executor._threads]
        assert nice
        assert all(n >= 10 for n in nice)

    run(work)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_pool_used_before_the_fork_works_after_it() -> None:
    code = """
import asyncio, os
from hexclave_server.core.passwords import PasswordHasher
hasher = PasswordHasher(threads=1)
asyncio.run(hasher.hash("x"))
child = os.fork()
if child == 0:
    asyncio.run(asyncio.wait_for(hasher.hash("x"), 5))
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    import subprocess
    import sys

    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=20)


def test_it_works_under_anyio(hasher: PasswordHasher) -> None:
    async def work() -> str:
        return await hasher.hash("x")

    assert anyio.run(work)
