"""Which URLs a project's users may be sent to (contract 03 §9): a pure decision, the guard against open redirects and stolen codes.

The URL is parsed as browsers parse it, since a browser follows it; spellings that other parsers read differently (user names,
backslashes, white space, encoded hosts, missing slashes) are refused outright. Patterns are matched in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ada_url

NATIVE_APP_SCHEME = "stack-auth-mobile-oauth-url"

_DEFAULT_PORTS = {"http": "80", "https": "443"}
# A URL of one of these runs or embeds its own text: never a place to be sent to, whatever the project lists or localhost allows.
_SCRIPT_SCHEMES = frozenset(("javascript", "data", "vbscript", "blob", "about", "view-source", "filesystem"))
# White space, controls, and format characters that hide or turn text, of all scripts: a link in an email must not be read as lines of text.
_UNSAFE_ANYWHERE = re.compile(
    r"[\x00-\x20\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?[^?#]*")
_WILDCARD_BASE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)")
_LOOPBACK = re.compile(r"127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_LONGEST_HOST = 300


class _Target:
    """Scheme, host name and explicit port (`""` where the scheme has no default) of a URL."""

    __slots__ = ("host", "port", "scheme")

    def __init__(self, scheme: str, host: str, port: str) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port or _DEFAULT_PORTS.get(scheme, "")


def is_trusted(url: str, config: Mapping[str, Any], *, native_apps: bool = False) -> bool:
    """Whether the project's rendered configuration trusts this redirect target.

    `native_apps`: URLs of the scheme `stack-auth-mobile-oauth-url:` are accepted too (only the OAuth endpoints do, contract 04 §15).
    """
    target = _parse(url)
    if target is None:
        return False
    if native_apps and target.scheme == NATIVE_APP_SCHEME:
        return True
    domains = config["domains"]
    if domains["allowLocalhost"] and is_local_host(target.host):
        return True
    return any(_matches(target, entry["baseUrl"]) for entry in domains["trustedDomains"].values() if "baseUrl" in entry)


def is_local_host(host: str) -> bool:
    """Whether a parsed host name is `localhost`, below it, or `127.x.y.z`."""
    return host == "localhost" or host.endswith(".localhost") or _LOOPBACK.fullmatch(host) is not None


def _parse(url: str) -> _Target | None:
    parts = _PARTS.match(url)
    if parts is None or _UNSAFE_ANYWHERE.search(url) or "\\" in parts[0]:
        return None
    scheme, authority = parts[1].lower(), parts[2]
    if scheme in _SCRIPT_SCHEMES or (authority is not None and re.search("[@%]", authority)):
        return None
    if scheme in _DEFAULT_PORTS and not authority:
        return None
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        return None
    if len(parsed.hostname) > _LONGEST_HOST:
        return None
    return _Target(scheme, parsed.hostname, parsed.port)


def _matches(target: _Target, base_url: str) -> bool:
    if "*" in base_url:
        return _matches_wildcard(target, base_url)
    base = _parse(base_url)
    return base is not None and (base.scheme, base.host, base.port) == (target.scheme, target.host, target.port)


def _matches_wildcard(target: _Target, base_url: str) -> bool:
    base = _WILDCARD_BASE.match(base_url)
    if base is None or base[1].lower() != target.scheme or len(base[2]) > _LONGEST_HOST:
        return False
    pattern = _ascii_host(base[2])
    if pattern is None:
        return False
    if ":" in pattern:
        return _fits(pattern, f"{target.host}:{target.port}")
    return target.port == _DEFAULT_PORTS.get(target.scheme, "") and _fits(pattern, target.host)


def _ascii_host(pattern: str) -> str | None:
    """The host pattern as parsed hosts look: lower case, labels in Punycode. None: no host can match.

    A label that mixes other scripts with wildcards has no Punycode form: encoding the `*` would match labels of quite another meaning.
    """
    labels = pattern.lower().split(".")
    encoded = [label if label.isascii() else "" if "*" in label else ada_url.idna_to_ascii(label).decode() for label in labels]
    return None if any(label and not ascii_label for label, ascii_label in zip(labels, encoded, strict=True)) else ".".join(encoded)


def _fits(pattern: str, text: str) -> bool:
    """Full match, `*` = any characters but dots, `**` = any characters. Time is pattern times text: nothing backtracks."""
    reachable = {0}
    for part in re.findall(r"\*\*|\*|[^*]", pattern):
        if part in ("*", "**"):
            reachable = _stretch(reachable, text, stop="" if part == "**" else ".")
        else:
            reachable = {place + 1 for place in reachable if place < len(text) and text[place] == part}
        if not reachable:
            return False
    return len(text) in reachable


def _stretch(starts: set[int], text: str, stop: str) -> set[int]:
    """All places reachable from these by skipping characters other than `stop`."""
    reachable: set[int] = set()
    inside = False
    for place in range(len(text) + 1):
        if place in starts:
            inside = True
        elif inside and place > 0 and text[place - 1] == stop:
            inside = False
        if inside:
            reachable.add(place)
    return reachable
