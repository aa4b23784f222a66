"""A project's registration at a provider: from its configuration, and for shared keys from the settings of this server (contract 03 §1.2, §8).

Whatever asks a provider something gets its credentials here, so that what counts as an enabled provider stands in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.core.context import Call, Project
from hexclave_server.core.known_errors import OAuthProviderNotFoundOrNotEnabled
from hexclave_server.providers.oauth.provider import Credentials, Provider
from hexclave_server.settings import OAuthProviderSettings, Settings

CALLBACK_PATH = "/api/v1/auth/oauth/callback"
GENERIC = "oidc"
MOCK = "mock"

_MOCK_KEY = "MOCK"
_MOCK_SECRET = "MOCK-SERVER-SECRET"  # noqa: S105 - named by the contract, and good for nothing else
_NOTHING_SET = OAuthProviderSettings()


def get_provider_entry(project: Project, provider_id: str) -> Mapping[str, Any]:
    """The provider's entry of the rendered configuration. Raises OAuthProviderNotFoundOrNotEnabled where there is none."""
    entry: Mapping[str, Any] | None = project.config["auth"]["oauth"]["providers"].get(provider_id)
    if entry is None:
        raise OAuthProviderNotFoundOrNotEnabled
    return entry


def endpoints_of(settings: Settings, kind: str) -> OAuthProviderSettings:
    """What this server sets for a type of provider: shared keys, and endpoints in place of the vendor's."""
    return settings.oauth.get(kind, _NOTHING_SET)


def issuer_of(project: Project, provider_id: str) -> str:
    """Who issues the provider's account ids, where these mean something beside the issuer only (OpenID Connect); else empty."""
    entry: Mapping[str, Any] = project.config["auth"]["oauth"]["providers"].get(provider_id, {})
    return str(entry.get("issuer", "")) if entry.get("type") == GENERIC else ""


def credentials_of(settings: Settings, project: Project, provider_id: str) -> Credentials:
    """What the project is known by at the provider.

    Raises OAuthProviderNotFoundOrNotEnabled for a provider that is not configured, or lacks keys: its own, or those of this server.
    """
    entry = get_provider_entry(project, provider_id)
    kind: str = entry["type"]
    ours = endpoints_of(settings, kind)
    is_shared = entry["isShared"] is True
    if is_shared and kind != GENERIC:
        client_id, client_secret = ours.client_id, ours.client_secret
    else:
        client_id, client_secret = entry.get("clientId"), entry.get("clientSecret")
    if not client_id or not client_secret or (kind == GENERIC and not entry.get("issuer")):
        raise OAuthProviderNotFoundOrNotEnabled
    if is_shared and (client_id, client_secret) == (_MOCK_KEY, _MOCK_KEY):
        return _mock_credentials(settings, provider_id, kind)
    return Credentials(
        provider_id=provider_id,
        type=kind,
        client_id=client_id,
        client_secret=client_secret,
        is_shared=is_shared,
        redirect_uri=_redirect_uri(settings, provider_id, kind),
        authorize_url=ours.authorize_url,
        token_url=ours.token_url,
        userinfo_url=ours.userinfo_url,
        facebook_config_id=entry.get("facebookConfigId"),
        microsoft_tenant_id=entry.get("microsoftTenantId"),
        issuer=entry.get("issuer") if kind == GENERIC else ours.issuer,
        jwks_url=ours.jwks_url,
        scopes=tuple(entry["scopes"].split()) if entry.get("scopes") else None,
    )


def hands_on_tokens(settings: Settings, *, is_shared: bool) -> bool:
    """Whether applications may have what the provider gives: for keys of the operator's only where he says so (contract 03 §8)."""
    return not is_shared or settings.allow_shared_oauth_access_tokens


def provider_of(call: Call, credentials: Credentials) -> Provider:
    """The provider, ready to be asked. What speaks to providers is imported with the first of them: memory."""
    from hexclave_server.providers.oauth.registry import make_provider  # noqa: PLC0415

    return make_provider(credentials, call.parts.outgoing)


def _mock_credentials(settings: Settings, provider_id: str, kind: str) -> Credentials:
    """The provider for tests that stands in for all whose shared keys are `MOCK` (contract 15)."""
    if settings.oauth_mock_url is None:
        raise OAuthProviderNotFoundOrNotEnabled
    base = settings.oauth_mock_url.rstrip("/")
    return Credentials(
        provider_id=provider_id,
        type=MOCK,
        client_id=kind,
        client_secret=_MOCK_SECRET,
        is_shared=True,
        redirect_uri=_redirect_uri(settings, provider_id, kind),
        authorize_url=f"{base}/auth",
        token_url=f"{base}/token",
        userinfo_url=f"{base}/me",
    )


def _redirect_uri(settings: Settings, provider_id: str, kind: str) -> str:
    return f"{settings.public_url}{CALLBACK_PATH}/{provider_id if kind == GENERIC else kind}"
