"""Passwords: which verify, and what that costs (QUALITY A2, A11, A13). The processes that hash: test_hash_processes.py."""

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import argon2
import bcrypt
import pytest

from hexclave_server.core.bcrypt_hashes import verify_bcrypt
from hexclave_server.core.password_hashes import verify_password
from hexclave_server.core.passwords import PasswordHasher, Verified, processes_per_worker, validate_bcrypt_hash

RIGHT = Verified(ok=True, needs_rehash=False)
RIGHT_BUT_OLD = Verified(ok=True, needs_rehash=True)
WRONG = Verified(ok=False, needs_rehash=False)


@pytest.fixture(name="hasher")
def _hasher() -> Iterator[PasswordHasher]:
    hasher = PasswordHasher(processes=2, queue=8)
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


@pytest.mark.parametrize(("password", "stored"), GOLDEN_BCRYPT, ids=range(len(GOLDEN_BCRYPT)))
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
    assert verify_password(password, stored, hasher._dummy_hash) == (False, False)
    known = rounds.copy()
    rounds.clear()
    assert verify_password(password, None, hasher._dummy_hash) == (False, False)
    assert rounds == known
    assert len(rounds) == (1 if password.isascii() else 2)


def test_an_unknown_account_is_counted_as_a_wrong_password_is(hasher: PasswordHasher) -> None:
    async def work() -> list[int]:
        stored = await hasher.hash("another password")
        counts = [hasher.performed]
        for known in (stored, None):
            assert await hasher.verify("secret", known) == WRONG
            counts.append(hasher.performed)
        return counts

    assert run(work) == [1, 2, 3]


def test_many_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hexclave_server.core.passwords._cores", lambda: 16)
    assert [processes_per_worker(workers) for workers in (1, 2, 3, 16, 32, 256)] == [16, 16, 11, 2, 1, 1]


def test_it_works_under_anyio(hasher: PasswordHasher) -> None:
    async def work() -> str:
        return await hasher.hash("x")

    assert anyio.run(work)
