"""Asking a provider's token endpoint, for a code or a refresh token, and reading its answer (RFC 6749 §4.1.3-4, §5, §6)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from hexclave_server.core import clock
from hexclave_server.core.outgoing import OutgoingClient, basic_authorization
from hexclave_server.core.outgoing_answers import OutgoingFailed
from hexclave_server.providers.oauth.failures import failure_of, unanswered
from hexclave_server.providers.oauth.provider import ProviderFailed, ProviderTokens, TemporarilyUnavailable

DEFAULT_SECONDS: Final = 3600
_LONGEST_SECONDS: Final = 10 * 366 * 86400
_TOKEN: Final = re.compile(r"[\x20-\x7e]{1,16384}")  # RFC 6749 appendix A.12, A.17; it goes into headers
_LONGEST_ID_TOKEN: Final = 65536


class TokenEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom to ask. `aliases`: see `failures`. `default_seconds`: the life of access tokens of which nothing is said."""

    url: str
    trusted: bool
    client_id: str
    client_secret: str
    secret_in_body: bool = False
    default_seconds: int = DEFAULT_SECONDS
    aliases: Mapping[str, str] = {}


async def ask_for_tokens(client: OutgoingClient, endpoint: TokenEndpoint, fields: Mapping[str, str]) -> ProviderTokens:
    """The tokens for a grant. Raises ProviderFailed. Asked once only: a code is good for one request."""
    if endpoint.secret_in_body:
        headers = {}
        sent = {**fields, "client_id": endpoint.client_id, "client_secret": endpoint.client_secret}
    else:
        headers = {"authorization": basic_authorization(endpoint.client_id, endpoint.client_secret)}
        sent = dict(fields)
    try:
        answer = await client.post_form(endpoint.url, sent, headers=headers, trusted=endpoint.trusted)
        if answer.is_transient_failure:
            raise TemporarilyUnavailable(f"the token endpoint answers {answer.status}")
        document = answer.json()
    except OutgoingFailed as failure:
        raise unanswered(failure) from None
    if not isinstance(document, dict):
        raise ProviderFailed("the token endpoint's answer is no object")
    if not answer.is_success or document.get("error"):  # GitHub's errors have status 200
        raise failure_of(_error_word(document), endpoint.aliases)
    return tokens_of(document, endpoint.default_seconds)


def tokens_of(document: Mapping[str, Any], default_seconds: int = DEFAULT_SECONDS) -> ProviderTokens:
    """The tokens in an answer. Raises ProviderFailed when there is no access token, or one that is no bearer token."""
    access_token = document.get("access_token")
    if not isinstance(access_token, str) or _TOKEN.fullmatch(access_token) is None:
        raise ProviderFailed("no access token in the answer")
    kind = document.get("token_type")
    if kind is not None and not (isinstance(kind, str) and kind.lower() == "bearer"):
        raise ProviderFailed("the access token is no bearer token")
    refresh_token, id_token = document.get("refresh_token"), document.get("id_token")
    return ProviderTokens(
        access_token=access_token,
        expires_at=_expires_at(document, default_seconds),
        refresh_token=refresh_token if isinstance(refresh_token, str) and _TOKEN.fullmatch(refresh_token) else None,
        id_token=id_token if isinstance(id_token, str) and 0 < len(id_token) <= _LONGEST_ID_TOKEN else None,
    )


def _error_word(document: Mapping[str, Any]) -> object:
    """The error of an answer: RFC 6749's member, or what some vendors have in its place."""
    error = document.get("error")
    if isinstance(error, Mapping):
        return str(error.get("code"))  # Facebook: { "error": { "code": 100, … } }
    return document.get("message") if error is None else error  # Twitch: { "status": 400, "message": … }


def _expires_at(document: Mapping[str, Any], default_seconds: int) -> int:
    """Epoch milliseconds: by `expires_in`, else `expires_at` (epoch seconds), else the default (contract 03 §4)."""
    now = clock.now_millis()
    seconds = _seconds(document.get("expires_in"))
    if seconds is None:
        at = _seconds(document.get("expires_at"))
        seconds = default_seconds if at is None else at - now / 1000
    return now + round(min(max(seconds, 0), _LONGEST_SECONDS) * 1000)


def _seconds(value: object) -> float | None:
    """A number, or its digits in a string as some vendors write it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
