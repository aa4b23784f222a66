"""Where addresses are, by a MaxMind-format file of countries or cities (`HEXCLAVE_GEOIP_DATABASE`, contract 15 §2).

Mapped into memory once, before the workers are forked, so that all share it; a newer file counts from the next start. What such a file says
is somebody's guess: a strange record, a damaged one and an address that is not public are no error, there is just no location.
"""

from __future__ import annotations

import ipaddress
import math
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, UnsetType

from hexclave_server.core.client_address import EndUser

if TYPE_CHECKING:
    from pathlib import Path

    from maxminddb import Reader

_KINDS: Final = ("country", "city", "enterprise", "insights", "location")
_MAX_TEXT: Final = 100
_COUNTRY_LENGTH: Final = 2


class LocationsUnusable(ValueError):
    """There is no file of countries or cities at the path, or it is damaged."""


class Locations:
    """Finds the place of an address in an open file; without a file, of none."""

    def __init__(self, reader: Reader | None = None) -> None:
        self._reader = reader

    def locate(self, address: str) -> EndUser | None:
        """The canonical address with what is known of its place; None where nothing is."""
        record = self._record(address)
        if not isinstance(record, dict):
            return None
        location = _member(record, "location")
        subdivisions = record.get("subdivisions")
        region = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
        found = EndUser(
            address,
            country_code=_country(_member(_member(record, "country"), "iso_code")),
            region_code=_text(_member(region, "iso_code")),
            city_name=_text(_member(_member(_member(record, "city"), "names"), "en")),
            latitude=_degrees(_member(location, "latitude"), 90),
            longitude=_degrees(_member(location, "longitude"), 180),
            tz_identifier=_text(_member(location, "time_zone")),
        )
        return None if found == EndUser(address) else found

    def _record(self, address: str) -> object:
        if self._reader is None:
            return None
        try:
            return self._reader.get(address) if ipaddress.ip_address(address).is_global else None
        except (ValueError, RuntimeError):  # no address, one of a family the file does not have; a damaged record
            return None


def open_locations(path: Path | None) -> Locations:
    """Maps the file into memory; None finds nothing. Raises LocationsUnusable."""
    if path is None:
        return Locations()
    from maxminddb import InvalidDatabaseError, open_database  # noqa: PLC0415 - 50 ms that only those who use it pay

    try:
        reader = open_database(path)
    except (OSError, ValueError, InvalidDatabaseError) as error:
        raise LocationsUnusable(str(error)) from error
    kind = reader.metadata().database_type.lower()
    if not any(known in kind for known in _KINDS):
        raise LocationsUnusable(kind)
    return Locations(reader)


def require_locations(path: Path) -> Path:
    """The path, if a file of locations is there. Raises LocationsUnusable."""
    open_locations(path)
    return path


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: object) -> str | UnsetType:
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_TEXT and value.isprintable() else UNSET


def _country(value: object) -> str | UnsetType:
    return value.upper() if isinstance(value, str) and len(value) == _COUNTRY_LENGTH and value.isascii() and value.isalpha() else UNSET


def _degrees(value: object, most: int) -> float | UnsetType:
    return value if isinstance(value, float) and math.isfinite(value) and abs(value) <= most else UNSET
