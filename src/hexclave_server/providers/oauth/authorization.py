"""The URL that a browser is sent to (contract 03 §2): parameters in the contract's order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from hexclave_server.core.jws import encode_segment
from hexclave_server.providers.oauth.provider import Authorization, Credentials

OFFLINE = (("access_type", "offline"), ("prompt", "consent"))
"""Asked of every vendor, so that a refresh token comes."""


def authorization_url(
    endpoint: str,
    credentials: Credentials,
    authorization: Authorization,
    base_scopes: Sequence[str],
    *,
    extra: Iterable[tuple[str, str]],
    uses_pkce: bool = True,
) -> str:
    """The provider's authorization endpoint with the parameters of one attempt."""
    parameters = [
        ("client_id", credentials.client_id),
        ("scope", " ".join(merged_scopes(base_scopes, authorization.extra_scopes))),
        ("response_type", "code"),
        ("redirect_uri", credentials.redirect_uri),
    ]
    if uses_pkce:
        parameters += [("code_challenge_method", "S256"), ("code_challenge", code_challenge(authorization.code_verifier))]
    parameters += [("state", authorization.state), *extra]
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


def merged_scopes(base: Iterable[str], extra: Iterable[str]) -> list[str]:
    """Base scopes and further ones, each once."""
    return list(dict.fromkeys((*base, *extra)))


def code_challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    return encode_segment(hashlib.sha256(verifier.encode()).digest())
