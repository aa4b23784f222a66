"""A deployment with two projects in memory, a genuine token of it, and the means to forge others."""

import json
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from hexclave_server.core.context import Tenancy
from hexclave_server.core.jws import encode_segment, parse
from hexclave_server.core.tokens import (
    AccessTokenClaims,
    PublicJwk,
    SigningKey,
    TokenIssuer,
    TokenUnparsable,
    TokenUser,
    TokenVerifier,
    UserType,
    VerificationKey,
    generate_signing_keys,
)

ORIGIN = "https://auth.example.com"
PROJECT = "3f2b8c1e-0000-4000-8000-123456789abd"
OTHER_PROJECT = "3f2b8c1e-0000-4000-8000-123456789abe"
TENANCY = Tenancy("7f2b8c1e-0000-4000-8000-123456789abd", PROJECT, "main")
SESSION = "5f2b8c1e-0000-4000-8000-123456789abc"
ADA = TokenUser(
    id="3f2b8c1e-0000-4000-8000-123456789abc",
    display_name="Ada „Ä“ Lovelace",
    primary_email="ada@example.com",
    primary_email_verified=True,
    selected_team_id=None,
    signed_up_at=1_700_000_000_999,
    is_anonymous=False,
    restricted_reason=None,
    requires_totp_mfa=False,
)


class Keys:
    """Signing keys of two projects, in memory."""

    def __init__(self) -> None:
        self.by_project: dict[str, dict[UserType, tuple[SigningKey, ...]]] = {
            PROJECT: dict(generate_signing_keys()),
            OTHER_PROJECT: dict(generate_signing_keys()),
        }
        self.asked = 0

    async def signing_key(self, tenancy: Any, user_type: UserType) -> SigningKey:
        return self.by_project[tenancy.project_id][user_type][0]

    async def verification_keys(self, project_id: str, user_type: UserType) -> list[VerificationKey] | None:
        self.asked += 1
        project = self.by_project.get(project_id)
        return None if project is None else [key.verification_key for key in project[user_type]]

    async def key_set(self, project_id: str, user_types: Sequence[UserType]) -> list[PublicJwk] | None:
        return [key.public_jwk for user_type in user_types for key in self.by_project[project_id][user_type]]


KEYS = Keys()


def issued(user: TokenUser = ADA, keys: Keys = KEYS, ttl_seconds: int = 600) -> str:
    """A genuine token."""

    async def issue() -> str:
        return await TokenIssuer(keys, ORIGIN, ttl_seconds).issue(TENANCY, user, SESSION)

    return anyio.run(issue)


def verified(token: str, keys: Keys = KEYS) -> AccessTokenClaims:
    """The claims according to a verifier that has seen nothing yet."""

    async def verify() -> AccessTokenClaims:
        return await TokenVerifier(keys, ORIGIN).verify(token)

    return anyio.run(verify)


def genuine_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a genuine token with some changed; `...` removes one."""
    claims = {**parse(issued()).claims, **changes}
    return {name: value for name, value in claims.items() if value is not ...}


def signed(claims: dict[str, Any] | bytes, key: SigningKey | None = None) -> str:
    """A token with these claims and a good signature of the project's key for normal users."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return (key or KEYS.by_project[PROJECT]["normal"][0]).sign(payload)


def signed_with_header(header: bytes, claims: dict[str, Any] | None = None) -> str:
    """A token with any header, signed with the project's key for normal users over exactly that header."""
    key = KEYS.by_project[PROJECT]["normal"][0]
    body = f"{encode_segment(header)}.{encode_segment(json.dumps(claims or genuine_claims()).encode())}"
    private = serialization.load_der_private_key(key.to_der(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    while True:
        r, s = decode_dss_signature(private.sign(body.encode(), ec.ECDSA(SHA256())))
        if s < 2**254:  # surely the lower of the two
            return f"{body}.{encode_segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def kid() -> str:
    """The key id of the project's key for normal users."""
    return KEYS.by_project[PROJECT]["normal"][0].kid


TOKEN = issued(ttl_seconds=86_400)  # made when tests are collected, used whenever they run


def refused(token: str) -> str:
    """The reason why a token is refused as unparsable."""
    with pytest.raises(TokenUnparsable) as refusal:
        verified(token)
    return str(refusal.value)
