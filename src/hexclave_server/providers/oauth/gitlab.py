"""GitLab: OAuth 2; an address counts as verified when the list of addresses says when it was confirmed."""

from __future__ import annotations

from typing import Any

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor


def parse(document: Any, emails: Any) -> Profile:
    """The profile in `/user` and `/user/emails`. Raises ProviderFailed."""
    user = fields.members(document)
    email = fields.email(user.get("email"))
    return Profile(
        account_id=fields.account_id(user.get("id")),
        email=email,
        email_verified=email is not None and any(_confirms(entry, email) for entry in fields.entries(emails)),
        display_name=fields.name(user.get("name")),
        profile_image_url=fields.picture(user.get("avatar_url")),
    )


def _confirms(entry: Any, email: str) -> bool:
    confirmed_at = entry.get("confirmed_at")
    return entry.get("email") == email and isinstance(confirmed_at, str) and confirmed_at != ""


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    return parse(await source.document(source.userinfo_url), await source.document(f"{source.userinfo_url}/emails"))


VENDOR = Vendor(
    type="gitlab",
    authorize_url="https://gitlab.com/oauth/authorize",
    token_url="https://gitlab.com/oauth/token",
    userinfo_url="https://gitlab.com/api/v4/user",
    base_scopes=("read_user",),
    is_issuer=one_of("https://gitlab.com"),
    fetch=fetch,
)
