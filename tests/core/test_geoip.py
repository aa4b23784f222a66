"""Places from a file, whatever the file says (contract 15 §2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hexclave_server.core.client_address import ClientAddress, EndUser, TrustedProxies, find_end_user
from hexclave_server.core.geoip import Locations, LocationsUnusable, open_locations
from tests.mmdb import BERLIN, CITIES, write_mmdb


@pytest.fixture(scope="module")
def locations(tmp_path_factory: pytest.TempPathFactory) -> Locations:
    return open_locations(write_mmdb(tmp_path_factory.mktemp("geoip") / "cities.mmdb"))


def wire(found: EndUser | None) -> Any:
    return None if found is None else msgspec.to_builtins(found)


def test_an_address_has_all_that_the_file_knows(locations: Locations) -> None:
    assert wire(locations.locate("81.2.69.160")) == {"ip": "81.2.69.160", **BERLIN}
    assert wire(locations.locate("2a02:8100::1")) == {"ip": "2a02:8100::1", "countryCode": "SE"}


@pytest.mark.parametrize("address", ["81.2.70.1", "10.1.2.3", "127.0.0.1", "192.168.1.1", "::1", "fe80::1", "fc00::1", "2a03::1"])
def test_addresses_that_are_not_in_it_or_not_public_have_no_place(locations: Locations, address: str) -> None:
    assert locations.locate(address) is None


@pytest.mark.parametrize("address", ["", "unknown", "81.2.69", "81.2.69.160:80", "x" * 1000, "81.2.69.160\0", "::ffff:81.2.69.160%1"])
def test_what_is_no_address_has_no_place(locations: Locations, address: str) -> None:
    assert locations.locate(address) is None


@pytest.mark.parametrize("address", ["91.198.174.1", "91.198.175.1", "91.198.176.1"])
def test_strange_records_say_nothing(locations: Locations, address: str) -> None:
    assert locations.locate(address) is None


def test_without_a_file_there_is_no_place() -> None:
    assert open_locations(None).locate("81.2.69.160") is None


def test_a_file_of_countries_knows_countries(tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "countries.mmdb", {"81.2.69.0/24": {"country": {"iso_code": "DE"}}}, "DBIP-Country-Lite")
    assert wire(open_locations(path).locate("81.2.69.160")) == {"ip": "81.2.69.160", "countryCode": "DE"}


def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    whole = write_mmdb(tmp_path / "whole.mmdb").read_bytes()
    for number, content in enumerate((b"", b"x", b"\0" * 4096, whole[:-40], whole[:100])):
        path = tmp_path / f"{number}.mmdb"
        path.write_bytes(content)
        with pytest.raises(LocationsUnusable):
            open_locations(path)
    for path in (tmp_path / "missing.mmdb", tmp_path, write_mmdb(tmp_path / "asn.mmdb", {}, "GeoLite2-ASN")):
        with pytest.raises(LocationsUnusable):
            open_locations(path)


def test_a_damaged_record_is_no_error(tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "damaged.mmdb", CITIES)
    content = path.read_bytes()
    where = content.index(b"iso_code")
    for damage in (b"\xff" * 40, b"\x00" * 40, b"\x20\x00" * 20):
        path = tmp_path / f"damaged-{damage[:1].hex()}.mmdb"
        path.write_bytes(content[: where - 20] + damage + content[where + 20 :])
        open_locations(path).locate("81.2.69.160")


def told(headers: dict[bytes, str], locations: Locations, proxies: TrustedProxies, *, located: bool) -> Any:
    client = ClientAddress("81.2.69.160", located=located)
    return wire(find_end_user(client, {b"user-agent": "Mozilla/5.0", **headers}.get, proxies, locations.locate))


def test_a_proxy_that_is_believed_knows_better(locations: Locations) -> None:
    proxies = TrustedProxies.parse("127.0.0.1")
    french = {b"x-vercel-ip-country": "fr"}
    assert told(french, locations, proxies, located=True) == {"ip": "81.2.69.160", "countryCode": "FR"}
    assert told({}, locations, proxies, located=True) == {"ip": "81.2.69.160", **BERLIN}


def test_headers_of_strangers_are_not_believed_over_the_file(locations: Locations) -> None:
    assert told({b"x-vercel-ip-country": "fr"}, locations, TrustedProxies(), located=False) == {"ip": "81.2.69.160", **BERLIN}


def test_only_browsers_are_located(locations: Locations) -> None:
    headers = {b"user-agent": "curl/8"}
    assert find_end_user(ClientAddress("81.2.69.160"), headers.get, TrustedProxies(), locations.locate) is None
