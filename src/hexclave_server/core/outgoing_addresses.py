"""Which addresses the server may connect to on somebody else's word: public ones, and those that the operator allows (QUALITY D7).

A pure decision on what a name was resolved to. It guards what lies behind the server (metadata services, databases, other tenants' hosts)
from projects that name a URL.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# `is_global` knows the registries of special purposes (RFC 6890); these embed an IPv4 address that decides in their place.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_IPV4_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
# Not public, which older versions of Python do not know (IANA's registries of special purposes).
_NOT_PUBLIC = tuple(ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16", "fec0::/10"))
_LAST_32_BITS = 0xFFFF_FFFF


def may_connect(text: str, allowed: Iterable[Network] = (), *, public: bool = True) -> bool:
    """Whether an address, as a resolver gave it, lies in one of the allowed networks, or is public if those will do."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    address = _embedded(address)
    if _is_in(address, allowed):
        return True
    return public and address.is_global and not address.is_multicast and not _is_in(address, _NOT_PUBLIC)


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only carries it, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    carries = _is_in(address, (_NAT64, _NAT64_LOCAL, _IPV4_TRANSLATED)) or (address in _IPV4_COMPATIBLE and int(address) > 1)
    return ipaddress.IPv4Address(int(address) & _LAST_32_BITS) if carries else address
