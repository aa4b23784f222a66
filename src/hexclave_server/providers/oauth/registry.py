"""All providers there are, by type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.providers.oauth import (
    apple,
    bitbucket,
    discord,
    facebook,
    github,
    gitlab,
    google,
    linkedin,
    microsoft,
    mock,
    spotify,
    twitch,
    x,
)
from hexclave_server.providers.oauth.code_flow import CodeFlowProvider
from hexclave_server.providers.oauth.oidc import OpenIdProvider
from hexclave_server.providers.oauth.provider import Credentials, Provider, ProviderFailed
from hexclave_server.providers.oauth.vendor import Vendor

GENERIC: Final = "oidc"

_ALIKE: Final[Mapping[str, Vendor]] = {
    vendor.type: vendor
    for vendor in (
        google.VENDOR,
        github.VENDOR,
        spotify.VENDOR,
        discord.VENDOR,
        gitlab.VENDOR,
        bitbucket.VENDOR,
        linkedin.VENDOR,
        apple.VENDOR,
        x.VENDOR,
    )
}
_BY_CREDENTIALS: Final[Mapping[str, Callable[[Credentials], Vendor]]] = {
    "microsoft": microsoft.describe,
    "facebook": facebook.describe,
    "twitch": twitch.describe,
    "mock": mock.describe,
}

KNOWN_TYPES: Final = frozenset((*_ALIKE, *_BY_CREDENTIALS, GENERIC)) - {"mock"}
"""The types that a project may configure (contract 03 §1.2)."""
SHARED_TYPES: Final = frozenset(("google", "github", "microsoft", "spotify"))
"""The types that dashboards offer with keys of the operator."""


def make_provider(credentials: Credentials, client: OutgoingClient) -> Provider:
    """The provider that the credentials are for. Raises ProviderFailed for a type that nobody knows."""
    if credentials.type == GENERIC:
        return OpenIdProvider(credentials, client)
    vendor = _ALIKE.get(credentials.type)
    if vendor is None:
        describe = _BY_CREDENTIALS.get(credentials.type)
        if describe is None:
            raise ProviderFailed("a type of provider that is not known")
        vendor = describe(credentials)
    return CodeFlowProvider(vendor, credentials, client)
