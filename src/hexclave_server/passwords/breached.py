"""The passwords that attackers try first: a list that is asked offline and costs microseconds (QUALITY A12).

`common.bin` holds the first five bytes of the SHA-256 of each, sorted; tools/list_common_passwords.py makes it and says from what. Five
bytes, so that of ten million other passwords about one is taken for a common one. Read once, before the workers fork, who share it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from bisect import bisect_left
from importlib.resources import files

HASH_BYTES = 5
_HASHES = files(__package__).joinpath("common.bin").read_bytes()


def is_common(password: str) -> bool:
    """Whether the password is on the list, in any case and any Unicode form: `Password1` is tried as soon as `password1` is."""
    wanted = fingerprint(password)
    place = bisect_left(range(len(_HASHES) // HASH_BYTES), wanted, key=_hash_at)
    return _hash_at(place) == wanted


def fingerprint(password: str) -> bytes:
    """What the list holds of a password."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:HASH_BYTES]


def _hash_at(place: int) -> bytes:
    return _HASHES[place * HASH_BYTES : (place + 1) * HASH_BYTES]
