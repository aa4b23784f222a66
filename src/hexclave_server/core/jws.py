"""JWS compact serialisation with ES256 and nothing else (RFC 7515, RFC 7518 §3.4).

Bare `cryptography` instead of a JOSE library: there is no algorithm to confuse where only one exists, and signing costs 25 µs. Reading
is strict: one spelling per token (canonical base64url, no padding, low-s signatures), no repeated members, no header that changes meaning.
"""

import binascii
import hashlib
import json
import re
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ALGORITHM: Final = "ES256"
MAX_TOKEN_LENGTH: Final = 8192
KID_LENGTH: Final = 12

_ECDSA = ec.ECDSA(SHA256())
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_HALF_ORDER = _ORDER // 2
_SIGNATURE_LENGTH = 64
_SEGMENTS = 3
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+\Z")
_TO_STANDARD = str.maketrans("-_", "+/")


class MalformedToken(ValueError):
    """Not a compact JWS of the one form that is accepted here."""


class PublicJwk(msgspec.Struct, frozen=True):
    """The public half of a signing key as in the JWKS (contract 01 §1.2)."""

    kty: str
    alg: str
    crv: str
    x: str
    y: str
    kid: str


class SigningKey:
    """A P-256 key pair; its id is the first 12 characters of the RFC 7638 thumbprint."""

    __slots__ = ("_header", "_private", "kid", "public_jwk")

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        self.public_jwk = _public_jwk(private.public_key())
        self.kid = self.public_jwk.kid
        self._header = encode_segment(msgspec.json.encode({"alg": ALGORITHM, "kid": self.kid})) + "."

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new random key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_der(cls, data: bytes) -> "SigningKey":
        """The key whose private half is this PKCS #8 DER; raises ValueError when it is anything else."""
        private = serialization.load_der_private_key(data, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
            raise ValueError("not a P-256 private key")
        return cls(private)

    def to_der(self) -> bytes:
        """The private half as unencrypted PKCS #8 DER; the caller encrypts it."""
        return self._private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    @property
    def verification_key(self) -> "VerificationKey":
        """The public half, ready to verify."""
        return VerificationKey(self.kid, self._private.public_key())

    def sign(self, payload: bytes) -> str:
        """The compact JWS of a JSON payload, header `{"alg":"ES256","kid":…}`."""
        signed = self._header + encode_segment(payload)
        r, s = decode_dss_signature(self._private.sign(signed.encode("ascii"), _ECDSA))
        if s > _HALF_ORDER:  # of the two signatures that are equally valid only one is ever issued and accepted
            s = _ORDER - s
        return signed + "." + encode_segment(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


class VerificationKey:
    """The public half of a signing key."""

    __slots__ = ("_public", "kid")

    def __init__(self, kid: str, public: ec.EllipticCurvePublicKey) -> None:
        self.kid = kid
        self._public = public

    @classmethod
    def from_jwk(cls, jwk: PublicJwk) -> "VerificationKey":
        """The key of a stored JWK; raises ValueError when the point is not on the curve."""
        x, y = (int.from_bytes(_decode_segment(part), "big") for part in (jwk.x, jwk.y))
        return cls(jwk.kid, ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())

    def accepts(self, signed: bytes, signature: bytes) -> bool:
        """Whether `signature` (r and s, 32 bytes each) is this key's over `signed`."""
        if len(signature) != _SIGNATURE_LENGTH:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if s > _HALF_ORDER:
            return False
        try:
            self._public.verify(encode_dss_signature(r, s), signed, _ECDSA)
        except InvalidSignature:
            return False
        return True


class ParsedToken(msgspec.Struct, frozen=True):
    """A token taken apart, nothing in it believed yet."""

    kid: str
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse(token: str) -> ParsedToken:
    """Take a compact JWS apart; raises MalformedToken unless it has exactly the form that `SigningKey.sign` gives (or `typ: JWT`)."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise MalformedToken("too long")
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        raise MalformedToken("not three segments")
    header = _json_object(_decode_segment(segments[0]))
    kid = header.pop("kid", None)
    # What is left must be empty: no crit, jwk, jku, x5u, b64, zip or anything else that asks to be believed.
    if header.pop("alg", None) != ALGORITHM or header.pop("typ", "JWT") != "JWT" or header or not isinstance(kid, str):
        raise MalformedToken("header")
    claims = _json_object(_decode_segment(segments[1]))
    return ParsedToken(kid, claims, f"{segments[0]}.{segments[1]}".encode("ascii"), _decode_segment(segments[2]))


def encode_segment(data: bytes) -> str:
    """Base64url without padding or line breaks (RFC 7515 §2)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_").decode("ascii")


def _decode_segment(text: str) -> bytes:
    if not _SEGMENT.match(text):
        raise MalformedToken("not base64url")
    try:
        data = binascii.a2b_base64(text.translate(_TO_STANDARD) + "=" * (-len(text) % 4))
    except binascii.Error:
        raise MalformedToken("not base64url") from None
    if encode_segment(data) != text:  # spare bits set: a second spelling of the same bytes
        raise MalformedToken("not canonical base64url")
    return data


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MalformedToken("not JSON") from None
    if not isinstance(value, dict):
        raise MalformedToken("not a JSON object")
    return value


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated member")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _public_jwk(public: ec.EllipticCurvePublicKey) -> PublicJwk:
    numbers = public.public_numbers()
    x, y = (encode_segment(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    # RFC 7638 §3: the required members in order, without white space.
    thumbprint = hashlib.sha256(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode("ascii")).digest()
    return PublicJwk(kty="EC", alg=ALGORITHM, crv="P-256", x=x, y=y, kid=encode_segment(thumbprint)[:KID_LENGTH])
