"""The provider for tests that stands in for vendors whose shared keys are `MOCK` (contract 15): its subject is address and id."""

from __future__ import annotations

from typing import Any

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.provider import Credentials, Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor


def parse(document: Any) -> Profile:
    """The profile in `/me`. Raises ProviderFailed."""
    subject = fields.members(document).get("sub")
    return Profile(account_id=fields.account_id(subject), email=fields.email(subject), email_verified=True)


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed."""
    return parse(await source.document(source.userinfo_url))


def describe(credentials: Credentials) -> Vendor:
    """The provider at the URLs of the credentials; its issuer is what stands before `/auth`."""
    base = (credentials.authorize_url or "").removesuffix("/auth")
    return Vendor(
        type="mock",
        authorize_url=credentials.authorize_url or "",
        token_url=credentials.token_url or "",
        userinfo_url=credentials.userinfo_url or "",
        base_scopes=("openid", "offline_access"),
        is_issuer=one_of(base, base + "/"),
        fetch=fetch,
    )
