"""Where a browser may be sent back to, and the URLs that carry codes and errors there (contract 03 §3, §9).

Works on the text: a parser that writes the URL anew would change other parameters, and applications compare their URLs byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_plus

import ada_url
import msgspec

from hexclave_server.core.errors import KnownError
from hexclave_server.projects.trusted_urls import is_trusted


def may_receive_errors(url: str, config: Mapping[str, Any]) -> bool:
    """Whether the project trusts this target, or it is an application on a device."""
    return is_trusted(url, config, native_apps=True)


def may_receive_codes(url: str, config: Mapping[str, Any]) -> bool:
    """The same, but nothing is trusted in a project that trusts no domain at all, not even an application on a device (§3 step 9)."""
    domains = config["domains"]
    trusts_any = domains["allowLocalhost"] or any("baseUrl" in entry for entry in domains["trustedDomains"].values())
    return bool(trusts_any) and may_receive_errors(url, config)


def without_fragment(url: str) -> str:
    """The URL up to its fragment, otherwise as it is."""
    return url.partition("#")[0]


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these query parameters at the end, in their order; all else stays as it is, byte for byte.

    Parameters of the same names (in any encoding) give way, so that whoever reads the first or the last finds ours.
    """
    before_fragment, hash_sign, fragment = url.partition("#")
    base, _, query = before_fragment.partition("?")
    kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in parameters] if query else []
    added = [f"{name}={quote(value, safe='')}" for name, value in parameters.items()]
    return base + "?" + "&".join([*kept, *added]) + hash_sign + fragment


def with_error(url: str, error: KnownError) -> str:
    """The URL that tells an application of a known error (§3.1)."""
    details = msgspec.json.encode(error.details() or {}).decode()
    return with_parameters(
        url,
        {
            "error": "server_error",
            "error_description": error.message,
            "errorCode": str(error.code),
            "message": error.message,
            "details": details,
        },
    )


def location(url: str) -> bytes:
    """The URL as the value of a `Location` header: what is not ASCII is written as a browser writes it."""
    return (url if url.isascii() else ada_url.URL(url).href).encode("ascii")
