"""What requests and answers of the token endpoint look like (contract 03 §5; RFC 6749 §4.1.3, §5.1, §6)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.schema import OpenBody, Wire

Optional = str | None | UnsetType


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
    """The answer to a refresh. `expires_in` is constant by contract; the access token's own `exp` counts."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the type
    expires_in: int = 3599
    scope: str = "legacy"
    after_callback_redirect_url: str | None = None
    afterCallbackRedirectUrl: str | None = None  # noqa: N815 - the twin that older clients read
