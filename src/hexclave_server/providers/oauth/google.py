"""Google: OpenID Connect with user info."""

from __future__ import annotations

from typing import Any

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor, require_same_person


def parse(document: Any) -> Profile:
    """The profile in Google's user info. Raises ProviderFailed."""
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
    type="google",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",
    userinfo_url="https://openidconnect.googleapis.com/v1/userinfo",
    base_scopes=("https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/userinfo.profile"),
    is_issuer=one_of("https://accounts.google.com"),
    jwks_url="https://www.googleapis.com/oauth2/v3/certs",
    extra=(("include_granted_scopes", "true"),),
    fetch=fetch,
)
