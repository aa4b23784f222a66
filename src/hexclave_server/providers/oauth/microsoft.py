"""Microsoft: OpenID Connect for accounts of one tenant or of persons, Graph for who it is.

Anybody may write any address into a directory of his own, so that none counts as verified ("nOAuth").
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.id_tokens import IdTokenRefused
from hexclave_server.providers.oauth.provider import Credentials, Profile
from hexclave_server.providers.oauth.vendor import Source, Vendor

_LOGIN = "https://login.microsoftonline.com"
_PERSONS = "consumers"
_TENANT_OF_PERSONS = "9188040d-6c67-4c5b-b112-36a304b66dad"
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ISSUER = re.compile(rf"{re.escape(_LOGIN)}/({_GUID.pattern})/v2\.0")


def parse(document: Any) -> Profile:
    """The profile in `/me`. Raises ProviderFailed."""
    user = fields.members(document)
    return Profile(
        account_id=fields.account_id(user.get("id")),
        email=fields.email(user.get("mail") or user.get("userPrincipalName")),
        display_name=fields.name(user.get("displayName")),
    )


async def fetch(source: Source) -> Profile:
    """Who signed in. Raises ProviderFailed. The ID token has a subject of its own kind, but its tenant must be that of its issuer."""
    if source.claims is not None and not is_of_its_tenant(source.claims):
        raise IdTokenRefused("the ID token is of another tenant than its issuer")
    return parse(await source.document(source.userinfo_url))


def is_of_its_tenant(claims: Any) -> bool:
    """Whether `tid`, if there is one, is the tenant in a Microsoft issuer."""
    issuer = _ISSUER.fullmatch(str(claims.get("iss")))
    return issuer is None or claims.get("tid") == issuer[1]


def is_issuer(issuer: str, tenant: str) -> bool:
    """Whether a name is that of the tenant; of any one where the project let several in (`common`, `organizations`, a domain)."""
    named = _ISSUER.fullmatch(issuer)
    if named is None:
        return False
    wanted = _TENANT_OF_PERSONS if tenant == _PERSONS else tenant.lower()
    return named[1] == wanted or _GUID.fullmatch(wanted) is None


def describe(credentials: Credentials) -> Vendor:
    """Microsoft for the project's tenant; without one, for accounts of persons."""
    tenant = credentials.microsoft_tenant_id or _PERSONS
    base = f"{_LOGIN}/{quote(tenant, safe='')}"
    return Vendor(
        type="microsoft",
        authorize_url=f"{base}/oauth2/v2.0/authorize",
        token_url=f"{base}/oauth2/v2.0/token",
        userinfo_url="https://graph.microsoft.com/v1.0/me",
        base_scopes=("User.Read", "openid"),
        is_issuer=lambda issuer: is_issuer(issuer, tenant),
        jwks_url=f"{base}/discovery/v2.0/keys",
        fetch=fetch,
    )
