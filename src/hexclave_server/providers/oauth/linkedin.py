"""LinkedIn: OpenID Connect with user info; knows no PKCE, and takes the secret in the body."""

from __future__ import annotations

from typing import Any

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor, require_same_person


def parse(document: Any) -> Profile:
    """The profile in LinkedIn's user info. Raises ProviderFailed."""
    user = fields.members(document)
    return Profile(
        account_id=fields.account_id(user.get("sub")),
        email=fields.email(user.get("email")),
        email_verified=fields.is_true(user.get("email_verified")),
        display_name=fields.name(user.get("name")),
        profile_image_url=fields.picture(user.get("picture")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    profile = parse(await source.document(source.userinfo_url))
    require_same_person(source, profile.account_id)
    return profile


VENDOR = Vendor(
    type="linkedin",
    authorize_url="https://www.linkedin.com/oauth/v2/authorization",
    token_url="https://www.linkedin.com/oauth/v2/accessToken",
    userinfo_url="https://api.linkedin.com/v2/userinfo",
    base_scopes=("openid", "profile", "email"),
    is_issuer=one_of("https://www.linkedin.com/oauth"),
    jwks_url="https://www.linkedin.com/oauth/openid/jwks",
    uses_pkce=False,
    secret_in_body=True,
    aliases={"invalid_request": "invalid_grant", "user_cancelled_login": "access_denied", "user_cancelled_authorize": "access_denied"},
    fetch=fetch,
)
