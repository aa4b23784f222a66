"""The authorization code flow with any provider that a `Vendor` describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.providers.oauth import authorization as authorization_urls
from hexclave_server.providers.oauth.callback import IsIssuer, code_of, one_of
from hexclave_server.providers.oauth.id_tokens import Expected, IdTokenRefused, verify_id_token
from hexclave_server.providers.oauth.provider import Authorization, Credentials, Profile, ProviderTokens
from hexclave_server.providers.oauth.token_endpoint import TokenEndpoint, ask_for_tokens
from hexclave_server.providers.oauth.vendor import Source, Vendor


class CodeFlowProvider:
    """A vendor with a project's credentials. URLs of the credentials take the place of the vendor's: the operator's word.

    Where the operator replaced the token endpoint but named no keys, ID tokens are not looked at: nobody could tell whose they are. The
    profile then comes from the user info alone.
    """

    def __init__(self, vendor: Vendor, credentials: Credentials, client: OutgoingClient) -> None:
        self.base_scopes: Sequence[str] = vendor.base_scopes
        self._vendor = vendor
        self._credentials = credentials
        self._client = client
        self._userinfo_url = credentials.userinfo_url or vendor.userinfo_url
        self._is_issuer = _issuers(vendor, credentials)
        self._jwks_url = credentials.jwks_url or (vendor.jwks_url if credentials.token_url is None else None)
        self._endpoint = TokenEndpoint(
            url=credentials.token_url or vendor.token_url,
            trusted=credentials.token_url is not None,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            secret_in_body=vendor.secret_in_body,
            default_seconds=vendor.token_seconds,
            aliases=vendor.aliases,
        )

    async def authorization_url(self, authorization: Authorization) -> str:
        """See `Provider`."""
        return authorization_urls.authorization_url(
            self._credentials.authorize_url or self._vendor.authorize_url,
            self._credentials,
            authorization,
            self.base_scopes,
            extra=(*authorization_urls.OFFLINE, *self._vendor.extra),
            uses_pkce=self._vendor.uses_pkce,
        )

    async def exchange_code(self, parameters: Mapping[str, str], authorization: Authorization) -> ProviderTokens:
        """See `Provider`."""
        code = code_of(parameters, self._is_issuer, self._vendor.aliases)
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._credentials.redirect_uri}
        if self._vendor.uses_pkce:
            fields["code_verifier"] = authorization.code_verifier
        return await ask_for_tokens(self._client, self._endpoint, fields)

    async def fetch_profile(self, tokens: ProviderTokens, authorization: Authorization) -> Profile:
        """See `Provider`. An ID token that came along must be right; without one, the access token alone tells who it is."""
        del authorization  # vendors get no nonce: the contract lists their parameters
        claims = await self._claims(tokens)
        if claims is None and self._vendor.needs_id_token:
            raise IdTokenRefused("there is no ID token that could be verified")
        return await self._vendor.fetch(self._source(tokens.access_token, claims))

    async def refresh(self, refresh_token: str, scopes: Sequence[str]) -> ProviderTokens:
        """See `Provider`."""
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if scopes:
            fields["scope"] = " ".join(scopes)
        return await ask_for_tokens(self._client, self._endpoint, fields)

    async def accepts(self, access_token: str) -> bool:
        """See `Provider`."""
        return self._vendor.accepts(await self._source(access_token).answer(self._userinfo_url, attempts=1))

    async def _claims(self, tokens: ProviderTokens) -> Mapping[str, Any] | None:
        if tokens.id_token is None or self._jwks_url is None:
            return None
        expected = Expected(
            is_issuer=self._is_issuer,
            jwks_url=self._jwks_url,
            trusted=self._credentials.jwks_url is not None,
            audiences=(self._credentials.client_id,),
            access_token=tokens.access_token,
        )
        return await verify_id_token(self._client, tokens.id_token, expected)

    def _source(self, access_token: str, claims: Mapping[str, Any] | None = None) -> Source:
        trusted = self._credentials.userinfo_url is not None
        return Source(self._client, self._userinfo_url, access_token, trusted=trusted, headers=self._vendor.headers, claims=claims)


def _issuers(vendor: Vendor, credentials: Credentials) -> IsIssuer:
    """The issuer that the operator named; else the vendor, and the origin of an authorization endpoint that took the place of his."""
    if credentials.issuer is not None:
        bare = credentials.issuer.rstrip("/")
        return one_of(bare, bare + "/")
    if credentials.authorize_url is None:
        return vendor.is_issuer
    parts = urlsplit(credentials.authorize_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return lambda issuer: issuer in (origin, origin + "/") or vendor.is_issuer(issuer)
