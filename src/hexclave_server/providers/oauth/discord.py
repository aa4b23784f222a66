"""Discord: OAuth 2; says whether an address was verified."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor

_PICTURES = "https://cdn.discordapp.com/avatars"


def parse(document: Any) -> Profile:
    """The profile in `/users/@me`. Raises ProviderFailed."""
    user = fields.members(document)
    account_id = fields.account_id(user.get("id"))
    return Profile(
        account_id=account_id,
        email=fields.email(user.get("email")),
        email_verified=fields.is_true(user.get("verified")),
        display_name=fields.name(user.get("global_name"), user.get("username")),
        profile_image_url=_picture(account_id, user.get("avatar")),
    )


def _picture(account_id: str, avatar: object) -> str | None:
    """The URL of an avatar: its hash says whether it moves."""
    if not isinstance(avatar, str) or not avatar:
        return None
    extension = "gif" if avatar.startswith("a_") else "png"
    name = quote(avatar.encode("utf-8", "replace"), safe="")
    return fields.picture(f"{_PICTURES}/{quote(account_id, safe='')}/{name}.{extension}")


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    return parse(await source.document(source.userinfo_url))


VENDOR = Vendor(
    type="discord",
    authorize_url="https://discord.com/oauth2/authorize",
    token_url="https://discord.com/api/oauth2/token",
    userinfo_url="https://discord.com/api/users/@me",
    base_scopes=("identify", "email"),
    is_issuer=one_of("https://discord.com"),
    fetch=fetch,
)
