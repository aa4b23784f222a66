"""Bitbucket: OAuth 2; addresses stand on a page apart."""

from __future__ import annotations

from typing import Any

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor


def parse(document: Any, emails: Any) -> Profile:
    """The profile in `/user` and `/user/emails`. Raises ProviderFailed."""
    user = fields.members(document)
    address = fields.first(fields.members(emails).get("values"))
    return Profile(
        account_id=fields.account_id(user.get("account_id")),
        email=fields.email(address.get("email")),
        email_verified=fields.is_true(address.get("is_confirmed")),
        display_name=fields.name(user.get("display_name")),
        profile_image_url=fields.picture(fields.members(fields.members(user.get("links")).get("avatar")).get("href")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    return parse(await source.document(source.userinfo_url), await source.document(f"{source.userinfo_url}/emails"))


VENDOR = Vendor(
    type="bitbucket",
    authorize_url="https://bitbucket.org/site/oauth2/authorize",
    token_url="https://bitbucket.org/site/oauth2/access_token",
    userinfo_url="https://api.bitbucket.org/2.0/user",
    base_scopes=("account", "email"),
    is_issuer=one_of("https://bitbucket.org"),
    fetch=fetch,
)
