"""What the rest of the server knows of an identity provider (contract 03 §8).

A provider turns a browser's way to it into a URL, a code into tokens, and tokens into a profile. It knows nothing of our users, projects or
database. All its requests go through the guarded client, with the limits of `core.outgoing`: a provider may be slow, broken or hostile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A project's registration at a provider: shared keys of the operator, or its own. URLs replace the vendor's (settings).

    `type` says which provider speaks: one of contract 03 §1.2, `oidc`, or `mock` (contract 15; all three URLs are set then).
    """

    provider_id: str
    type: str
    client_id: str
    client_secret: str
    is_shared: bool
    redirect_uri: str
    authorize_url: str | None = None
    token_url: str | None = None
    userinfo_url: str | None = None
    facebook_config_id: str | None = None
    microsoft_tenant_id: str | None = None
    issuer: str | None = None
    jwks_url: str | None = None
    scopes: tuple[str, ...] | None = None


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with the browser to the provider: our state, PKCE verifier, nonce, and scopes beyond the base ones."""

    state: str
    code_verifier: str
    nonce: str
    extra_scopes: tuple[str, ...] = ()


class ProviderTokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider gave for a code or a refresh token. `expires_at` in epoch milliseconds; `id_token` as it came, not verified."""

    access_token: str
    expires_at: int
    refresh_token: str | None = None
    id_token: str | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the provider knows him. `issuer` is set where the account id is unique within an issuer only (OpenID Connect)."""

    account_id: str
    email: str | None = None
    email_verified: bool = False
    display_name: str | None = None
    profile_image_url: str | None = None
    issuer: str | None = None


class ProviderFailed(Exception):
    """The provider did not do what it should. `reason` is for logs and tests: never for clients, and never with what the provider said."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CodeRefused(ProviderFailed):
    """`invalid_grant`, `invalid_client`, `unauthorized_scope_error`, or a profile without what is needed: 400 plain, never redirected."""


class AccessDenied(ProviderFailed):
    """`access_denied` or `consent_required`: the person or the provider refused."""


class TemporarilyUnavailable(ProviderFailed):
    """Network error, time-out, 429, 5xx, `server_error`, `temporarily_unavailable`."""


class Provider(Protocol):
    """One type of provider with a project's credentials."""

    base_scopes: Sequence[str]

    async def authorization_url(self, authorization: Authorization) -> str:
        """Where the browser goes, with the parameters of contract 03 §2 in their order. Raises ProviderFailed (discovery)."""

    async def exchange_code(self, parameters: Mapping[str, str], authorization: Authorization) -> ProviderTokens:
        """Tokens for what the browser brought back: `code`, or `error`, and `iss` where the provider sends it. Raises ProviderFailed."""

    async def fetch_profile(self, tokens: ProviderTokens, authorization: Authorization) -> Profile:
        """Who signed in: from the verified ID token or the provider's user info. Raises ProviderFailed."""

    async def refresh(self, refresh_token: str, scopes: Sequence[str]) -> ProviderTokens:
        """Fresh tokens. Raises ProviderFailed."""

    async def accepts(self, access_token: str) -> bool:
        """Whether the provider still takes this access token (contract 03 §8, "probe"). Raises TemporarilyUnavailable."""
