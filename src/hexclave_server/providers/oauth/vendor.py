"""A provider described by data: what its file says of it, and what its profile function may ask (contract 03 §8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.core.outgoing_answers import Answer, OutgoingFailed
from hexclave_server.providers.oauth.callback import IsIssuer
from hexclave_server.providers.oauth.failures import unanswered
from hexclave_server.providers.oauth.provider import Profile, ProviderFailed, TemporarilyUnavailable
from hexclave_server.providers.oauth.token_endpoint import DEFAULT_SECONDS

PROFILE_ATTEMPTS = 3


class Source:
    """Where a profile is read from: the provider's pages with the person's access token, and the claims of a verified ID token if any."""

    def __init__(
        self, client: OutgoingClient, userinfo_url: str, access_token: str, *, trusted: bool, headers: Mapping[str, str], claims: Any = None
    ) -> None:
        self.userinfo_url = userinfo_url
        self.access_token = access_token
        self.claims: Mapping[str, Any] | None = claims
        self._client = client
        self._trusted = trusted
        self._headers = headers

    async def answer(self, url: str, *, bearer: bool = True, attempts: int = PROFILE_ATTEMPTS) -> Answer:
        """The answer to a GET, asked again while the failure is transient. Raises TemporarilyUnavailable, ProviderFailed."""
        headers = {**self._headers, "authorization": f"Bearer {self.access_token}"} if bearer else self._headers
        try:
            answer = await self._client.get(url, headers=headers, trusted=self._trusted, attempts=attempts)
        except OutgoingFailed as failure:
            raise unanswered(failure) from None
        if answer.is_transient_failure:
            raise TemporarilyUnavailable(f"the provider answers {answer.status} to a question for a profile")
        return answer

    async def document(self, url: str, *, bearer: bool = True) -> Any:
        """The JSON behind a URL. Raises as `answer`, and ProviderFailed for any answer but a successful one in JSON."""
        return read_json(await self.answer(url, bearer=bearer))


def require_same_person(source: Source, account_id: str) -> None:
    """Raises ProviderFailed if the profile is of another person than the ID token (OpenID Connect Core §5.3.2)."""
    if source.claims is not None and source.claims["sub"] != account_id:
        raise ProviderFailed("the profile is of another person than the ID token")


def read_json(answer: Answer) -> Any:
    """The document of a successful answer. Raises ProviderFailed."""
    if not answer.is_success:
        raise ProviderFailed(f"the provider answers {answer.status} to a question for a profile")
    try:
        return answer.json()
    except OutgoingFailed as failure:
        raise unanswered(failure) from None


def _has_profile(answer: Answer) -> bool:
    return answer.is_success


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """One type of provider.

    `is_issuer`: the names it may give itself, in callbacks and ID tokens. `jwks_url`: its keys, where it sends ID tokens.
    `needs_id_token`: the profile stands there and nowhere else. `extra`: further parameters of the authorization URL.
    `aliases`: its own words for RFC 6749's errors. `accepts`: whether an answer to the profile's request says that the token is good.
    """

    type: str
    authorize_url: str
    token_url: str
    userinfo_url: str
    base_scopes: Sequence[str]
    is_issuer: IsIssuer
    fetch: Callable[[Source], Awaitable[Profile]]
    jwks_url: str | None = None
    needs_id_token: bool = False
    uses_pkce: bool = True
    secret_in_body: bool = False
    extra: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = {}
    token_seconds: int = DEFAULT_SECONDS
    aliases: Mapping[str, str] = {}
    accepts: Callable[[Answer], bool] = _has_profile
