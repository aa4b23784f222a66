"""Keys of issuers, and ID tokens signed with them: by an independent hand where that is possible, by bare bytes where it is forbidden."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import time
import warnings
from typing import Any

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey


@functools.cache
def rsa_key(kid: str = "rsa") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@functools.cache
def any_rsa_key(kid: str = "any") -> RSAKey:
    """One that does not say for which algorithm it is."""
    return RSAKey.generate_key(2048, {"kid": kid})


@functools.cache
def weak_key(kid: str = "weak") -> RSAKey:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return RSAKey.generate_key(1024, {"kid": kid})


@functools.cache
def ec_key(kid: str = "ec") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


@functools.cache
def ed_key(kid: str = "ed") -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid})


def key_set(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


class In(int):
    """A time so many seconds from now, as of when a token is made."""


def claims(issuer: str, audience: Any = "client", **changed: Any) -> dict[str, Any]:
    """Claims that are right; None leaves one out."""
    now = int(time.time())
    found = {"iss": issuer, "aud": audience, "sub": "person-1", "iat": now, "exp": now + 300, **changed}
    return {name: now + value if isinstance(value, In) else value for name, value in found.items() if value is not None}


def signed(payload: Any, key: Key | None = None, algorithm: str = "RS256", **header: Any) -> str:
    """A compact JWS; `kid` is the key's unless the header says otherwise (None leaves it out)."""
    key = key or rsa_key()
    head = {name: value for name, value in {"alg": algorithm, "kid": key.kid, **header}.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of EdDSA's name, and weak keys
        return jws.serialize_compact(head, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), key, registry=registry)


def segment(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(payload: Any, signature: str = "", **header: Any) -> str:
    """A token with the algorithm `none`."""
    return f"{segment({'alg': 'none', 'typ': 'JWT', **header})}.{segment(payload)}.{signature}"


def with_hmac(payload: Any, secret: bytes, **header: Any) -> str:
    """A token signed with a secret that both sides know."""
    body = f"{segment({'alg': 'HS256', **header})}.{segment(payload)}"
    return f"{body}.{segment(hmac.digest(secret, body.encode(), hashlib.sha256))}"
