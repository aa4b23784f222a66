"""Verification of ID tokens (OpenID Connect Core §3.1.3.7): signature by the issuer's keys, then each claim that binds the token to us.

Only signatures that need a private key count: never `none`, never HMAC, whose key would be anybody's who knows the client secret or a
public key. A key serves the algorithm that it names, or those of its type.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeGuard

import msgspec

from hexclave_server.core import clock
from hexclave_server.core.jws import encode_segment
from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.core.outgoing_answers import OutgoingFailed
from hexclave_server.providers.oauth.callback import IsIssuer
from hexclave_server.providers.oauth.failures import unanswered
from hexclave_server.providers.oauth.id_token_signatures import SignatureRefused, UnknownKey, load_library, read_signed
from hexclave_server.providers.oauth.provider import ProviderFailed

LEEWAY_SECONDS: Final = 60
RENEWAL_SECONDS: Final = 60
"""How often at most an unknown key makes us ask for the keys again: tokens may come from strangers."""
_LONGEST_SUBJECT: Final = 255


class IdTokenRefused(ProviderFailed):
    """The ID token proves nothing to us."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What an ID token must be: of which issuer, signed by which keys, for whom, and for which attempt to sign in.

    `trusted`: the operator named the URL of the keys. `nonce` and `access_token` are compared where given (the latter's hash only if the
    token has one).
    """

    is_issuer: IsIssuer
    jwks_url: str
    audiences: Collection[str]
    trusted: bool = False
    nonce: str | None = None
    access_token: str | None = None


async def verify_id_token(client: OutgoingClient, id_token: str, expected: Expected) -> Mapping[str, Any]:
    """The claims of a token that is what it should be. Raises IdTokenRefused, TemporarilyUnavailable when there are no keys."""
    try:
        algorithm, claims = await _read(client, id_token, expected)
    except SignatureRefused as refused:
        raise IdTokenRefused(str(refused)) from None
    for holds, reason in (
        (_is_of_issuer(claims, expected.is_issuer), "issuer"),
        (is_for(claims, expected.audiences), "audience"),
        (_is_current(claims, clock.now_millis() / 1000), "time"),
        (_has_subject(claims), "subject"),
        (expected.nonce is None or _equal(claims.get("nonce"), expected.nonce), "nonce"),
        (expected.access_token is None or _belongs_to(claims, expected.access_token, algorithm), "access token"),
    ):
        if not holds:
            raise IdTokenRefused(f"the ID token has another {reason}")
    return claims


async def _read(client: OutgoingClient, id_token: str, expected: Expected) -> tuple[str, Mapping[str, Any]]:
    """Algorithm and claims of a signed token. An unknown key may be a new one: the keys are asked for once more."""
    await load_library()
    try:
        keys = await client.documents.get(expected.jwks_url, trusted=expected.trusted)
        try:
            return read_signed(id_token, keys)
        except UnknownKey:
            keys = await client.documents.get(expected.jwks_url, trusted=expected.trusted, max_age_seconds=RENEWAL_SECONDS)
            return read_signed(id_token, keys)
    except OutgoingFailed as failure:
        raise unanswered(failure) from None


def is_for(claims: Mapping[str, Any], audiences: Collection[str]) -> bool:
    """Whether `aud` names one of us, and `azp` nobody else; a token for several must say that it was made for us."""
    aud, azp = claims.get("aud"), claims.get("azp")
    named = [aud] if isinstance(aud, str) else aud
    if not isinstance(named, list) or not any(isinstance(name, str) and name in audiences for name in named):
        return False
    if azp is None:
        return len(named) == 1
    return isinstance(azp, str) and azp in audiences


def _is_of_issuer(claims: Mapping[str, Any], is_issuer: Callable[[str], bool]) -> bool:
    issuer = claims.get("iss")
    return isinstance(issuer, str) and is_issuer(issuer)


def _is_current(claims: Mapping[str, Any], now: float) -> bool:
    expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf")
    if not _is_number(expires) or expires <= now - LEEWAY_SECONDS:
        return False
    return all(value is None or (_is_number(value) and value <= now + LEEWAY_SECONDS) for value in (issued, begins))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _has_subject(claims: Mapping[str, Any]) -> bool:
    subject = claims.get("sub")
    return isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT and subject.isprintable()


def _belongs_to(claims: Mapping[str, Any], access_token: str, algorithm: str) -> bool:
    """Whether `at_hash`, if there is one, is of this access token (§3.1.3.6)."""
    at_hash = claims.get("at_hash")
    if at_hash is None:
        return True
    digest = hashlib.new({"256": "sha256", "384": "sha384"}.get(algorithm[-3:], "sha512"), access_token.encode()).digest()
    return _equal(at_hash, encode_segment(digest[: len(digest) // 2]))


def _equal(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
