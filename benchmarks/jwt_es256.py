"""ES256 access tokens with the bare `cryptography` library, for the baseline: signed once, verified once and then remembered."""

import base64
import os
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

_ES256 = ec.ECDSA(hashes.SHA256())
_HEADER = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"baseline"}').rstrip(b"=")


class Keys:
    """One key pair, derived from BASELINE_KEY (a number) so that the benchmark can sign what the baseline verifies."""

    def __init__(self) -> None:
        self._private = ec.derive_private_key(int(os.environ["BASELINE_KEY"]), ec.SECP256R1())
        self._public = self._private.public_key()
        self._verified: dict[str, dict[str, Any]] = {}

    def sign(self, claims: dict[str, Any]) -> str:
        """The token with these claims."""
        signed = _HEADER + b"." + base64.urlsafe_b64encode(msgspec.json.encode(claims)).rstrip(b"=")
        r, s = decode_dss_signature(self._private.sign(signed, _ES256))
        signature = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=")
        return (signed + b"." + signature).decode()

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of the token; raises InvalidSignature."""
        known = self._verified.get(token)
        if known is None:
            signed, _, signature = token.encode().rpartition(b".")
            raw = _decode(signature)
            self._public.verify(encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")), signed, _ES256)
            known = self._verified[token] = msgspec.json.decode(_decode(signed.partition(b".")[2]))
        return known


def _decode(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
