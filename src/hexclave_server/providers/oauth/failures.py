"""What the failures of providers mean to us (contract 03 §3 step 7), and those of the client that asks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hexclave_server.core.outgoing_answers import OutgoingFailed
from hexclave_server.providers.oauth.provider import AccessDenied, CodeRefused, ProviderFailed, TemporarilyUnavailable

_MEANINGS: Final[Mapping[str, type[ProviderFailed]]] = {
    "invalid_grant": CodeRefused,
    "invalid_client": CodeRefused,
    "unauthorized_scope_error": CodeRefused,
    "access_denied": AccessDenied,
    "consent_required": AccessDenied,
    "server_error": TemporarilyUnavailable,
    "temporarily_unavailable": TemporarilyUnavailable,
    "timeout": TemporarilyUnavailable,
}


def failure_of(error: object, aliases: Mapping[str, str]) -> ProviderFailed:
    """The failure behind an `error` of a provider. `aliases`: what the vendor says in place of RFC 6749's words."""
    word = aliases.get(error, error) if isinstance(error, str) else None
    kind = _MEANINGS.get(word, ProviderFailed) if word is not None else ProviderFailed
    # Only words from our own table are repeated: the rest is a stranger's.
    return kind(f"the provider answers {word}" if word in _MEANINGS else "the provider answers another error")


def unanswered(failure: OutgoingFailed) -> ProviderFailed:
    """The failure of a request that got no usable answer."""
    return (TemporarilyUnavailable if failure.is_transient else ProviderFailed)(failure.reason)
