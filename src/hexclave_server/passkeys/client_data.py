"""What a browser says of a ceremony: where it took place, and with which challenge (WebAuthn L3 §5.8.1).

The browser is believed because the authenticator signs over this text. Whether the place is one of the project's is decided here, whether
all the rest holds together in `ceremonies`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import ada_url
import msgspec

from hexclave_server.projects.trusted_urls import is_trusted


class CeremonyFailed(Exception):
    """The response of an authenticator is malformed, or is not for this ceremony. Says why, for developers of tests only."""


class ClientData(msgspec.Struct, rename="camel"):
    """The members that decide; others may be there."""

    origin: str
    cross_origin: bool = False
    top_origin: str | None = None


class Place(msgspec.Struct, frozen=True):
    """The page on which a ceremony took place. `rp_id` is the host of its origin."""

    origin: str
    rp_id: str


def decoded(text: str) -> bytes:
    """The bytes of base64url, with padding or without. Raises CeremonyFailed."""
    stripped = text.rstrip("=")
    try:
        return base64.b64decode(stripped + "=" * (-len(stripped) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise CeremonyFailed("not base64url") from None


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def place_of(client_data_json: bytes, config: Mapping[str, Any]) -> Place:
    """Where the ceremony took place. Raises CeremonyFailed for text that is no client data, and for a place the project does not trust.

    In a frame of another origin the page around it must be trusted as well, lest a stranger's page frames ours (WebAuthn L3 §13.4.9).
    """
    try:
        client_data = msgspec.json.decode(client_data_json, type=ClientData)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CeremonyFailed("no client data") from None
    if client_data.cross_origin and not _is_trusted_origin(client_data.top_origin or "", config):
        raise CeremonyFailed("in a frame of a page that is not trusted")
    if not _is_trusted_origin(client_data.origin, config):
        raise CeremonyFailed("on a page that is not trusted")
    return Place(client_data.origin, ada_url.URL(client_data.origin).hostname)


def _is_trusted_origin(text: str, config: Mapping[str, Any]) -> bool:
    """Whether the text is the origin of a web page as browsers write it, and the project trusts it."""
    try:
        return ada_url.URL(text).origin == text and is_trusted(text, config)
    except ValueError:
        return False
