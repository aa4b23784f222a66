"""Twitch: OAuth 2; takes the secret in the body, and wants to be told who asks. It shows verified addresses only."""

from __future__ import annotations

from typing import Any

from hexclave_server.core.outgoing_answers import Answer
from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Credentials, Profile, ProviderFailed
from hexclave_server.providers.oauth.vendor import Source, Vendor, read_json


def parse(document: Any) -> Profile:
    """The profile in `/users`. Raises ProviderFailed."""
    user = fields.first(fields.members(document).get("data"))
    email = fields.email(user.get("email"))
    return Profile(
        account_id=fields.account_id(user.get("id")),
        email=email,
        email_verified=email is not None,
        display_name=fields.name(user.get("display_name")),
        profile_image_url=fields.picture(user.get("profile_image_url")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    return parse(await source.document(source.userinfo_url))


def _has_user(answer: Answer) -> bool:
    """Whether the answer names somebody: with a token of no user it is a success without one."""
    try:
        return bool(fields.first(fields.members(read_json(answer)).get("data")))
    except ProviderFailed:
        return False


def describe(credentials: Credentials) -> Vendor:
    """Twitch, asked for the project's app."""
    return Vendor(
        type="twitch",
        authorize_url="https://id.twitch.tv/oauth2/authorize",
        token_url="https://id.twitch.tv/oauth2/token",
        userinfo_url="https://api.twitch.tv/helix/users",
        base_scopes=("user:read:email",),
        is_issuer=one_of("https://id.twitch.tv/oauth2"),
        secret_in_body=True,
        headers={"client-id": credentials.client_id},
        aliases={
            "Invalid authorization code": "invalid_grant",
            "Invalid refresh token": "invalid_grant",
            "invalid client": "invalid_client",
            "invalid client secret": "invalid_client",
        },
        accepts=_has_user,
        fetch=fetch,
    )
