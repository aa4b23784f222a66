"""X: OAuth 2; gives no address."""

from __future__ import annotations

from typing import Any

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor


def parse(document: Any) -> Profile:
    """The profile in `/users/me`. Raises ProviderFailed."""
    user = fields.members(fields.members(document).get("data"))
    return Profile(
        account_id=fields.account_id(user.get("id")),
        display_name=fields.name(user.get("name"), user.get("username")),
        profile_image_url=fields.picture(user.get("profile_image_url")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    return parse(await source.document(f"{source.userinfo_url}?user.fields=id,name,profile_image_url"))


VENDOR = Vendor(
    type="x",
    authorize_url="https://twitter.com/i/oauth2/authorize",
    token_url="https://api.x.com/2/oauth2/token",
    userinfo_url="https://api.x.com/2/users/me",
    base_scopes=("users.read", "offline.access", "tweet.read"),
    is_issuer=one_of("https://twitter.com", "https://x.com", "https://api.x.com"),
    aliases={"invalid_request": "invalid_grant"},
    fetch=fetch,
)
