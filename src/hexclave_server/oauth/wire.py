"""What requests and answers of our own OAuth server look like (contract 03 §2, §3, §5 to §7; RFC 6749 §4.1.3, §5.1, §6)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.constraints import NonEmpty, Url, at_most, matching
from hexclave_server.core.schema import Body, OpenBody, Wire

Optional = str | None | UnsetType
ResponseMode = Literal["json", "redirect"] | UnsetType


class ProviderPath(Body):
    """The provider, by its id in the project's configuration."""

    provider_id: str


class AuthorizeQuery(OpenBody):
    """What an application asks for; parameters that nobody knows are ignored (RFC 6749 §3.1).

    `error_redirect_url` and `stack_response_mode` are older names. `scope`, `state` and `response_type` are checked at the callback.
    """

    client_id: str
    client_secret: str
    redirect_uri: Url
    scope: str
    state: str
    grant_type: Literal["authorization_code"]
    code_challenge: Annotated[str, NonEmpty]
    code_challenge_method: Literal["S256"]
    response_type: str
    type: Literal["authenticate", "link"] = "authenticate"
    token: str = ""
    provider_scope: str | UnsetType = UNSET
    error_redirect_uri: Url | UnsetType = UNSET
    error_redirect_url: Url | UnsetType = UNSET
    after_callback_redirect_url: Url | UnsetType = UNSET
    stack_response_mode: ResponseMode = UNSET
    hexclave_response_mode: ResponseMode = UNSET
    bot_challenge_token: str | UnsetType = UNSET
    bot_challenge_phase: Literal["invisible", "visible"] | UnsetType = UNSET
    bot_challenge_unavailable: Literal["true"] | UnsetType = UNSET


class ProviderLocation(Wire):
    """Where to send the browser, for applications that do so themselves."""

    location: str


class CallbackQuery(OpenBody):
    """What a provider sends the browser back with; providers add to it."""

    state: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    iss: str | UnsetType = UNSET


class CrossDomainRequest(Body):
    """Where on another trusted domain the session is to be taken up, and the challenge of whoever takes it up (RFC 7636 §4.2)."""

    redirect_uri: Url
    state: Annotated[str, NonEmpty, at_most(512), matching(r"[\x20-\x7e]*", "printable ASCII")]
    code_challenge: Annotated[str, matching(r"[A-Za-z0-9._~-]{43,128}", "43 to 128 unreserved characters")]
    code_challenge_method: Literal["S256"] = "S256"
    after_callback_redirect_url: Url | UnsetType = UNSET


class RedirectTarget(Wire):
    """Where to send the browser."""

    redirect_url: str


class AppleIdentityToken(Body):
    """The identity token that an application on a device got from Apple."""

    id_token: str


def text_or_none(value: str | None | UnsetType) -> str | None:
    """An optional member, with None for an absent one."""
    return None if value is UNSET else value


class TokenRequest(OpenBody):
    """Form or JSON; members that nobody knows are ignored (RFC 6749 §3.2)."""

    grant_type: Literal["authorization_code", "refresh_token"]
    client_id: Optional = UNSET
    client_secret: Optional = UNSET
    code: Optional = UNSET
    redirect_uri: Optional = UNSET
    code_verifier: Optional = UNSET
    refresh_token: Optional = UNSET
    scope: Optional = UNSET


class TokenAnswer(Wire):
    """The answer to a refresh, and with three members more to a code. `expires_in` is constant by contract; the access token's own `exp` counts."""

    access_token: str
    refresh_token: str | UnsetType = UNSET
    is_new_user: bool | UnsetType = UNSET
    newUser: bool | UnsetType = UNSET  # noqa: N815 - the twin that older clients read
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the type
    expires_in: int = 3599
    scope: str = "legacy"
    after_callback_redirect_url: str | None = None
    afterCallbackRedirectUrl: str | None = None  # noqa: N815 - the twin that older clients read
