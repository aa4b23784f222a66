"""Spotify: OAuth 2; nobody knows whether its addresses were verified."""

from __future__ import annotations

from typing import Any

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor


def parse(document: Any) -> Profile:
    """The profile in `/me`. Raises ProviderFailed."""
    user = fields.members(document)
    return Profile(
        account_id=fields.account_id(user.get("id")),
        email=fields.email(user.get("email")),
        display_name=fields.name(user.get("display_name")),
        profile_image_url=fields.picture(fields.first(user.get("images")).get("url")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    return parse(await source.document(source.userinfo_url))


VENDOR = Vendor(
    type="spotify",
    authorize_url="https://accounts.spotify.com/authorize",
    token_url="https://accounts.spotify.com/api/token",
    userinfo_url="https://api.spotify.com/v1/me",
    base_scopes=("user-read-email", "user-read-private"),
    is_issuer=one_of("https://accounts.spotify.com"),
    fetch=fetch,
)
