"""Any OpenID Connect provider, known by its issuer alone: a company's own directory (contract 03 §1.2, "ours").

Its documents are strangers' words. The issuer must name itself exactly as the project does; where it is asked unencrypted, that is only in
networks which the operator allowed, and then all of it is. An account is its subject within this issuer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from hexclave_server.core.outgoing import OutgoingClient, require_web_url
from hexclave_server.core.outgoing_answers import OutgoingFailed
from hexclave_server.providers.oauth import authorization as authorization_urls
from hexclave_server.providers.oauth import profile_fields as fields
from hexclave_server.providers.oauth.callback import code_of, one_of
from hexclave_server.providers.oauth.failures import unanswered
from hexclave_server.providers.oauth.id_tokens import Expected, IdTokenRefused, verify_id_token
from hexclave_server.providers.oauth.provider import Authorization, Credentials, Profile, ProviderFailed, ProviderTokens
from hexclave_server.providers.oauth.token_endpoint import TokenEndpoint, ask_for_tokens
from hexclave_server.providers.oauth.vendor import Source

DEFAULT_SCOPES: Final = ("openid", "profile", "email")
_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_BASIC: Final = "client_secret_basic"
_POST: Final = "client_secret_post"


class Discovered(msgspec.Struct, frozen=True, kw_only=True):
    """What an issuer says of itself (OpenID Connect Discovery §3, RFC 9207 §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool = False

    @property
    def takes_basic(self) -> bool:
        """Whether secrets may go into a header, which is the rule; not if only the body is named."""
        methods = self.token_endpoint_auth_methods_supported
        return methods is None or _BASIC in methods or _POST not in methods


class OpenIdProvider:
    """An issuer with a project's credentials."""

    def __init__(self, credentials: Credentials, client: OutgoingClient) -> None:
        scopes = credentials.scopes or DEFAULT_SCOPES
        self.base_scopes: Sequence[str] = tuple(authorization_urls.merged_scopes(("openid",), scopes))
        self._issuer = credentials.issuer or ""
        self._credentials = credentials
        self._client = client

    async def authorization_url(self, authorization: Authorization) -> str:
        """See `Provider`. Consent is asked for anew only where a refresh token is wanted (OpenID Connect Core §11).

        Directories of companies, where administrators consent for all, refuse the question.
        """
        discovered = await self._discover()
        wanted = authorization_urls.merged_scopes(self.base_scopes, authorization.extra_scopes)
        offline = authorization_urls.OFFLINE if "offline_access" in wanted else ()
        return authorization_urls.authorization_url(
            discovered.authorization_endpoint,
            self._credentials,
            authorization,
            self.base_scopes,
            extra=(*offline, ("nonce", authorization.nonce)),
        )

    async def exchange_code(self, parameters: Mapping[str, str], authorization: Authorization) -> ProviderTokens:
        """See `Provider`."""
        discovered = await self._discover()
        required = discovered.authorization_response_iss_parameter_supported
        code = code_of(parameters, one_of(self._issuer), {}, issuer_required=required)
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._credentials.redirect_uri,
            "code_verifier": authorization.code_verifier,
        }
        return await ask_for_tokens(self._client, self._endpoint(discovered), sent)

    async def fetch_profile(self, tokens: ProviderTokens, authorization: Authorization) -> Profile:
        """See `Provider`. Address and its verification come from one place: the ID token, else the user info."""
        if tokens.id_token is None:
            raise IdTokenRefused("there is no ID token")
        discovered = await self._discover()
        expected = Expected(
            is_issuer=one_of(self._issuer),
            jwks_url=discovered.jwks_uri,
            audiences=(self._credentials.client_id,),
            nonce=authorization.nonce,
            access_token=tokens.access_token,
        )
        claims = await verify_id_token(self._client, tokens.id_token, expected)
        if claims.get("email") or discovered.userinfo_endpoint is None:
            return parse(claims, {}, self._issuer)
        source = self._source(discovered.userinfo_endpoint, tokens.access_token)
        return parse(claims, await source.document(source.userinfo_url), self._issuer)

    async def refresh(self, refresh_token: str, scopes: Sequence[str]) -> ProviderTokens:
        """See `Provider`."""
        sent = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if scopes:
            sent["scope"] = " ".join(scopes)
        return await ask_for_tokens(self._client, self._endpoint(await self._discover()), sent)

    async def accepts(self, access_token: str) -> bool:
        """See `Provider`. Without a user info endpoint nobody can tell but those whom the token is for."""
        discovered = await self._discover()
        if discovered.userinfo_endpoint is None:
            return True
        return (await self._source(discovered.userinfo_endpoint, access_token).answer(discovered.userinfo_endpoint, attempts=1)).is_success

    async def _discover(self) -> Discovered:
        """What the issuer says of itself, at most an hour old. Raises ProviderFailed."""
        try:
            require_web_url(self._issuer)
            document = await self._client.documents.get(self._issuer.rstrip("/") + _WELL_KNOWN)
        except OutgoingFailed as failure:
            raise unanswered(failure) from None
        return read_discovery(document, self._issuer)

    def _endpoint(self, discovered: Discovered) -> TokenEndpoint:
        return TokenEndpoint(
            url=discovered.token_endpoint,
            trusted=False,
            client_id=self._credentials.client_id,
            client_secret=self._credentials.client_secret,
            secret_in_body=not discovered.takes_basic,
        )

    def _source(self, url: str, access_token: str) -> Source:
        return Source(self._client, url, access_token, trusted=False, headers={})


def read_discovery(document: Any, issuer: str) -> Discovered:
    """The document of exactly this issuer, with endpoints as safe as itself. Raises ProviderFailed."""
    try:
        discovered = msgspec.convert(document, Discovered)
        if discovered.issuer != issuer:
            raise ProviderFailed("the discovery document is of another issuer")
        urls = [discovered.authorization_endpoint, discovered.token_endpoint, discovered.jwks_uri]
        if discovered.userinfo_endpoint is not None:
            urls.append(discovered.userinfo_endpoint)
        for url in urls:
            if issuer.startswith("https:") and not require_web_url(url).startswith("https:"):
                raise ProviderFailed("the discovery document names an unencrypted endpoint")
            require_web_url(url)
        # As it was parsed: a line break or a fragment in it must not end the header, or the parameters, of the way there.
        return msgspec.structs.replace(discovered, authorization_endpoint=require_web_url(discovered.authorization_endpoint))
    except (msgspec.ValidationError, UnicodeEncodeError, OutgoingFailed):
        raise ProviderFailed("the discovery document is not what it should be") from None


def parse(claims: Mapping[str, Any], userinfo: Any, issuer: str) -> Profile:
    """The profile in an ID token's claims, completed by user info of the same person. Raises ProviderFailed."""
    more = fields.members(userinfo)
    if more and more.get("sub") != claims.get("sub"):
        raise ProviderFailed("the user info is of another person than the ID token")
    address = claims if claims.get("email") else more
    return Profile(
        account_id=fields.account_id(claims.get("sub")),
        email=fields.email(address.get("email")),
        email_verified=fields.is_true(address.get("email_verified")),
        display_name=fields.name(claims.get("name"), more.get("name")),
        profile_image_url=fields.picture(claims.get("picture")) or fields.picture(more.get("picture")),
        issuer=issuer,
    )
