"""GitHub: OAuth 2 with an API of its own, where addresses stand on a page apart."""

from __future__ import annotations

from typing import Any

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import CodeRefused, Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor, read_json

_FORBIDDEN = 403


def parse(document: Any, emails: Any) -> Profile:
    """The profile in `/user` and `/user/emails`. Raises ProviderFailed."""
    user = fields.members(document)
    primary = next((entry for entry in fields.entries(emails) if entry.get("primary") is True), {})
    return Profile(
        account_id=fields.account_id(user.get("id")),
        email=fields.email(primary.get("email")),
        email_verified=fields.is_true(primary.get("verified")),
        display_name=fields.name(user.get("name")),
        profile_image_url=fields.picture(user.get("avatar_url")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed; CodeRefused when the app may not read addresses."""
    user = await source.document(source.userinfo_url)
    emails = await source.answer(f"{source.userinfo_url}/emails")
    if emails.status == _FORBIDDEN:
        raise CodeRefused("the app lacks the permission to read email addresses")
    return parse(user, read_json(emails))


VENDOR = Vendor(
    type="github",
    authorize_url="https://github.com/login/oauth/authorize",
    token_url="https://github.com/login/oauth/access_token",
    userinfo_url="https://api.github.com/user",
    base_scopes=("user:email",),
    is_issuer=one_of("https://github.com", "https://github.com/login/oauth"),
    headers={"x-github-api-version": "2022-11-28"},
    token_seconds=8 * 3600,
    aliases={
        "bad_verification_code": "invalid_grant",
        "bad_refresh_token": "invalid_grant",
        "incorrect_client_credentials": "invalid_client",
    },
    fetch=fetch,
)
