"""Facebook: OpenID Connect for who it is, the Graph API for what is known of him.

Graph takes the access token in the query. Nobody knows whether an address was verified, so none counts as such.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import CodeRefused, Credentials, Profile, ProviderFailed
from hexclave_server.providers.oauth.vendor import Source, Vendor, require_same_person


def parse(document: Any, pictures: Any) -> Profile:
    """The profile in `/me` and the page of pictures. Raises ProviderFailed; CodeRefused without an address."""
    user = fields.members(document)
    email = fields.email(user.get("email"))
    if email is None:
        raise CodeRefused("the profile has no email address")
    picture = fields.members(fields.members(fields.members(pictures).get("picture")).get("data"))
    return Profile(
        account_id=fields.account_id(user.get("id")),
        email=email,
        display_name=fields.name(user.get("name")),
        profile_image_url=fields.picture(picture.get("url")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    user = await source.document(_with_token(source, source.userinfo_url, "id,name,email"), bearer=False)
    profile = parse(user, None)
    require_same_person(source, profile.account_id)
    return parse(user, await _pictures(source, profile.account_id))


async def _pictures(source: Source, account_id: str) -> Any:
    """The page of pictures; nothing where it fails, since a picture is not worth a sign-in."""
    parts = urlsplit(source.userinfo_url)
    url = f"{parts.scheme}://{parts.netloc}/{quote(account_id, safe='')}"
    try:
        return await source.document(_with_token(source, url, "picture.type(small)"), bearer=False)
    except ProviderFailed:
        return None


def _with_token(source: Source, url: str, wanted: str) -> str:
    return f"{url}?{urlencode({'fields': wanted, 'access_token': source.access_token}, safe=',()')}"


def describe(credentials: Credentials) -> Vendor:
    """Facebook, or Facebook Login for Business where the project has a configuration for that."""
    config_id = credentials.facebook_config_id
    return Vendor(
        type="facebook",
        authorize_url="https://facebook.com/v20.0/dialog/oauth/",
        token_url="https://graph.facebook.com/v20.0/oauth/access_token",
        userinfo_url="https://graph.facebook.com/v3.2/me",
        base_scopes=("openid", "public_profile", "email"),
        is_issuer=one_of("https://www.facebook.com"),
        jwks_url="https://www.facebook.com/.well-known/oauth/openid/jwks",
        extra=(("config_id", config_id),) if config_id else (),
        aliases={"100": "invalid_grant", "101": "invalid_client", "1": "server_error", "2": "server_error"},
        fetch=fetch,
    )
