"""Reading a signed token with a set of public keys (RFC 7515, RFC 7517). Nothing here believes a claim.

Key sets and tokens are strangers' data: sizes are bounded, private members of keys are dropped, and whatever is odd is refused.
"""

from __future__ import annotations

import asyncio
import binascii
import importlib
import sys
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

_LIBRARY: Final = "joserfc.jws"
LONGEST_TOKEN: Final = 65536
_MOST_KEYS: Final = 100
_SEGMENTS: Final = 3
_RSA_BITS: Final = range(2048, 8193)
_LONGEST_EXPONENT_BYTES: Final = 8
_LONGEST_MEMBER: Final = 4096

# What an algorithm needs of a key (RFC 7518 §3.1, RFC 8037 §3.1). What is not listed is not accepted.
_NEEDS: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_PUBLIC_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


class SignatureRefused(Exception):
    """The token is malformed, or not signed by one of the keys."""


class UnknownKey(SignatureRefused):
    """None of the keys is the one that the token names."""


async def load_library() -> None:
    """Imports what verifies, apart from the event loop; to be awaited before `read_signed`."""
    if _LIBRARY not in sys.modules:
        await asyncio.to_thread(importlib.import_module, _LIBRARY)


def read_signed(token: str, keys: Any) -> tuple[str, Mapping[str, Any]]:
    """Algorithm and claims of a compact JWS with an object inside. Raises SignatureRefused."""
    header = _header(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _NEEDS:
        raise SignatureRefused("the ID token has no signature that counts")
    if "crit" in header or "b64" in header:
        raise SignatureRefused("the ID token's header asks for extensions")
    found = list(_fitting(keys, algorithm, header.get("kid")))
    if not found:
        raise UnknownKey("the ID token's key is not among the issuer's")
    if len(found) > 1:
        raise SignatureRefused("the ID token does not say which key it was signed with")
    return algorithm, _object(_verified(token, found[0], algorithm))


def _header(token: str) -> Mapping[str, Any]:
    segments = token.split(".")
    if len(token) > LONGEST_TOKEN or not token.isascii() or len(segments) != _SEGMENTS or not all(segments):
        raise SignatureRefused("the ID token is malformed")
    try:
        return _object(urlsafe_b64decode(segments[0] + "=" * (-len(segments[0]) % 4)))
    except (binascii.Error, ValueError):
        raise SignatureRefused("the ID token is malformed") from None


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise SignatureRefused("the ID token is malformed")
    return document


def _fitting(keys: Any, algorithm: str, kid: object) -> Iterator[Mapping[str, str]]:
    """The public members of the keys that may have made this signature. Without `kid` all of them may."""
    entries = keys.get("keys") if isinstance(keys, dict) else None
    for key in (entries if isinstance(entries, list) else [])[:_MOST_KEYS]:
        if isinstance(key, dict) and (kid is None or key.get("kid") == kid) and _may_sign(key, algorithm):
            names = ("kty", *_PUBLIC_MEMBERS[key["kty"]])
            members = {name: key[name] for name in names if isinstance(key.get(name), str) and len(key[name]) <= _LONGEST_MEMBER}
            if len(members) == len(names) and _is_strong(members):
                yield members


def _may_sign(key: Mapping[str, Any], algorithm: str) -> bool:
    kind, curve = _NEEDS[algorithm]
    operations = key.get("key_ops")
    return (
        key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )


def _is_strong(members: Mapping[str, str]) -> bool:
    """Whether an RSA key has a modulus neither weak nor costly, and a usual exponent."""
    if "n" not in members:
        return True
    try:
        modulus, exponent = (urlsafe_b64decode(members[name] + "=" * (-len(members[name]) % 4)) for name in ("n", "e"))
    except (binascii.Error, ValueError):
        return False
    return int.from_bytes(modulus).bit_length() in _RSA_BITS and len(exponent) <= _LONGEST_EXPONENT_BYTES


def _verified(token: str, key: Mapping[str, str], algorithm: str) -> bytes:
    """The payload."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see load_library
    from joserfc import jwk, jws  # noqa: PLC0415
    from joserfc.errors import JoseError, SecurityWarning  # noqa: PLC0415

    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = LONGEST_TOKEN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of the name EdDSA (RFC 9864), which issuers use
        try:
            return jws.deserialize_compact(token, jwk.import_key(dict(key)), registry=registry).payload
        except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, ArithmeticError):
            raise SignatureRefused("the ID token's signature is wrong") from None
