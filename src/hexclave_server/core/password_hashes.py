"""What is computed for a password: argon2id, bcrypt for imported hashes, and which forms of the password are tried.

Runs in the hash processes, each of which holds what is imported here a second time in memory: so nothing of the server's other parts.
Invariants: an unknown account costs exactly what a wrong password costs (one verification of the same kind); no password is truncated.
"""

import unicodedata

import argon2

from hexclave_server.core.bcrypt_hashes import validate_bcrypt_hash, verify_bcrypt

TIME_COST = 2
MEMORY_KIB = 19 * 1024
PARALLELISM = 1

_argon2 = argon2.PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=argon2.Type.ID)


def hash_password(password: str) -> str:
    """The argon2id hash (PHC string) of the password's NFKC form."""
    return _argon2.hash(_normalised(password).encode("utf-8", "surrogatepass"))


def verify_password(password: str, stored_hash: str | None, dummy_hash: str) -> tuple[bool, bool]:
    """Whether the password has this hash, and if so, whether the hash should be replaced; `dummy_hash` is tried where there is no other.

    The forms tried depend on the password alone, so that known and unknown accounts take the same number of rounds.
    """
    normalised = _normalised(password)
    if stored_hash is not None and validate_bcrypt_hash(stored_hash):
        ok = verify_bcrypt(password, stored_hash) or (normalised != password and verify_bcrypt(normalised, stored_hash))
        return ok, ok
    usable = stored_hash if stored_hash is not None and stored_hash.startswith("$argon2") else dummy_hash
    if _verify_argon2(normalised, usable):
        return True, _argon2.check_needs_rehash(usable)
    if normalised != password and _verify_argon2(password, usable):
        return True, True
    return False, False


def _verify_argon2(password: str, stored_hash: str) -> bool:
    try:
        return _argon2.verify(stored_hash, password.encode("utf-8", "surrogatepass"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _normalised(password: str) -> str:
    """NFKC: the same password typed on another keyboard or system gives the same characters (RFC 8265 §4.2 has NFC; contract 02 §1.2)."""
    return unicodedata.normalize("NFKC", password)
