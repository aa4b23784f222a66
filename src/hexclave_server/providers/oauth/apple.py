"""Apple: everything is in the ID token; the client secret is a JWT that the developer signed.

Also the check of identity tokens that apps on Apple's devices bring themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.id_tokens import Expected, verify_id_token
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor

ISSUER = "https://appleid.apple.com"
JWKS_URL = "https://appleid.apple.com/auth/keys"


def parse(claims: Mapping[str, Any] | None) -> Profile:
    """The profile in an ID token's claims. Raises ProviderFailed."""
    user = fields.members(claims)
    return Profile(
        account_id=fields.account_id(user.get("sub")),
        email=fields.email(user.get("email")),
        email_verified=fields.is_true(user.get("email_verified")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    return parse(source.claims)


async def verify_apple_identity_token(
    client: OutgoingClient, id_token: str, bundle_ids: Collection[str], *, issuer: str | None = None, jwks_url: str | None = None
) -> Profile:
    """Who an app on an Apple device says is signed in (contract 03 §7). `issuer`, `jwks_url`: the operator's in place of Apple's.

    Raises ProviderFailed: IdTokenRefused for a token that proves nothing, TemporarilyUnavailable without Apple's keys.
    """
    expected = Expected(
        is_issuer=one_of(issuer or ISSUER), jwks_url=jwks_url or JWKS_URL, trusted=jwks_url is not None, audiences=frozenset(bundle_ids)
    )
    return parse(await verify_id_token(client, id_token, expected))


VENDOR = Vendor(
    type="apple",
    authorize_url="https://appleid.apple.com/auth/authorize",
    token_url="https://appleid.apple.com/auth/token",
    userinfo_url="https://appleid.apple.com/auth/userinfo",
    base_scopes=("name", "email"),
    is_issuer=one_of(ISSUER),
    jwks_url=JWKS_URL,
    needs_id_token=True,
    secret_in_body=True,
    extra=(("response_mode", "form_post"),),
    aliases={"user_cancelled_authorize": "access_denied"},
    fetch=fetch,
)
