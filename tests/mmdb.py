"""Writes small files in MaxMind's format (MaxMind DB file format 2.0): enough of it to say where a few networks are."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

_BERLIN = {
    "city": {"names": {"de": "Berlin (deutsch)", "en": "Berlin"}},
    "country": {"iso_code": "DE"},
    "location": {"latitude": 52.52, "longitude": 13.405, "time_zone": "Europe/Berlin"},
    "subdivisions": [{"iso_code": "BE"}, {"iso_code": "XX"}],
}
CITIES: dict[str, Any] = {
    "81.2.69.0/24": _BERLIN,
    "2a02:8100::/32": {"country": {"iso_code": "se"}},
    "10.0.0.0/8": {"country": {"iso_code": "US"}},
    "127.0.0.0/8": {"country": {"iso_code": "US"}},
    "91.198.174.0/24": {"country": {"iso_code": 7}, "city": ["x"], "location": {"latitude": 1000.0, "longitude": "x", "time_zone": "\n"}},
    "91.198.175.0/24": {"country": "NL", "subdivisions": [], "location": "there"},
    "91.198.176.0/24": "a text",
}
BERLIN = {
    "countryCode": "DE",
    "regionCode": "BE",
    "cityName": "Berlin",
    "latitude": 52.52,
    "longitude": 13.405,
    "tzIdentifier": "Europe/Berlin",
}
"""What the wire says of the first network."""

_NOTHING = -1


def write_mmdb(path: Path, networks: dict[str, Any] = CITIES, database_type: str = "Test-City") -> Path:
    """A file in which each of the networks, none inside another, has its record; the path."""
    nodes: list[list[Any]] = [[_NOTHING, _NOTHING]]
    data = b""
    for text, record in networks.items():
        network = ipaddress.ip_network(text)
        bits = f"{int(network.network_address):0128b}"  # an IPv4 network lies in ::/96
        length = network.prefixlen + (0 if network.version == 6 else 96)
        node = 0
        for bit in bits[: length - 1]:
            if nodes[node][int(bit)] == _NOTHING:
                nodes.append([_NOTHING, _NOTHING])
                nodes[node][int(bit)] = len(nodes) - 1
            node = nodes[node][int(bit)]
        nodes[node][int(bits[length - 1])] = (len(data),)
        data += _encoded(record)
    tree = b"".join(struct.pack(">I", _record(value, len(nodes))) for node in nodes for value in node)
    metadata = {
        "binary_format_major_version": _UInt(5, 2),
        "binary_format_minor_version": _UInt(5, 0),
        "build_epoch": _UInt(9, 1_700_000_000),
        "database_type": database_type,
        "description": {"en": "for tests"},
        "ip_version": _UInt(5, 6),
        "languages": ["en"],
        "node_count": _UInt(6, len(nodes)),
        "record_size": _UInt(5, 32),
    }
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _encoded(metadata))
    return path


class _UInt:
    """An unsigned integer of a type of the format: 5 has 16 bits, 6 has 32, 9 has 64."""

    def __init__(self, kind: int, value: int) -> None:
        self.kind = kind
        self.value = value


def _record(value: Any, node_count: int) -> int:
    if value == _NOTHING:
        return node_count
    return node_count + 16 + value[0] if isinstance(value, tuple) else value


def _encoded(value: Any) -> bytes:
    if isinstance(value, str):
        return _head(2, len(value.encode())) + value.encode()
    if isinstance(value, float):
        return _head(3, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        value = _UInt(6, value)
    if isinstance(value, _UInt):
        digits = value.value.to_bytes(8, "big").lstrip(b"\0")
        return _head(value.kind, len(digits)) + digits
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(_encoded(key) + _encoded(item) for key, item in value.items())
    return _head(11, len(value)) + b"".join(map(_encoded, value))


def _head(kind: int, size: int) -> bytes:
    """The control bytes of a value; kinds above 7 stand in a second one, sizes from 29 in one more."""
    shown = min(size, 29)
    first = bytes([kind << 5 | shown]) if kind <= 7 else bytes([shown, kind - 7])
    return first + (bytes([size - 29]) if size >= 29 else b"")
