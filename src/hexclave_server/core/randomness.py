"""The only source of randomness: the operating system's generator.

No other module imports `random`, `secrets` or `uuid`'s generators, so that a test can check this one for uniformity and no weak
generator slips in elsewhere.
"""

import os
import uuid

# Crockford's base 32 in lower case: without i, l, o, u.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
TOKEN_LENGTH = 45
REQUEST_ID_LENGTH = 16

# 256 is a multiple of 32: every character stands for exactly eight byte values, so there is no bias.
_TO_ALPHABET = bytes(ord(ALPHABET[byte % 32]) for byte in range(256))


def token_bytes(count: int) -> bytes:
    """`count` random bytes."""
    return os.urandom(count)


def random_text(length: int) -> str:
    """`length` random characters of `ALPHABET`, 5 bits each."""
    return os.urandom(length).translate(_TO_ALPHABET).decode("ascii")


def new_token() -> str:
    """A secret of 45 characters (225 bits): refresh tokens, one-time codes, keys (contract 01 §2)."""
    return random_text(TOKEN_LENGTH)


def new_uuid() -> str:
    """A random UUID (version 4) in lower case."""
    return str(uuid.uuid4())


def request_id() -> str:
    """16 characters that name a request in logs and answers; no secret."""
    return random_text(REQUEST_ID_LENGTH)


def fraction() -> float:
    """A number from 0 to below 1, evenly spread: for moments that should not coincide."""
    return int.from_bytes(os.urandom(6), "big") / 2**48
