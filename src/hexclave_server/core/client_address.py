"""The one address a request comes from, and where the person behind it is: whose word is taken for it (contract 00 §1.2).

Headers are believed only when the operator named who sets them (`HEXCLAVE_TRUSTED_PROXIES`); by default nobody is. A doubtful header
never makes an error: the socket's address then counts, and there is no location. Every spelling of an address has one canonical form.
"""

import enum
import functools
import ipaddress
import math
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

import msgspec
from msgspec import UNSET, UnsetType

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HeaderOf = Callable[[bytes], str | None]
"""Gives a header by lower-case name, None when absent; several lines of one name joined by commas."""
Locate = Callable[[str], "EndUser | None"]
"""Gives a canonical address with its place, None where that is not known."""

UNKNOWN_ADDRESS: Final = "unknown"
ACCEPTED: Final = (
    "a number of hops (0 to 16), addresses and CIDRs (comma separated), or cloudflare, vercel or cloudrun (addresses may follow)"
)
_MAX_HOPS: Final = 16
_MAX_ADDRESS_TEXT: Final = 64  # what is remembered comes from strangers
_MAX_LOCATION_TEXT: Final = 100
_BROWSERS: Final = ("Mozilla", "Chrome", "Safari")


class Preset(enum.StrEnum):
    """Platforms whose headers are known."""

    CLOUDFLARE = "cloudflare"
    VERCEL = "vercel"
    CLOUDRUN = "cloudrun"


_PRESETS: Final = {preset.value: preset for preset in Preset}


class EndUser(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Address and location of a person, as sessions keep and show it (contract 01 §5: camelCase, absent = unknown)."""

    ip: str
    country_code: str | UnsetType = UNSET
    region_code: str | UnsetType = UNSET
    city_name: str | UnsetType = UNSET
    latitude: float | UnsetType = UNSET
    longitude: float | UnsetType = UNSET
    tz_identifier: str | UnsetType = UNSET


class TrustedProxies(msgspec.Struct, frozen=True):
    """Whose forwarding headers are believed: `hops` from any peer, or those of `networks`, or a preset's (from `networks` if any)."""

    hops: int = 0
    preset: Preset | None = None
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "TrustedProxies":
        """The meaning of the setting; raises ValueError that says what is accepted."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        if not words or words == ["none"]:
            return cls()
        if len(words) == 1 and words[0].isascii() and words[0].isdigit():
            if int(words[0]) > _MAX_HOPS:
                raise ValueError(f"accepted is {ACCEPTED}")
            return cls(hops=int(words[0]))
        preset = _PRESETS.get(words[0].lower())
        try:
            return cls(preset=preset, networks=tuple(ipaddress.ip_network(word, strict=False) for word in words[preset is not None :]))
        except ValueError as defect:
            raise ValueError(f"{defect}; accepted is {ACCEPTED}") from None

    def contains(self, address: str) -> bool:
        """Whether a canonical address lies in one of the named networks."""
        return bool(self.networks) and _in_networks(address, self.networks)


class ClientAddress(msgspec.Struct, frozen=True):
    """Where a request comes from: `address` canonical (for limits, throttles, audit, rules); `located` when its geo headers are believed."""

    address: str
    located: bool = False


NO_PROXIES: Final = TrustedProxies()


def canonical_address(text: str) -> str | None:
    """The one spelling of an IP address: IPv4-mapped IPv6 as IPv4, no zone, compressed lower case; None when it is no address."""
    return _canonical(text) if len(text) <= _MAX_ADDRESS_TEXT else None


@functools.lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


@functools.lru_cache(maxsize=4096)
def address_prefix(address: str) -> str:
    """What limits count by: an IPv4 address as it is, the /64 of an IPv6 address (one customer has all of it). Any spelling will do."""
    canonical = canonical_address(address)
    if canonical is None:
        return UNKNOWN_ADDRESS
    return canonical if ":" not in canonical else str(ipaddress.IPv6Network((canonical, 64), strict=False))


def client_address(peer: str | None, header: HeaderOf, proxies: TrustedProxies = NO_PROXIES) -> ClientAddress:
    """The address of the client behind the socket's `peer` (None when it has none), believing `proxies` and nobody else."""
    socket = canonical_address(peer) if peer else None
    if proxies.hops:
        claimed = _from_right(header, proxies.hops)
        return ClientAddress(claimed or socket or UNKNOWN_ADDRESS)
    if socket is not None and proxies.contains(socket):
        claimed = _preset_address(header, proxies.preset) if proxies.preset else _behind_networks(header, proxies)
    elif proxies.preset is not None and not proxies.networks:
        claimed = _preset_address(header, proxies.preset)
    else:
        claimed = None
    if claimed is None:
        return ClientAddress(socket or UNKNOWN_ADDRESS)
    return ClientAddress(claimed, located=proxies.preset is not Preset.CLOUDRUN)


def find_end_user(
    client: ClientAddress, header: HeaderOf, proxies: TrustedProxies = NO_PROXIES, locate: Locate | None = None
) -> EndUser | None:
    """The person behind the request: None unless the user agent is a browser's and the address is known.

    The place is what believed headers say; only where they say nothing, what `locate` finds.
    """
    agent = header(b"user-agent") or ""
    if client.address == UNKNOWN_ADDRESS or not any(name in agent for name in _BROWSERS):
        return None
    nowhere = EndUser(client.address)
    told = _told_by_proxy(client, header, proxies) if client.located else nowhere
    return told if told != nowhere or locate is None else locate(client.address) or nowhere


def _told_by_proxy(client: ClientAddress, header: HeaderOf, proxies: TrustedProxies) -> EndUser:
    if proxies.preset is Preset.CLOUDFLARE:
        return EndUser(client.address, country_code=_country(header(b"cf-ipcountry")))
    country = header(b"x-vercel-ip-country")
    if country is None and proxies.preset is None:
        country = header(b"cf-ipcountry")
    return EndUser(
        client.address,
        country_code=_country(country),
        region_code=_text(header(b"x-vercel-ip-country-region")),
        city_name=_text(unquote(header(b"x-vercel-ip-city") or "")),
        latitude=_degrees(header(b"x-vercel-ip-latitude"), 90),
        longitude=_degrees(header(b"x-vercel-ip-longitude"), 180),
        tz_identifier=_text(header(b"x-vercel-ip-timezone")),
    )


def _preset_address(header: HeaderOf, preset: Preset) -> str | None:
    if preset is Preset.CLOUDRUN:
        return _from_right(header, 2)
    value = header(b"cf-connecting-ip" if preset is Preset.CLOUDFLARE else b"x-vercel-forwarded-for")
    return None if value is None else canonical_address(value)


def _behind_networks(header: HeaderOf, proxies: TrustedProxies) -> str | None:
    for name in (b"cf-connecting-ip", b"x-vercel-forwarded-for", b"x-real-ip"):
        value = header(name)
        if value is not None:
            return canonical_address(value)
    nearest = None
    for entry in reversed(_forwarded_for(header)):
        address = _entry_address(entry)
        if address is None:
            return None  # written by nobody we know: what stands left of it is worth nothing
        nearest = address
        if not proxies.contains(address):
            break
    return nearest


def _from_right(header: HeaderOf, position: int) -> str | None:
    entries = _forwarded_for(header)
    return _entry_address(entries[-position]) if len(entries) >= position else None


def _forwarded_for(header: HeaderOf) -> list[str]:
    value = header(b"x-forwarded-for")
    return [] if value is None else value.split(",")


def _entry_address(entry: str) -> str | None:
    """An address as it stands in `x-forwarded-for`; some proxies add the port (`1.2.3.4:567`, `[::1]:567`)."""
    text = entry.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return canonical_address(text)


@functools.lru_cache(maxsize=4096)
def _in_networks(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == network.version and parsed in network for network in networks)


def _country(value: str | None) -> str | UnsetType:
    text = _text(value)
    return text.upper() if isinstance(text, str) else UNSET


def _text(value: str | None) -> str | UnsetType:
    text = (value or "").strip()
    return text if text and len(text) <= _MAX_LOCATION_TEXT and text.isprintable() else UNSET


def _degrees(value: str | None, most: int) -> float | UnsetType:
    try:
        degrees = float(value or "")
    except ValueError:
        return UNSET
    return degrees if math.isfinite(degrees) and abs(degrees) <= most else UNSET
