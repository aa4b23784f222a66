"""Imported bcrypt hashes: which are accepted and how they are verified (contract 05 §1.6, 02 §1.2).

They were made by other software from the raw password, of which bcrypt reads 72 bytes; the library refuses longer ones, so they are cut
here. Spare bits of the salt and of the hash, which some encoders leave set, count for nothing.
"""

import hmac
import re

MAX_COST = 16  # 2^16 rounds take seconds; 31 would take a day: a cost bomb
_MIN_COST = 4
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_FORM = re.compile(r"\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{21})([./A-Za-z0-9])([./A-Za-z0-9]{30})([./A-Za-z0-9])\Z", re.ASCII)
_READ_BYTES = 72


def validate_bcrypt_hash(text: str) -> bool:
    """Whether an imported `password_hash` is accepted: `$2a$`, `$2b$` or `$2y$`, cost 4 to 16, 53 characters of salt and hash."""
    match = _FORM.match(text)
    return match is not None and _MIN_COST <= int(match[1]) <= MAX_COST


def bcrypt_cost(text: str) -> int:
    """The cost of a bcrypt hash, which doubles its time with each step; 0 for any other text."""
    match = _FORM.match(text)
    return 0 if match is None else int(match[1])


def verify_bcrypt(password: str, stored: str) -> bool:
    """Whether the first 72 bytes of the password have this hash; False for a hash that `validate_bcrypt_hash` refuses."""
    import bcrypt  # noqa: PLC0415 - most servers and hash processes never meet one

    match = _FORM.match(stored)
    if match is None or not validate_bcrypt_hash(stored):
        return False
    salt = f"$2b${match[1]}${match[2]}{_masked(match[3], 0b110000)}"
    made = bcrypt.hashpw(password.encode("utf-8", "surrogatepass")[:_READ_BYTES], salt.encode("ascii"))
    return hmac.compare_digest(made[-31:], (match[4] + _masked(match[5], 0b111100)).encode("ascii"))


def _masked(char: str, used_bits: int) -> str:
    return _ALPHABET[_ALPHABET.index(char) & used_bits]
