"""Whose word is taken for a client's address: only that of configured proxies, by default of nobody (QUALITY A5, A4)."""

import ipaddress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.core.client_address import EndUser, TrustedProxies, address_prefix, canonical_address, client_address, find_end_user

PEER = "198.51.100.9"
PROXY = "10.0.0.5"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Chrome/120 Safari/537.36"
FORGED = {
    "x-forwarded-for": "6.6.6.6",
    "forwarded": "for=6.6.6.6",
    "x-real-ip": "6.6.6.6",
    "cf-connecting-ip": "6.6.6.6",
    "true-client-ip": "6.6.6.6",
    "x-client-ip": "6.6.6.6",
    "x-vercel-forwarded-for": "6.6.6.6",
    "cf-ipcountry": "KP",
    "x-vercel-ip-country": "KP",
    "x-vercel-ip-city": "Pjöngjang",
}


def seen(setting: str, peer: str | None, headers: dict[str, str]) -> str:
    """The address counted under a setting."""
    return client_address(peer, lambda name: headers.get(name.decode()), TrustedProxies.parse(setting)).address


def person(setting: str, peer: str | None, headers: dict[str, str], agent: str = BROWSER) -> dict[str, object] | None:
    """The end user under a setting, as on the wire."""
    proxies = TrustedProxies.parse(setting)
    all_headers = {"user-agent": agent, **headers}

    def header(name: bytes) -> str | None:
        return all_headers.get(name.decode())

    found = find_end_user(client_address(peer, header, proxies), header, proxies)
    return None if found is None else msgspec.to_builtins(found)


def test_by_default_no_header_is_believed() -> None:
    assert seen("", PEER, FORGED) == PEER
    assert person("", PEER, FORGED) == {"ip": PEER}


@pytest.mark.parametrize(
    ("setting", "forwarded", "expected"),
    [
        ("1", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("1", "203.0.113.7", "203.0.113.7"),
        ("1", None, PEER),
        ("1", "6.6.6.6, not an address", PEER),
        ("1", "6.6.6.6,", PEER),
        ("2", "6.6.6.6, 203.0.113.7, 10.0.0.5", "203.0.113.7"),
        ("2", "203.0.113.7, 10.0.0.5", "203.0.113.7"),
        ("2", "10.0.0.5", PEER),
        ("2", "", PEER),
        ("1", "6.6.6.6, 203.0.113.7:4711", "203.0.113.7"),
        ("1", "[2001:DB8::7]:4711", "2001:db8::7"),
        ("1", "::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_hops_believe_only_the_entry_that_the_outermost_proxy_wrote(setting: str, forwarded: str | None, expected: str) -> None:
    headers = (
        {**FORGED, "x-forwarded-for": forwarded} if forwarded is not None else {k: v for k, v in FORGED.items() if k != "x-forwarded-for"}
    )
    assert seen(setting, PEER, headers) == expected
    assert person(setting, PEER, headers) == {"ip": expected}  # no location


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-forwarded-for": "6.6.6.6, 203.0.113.7"}, "203.0.113.7"),
        ({"x-forwarded-for": "6.6.6.6, 203.0.113.7, 10.9.9.9, 10.0.0.6"}, "203.0.113.7"),
        ({"x-forwarded-for": "10.1.1.1, 10.2.2.2"}, "10.1.1.1"),
        ({"x-forwarded-for": "203.0.113.7, unknown, 10.2.2.2"}, PROXY),
        ({"x-forwarded-for": "6.6.6.6", "x-real-ip": "203.0.113.7"}, "203.0.113.7"),
        ({"x-real-ip": "6.6.6.6", "cf-connecting-ip": "203.0.113.7"}, "203.0.113.7"),
        ({"x-real-ip": "6.6.6.6", "x-vercel-forwarded-for": "203.0.113.7"}, "203.0.113.7"),
        ({"cf-connecting-ip": "203.0.113.7, 6.6.6.6"}, PROXY),
        ({"cf-connecting-ip": "garbage", "x-real-ip": "6.6.6.6"}, PROXY),
        ({"forwarded": "for=6.6.6.6"}, PROXY),
        ({}, PROXY),
    ],
)
def test_behind_named_proxies(headers: dict[str, str], expected: str) -> None:
    assert seen("10.0.0.0/8", PROXY, headers) == expected
    assert seen("10.0.0.0/8", "::ffff:10.0.0.5", headers) == expected
    assert seen("10.0.0.0/8", PEER, headers) == PEER  # the same headers from a stranger


def test_location_is_believed_from_named_proxies_only() -> None:
    headers = {
        "x-real-ip": "203.0.113.7",
        "x-vercel-ip-country": " br ",
        "cf-ipcountry": "KP",
        "x-vercel-ip-country-region": "SP",
        "x-vercel-ip-city": "S%C3%A3o%20Paulo",
        "x-vercel-ip-latitude": "-23.55",
        "x-vercel-ip-longitude": "-46.63",
        "x-vercel-ip-timezone": "America/Sao_Paulo",
    }
    assert person("10.0.0.0/8", PROXY, headers) == {
        "ip": "203.0.113.7",
        "countryCode": "BR",
        "regionCode": "SP",
        "cityName": "São Paulo",
        "latitude": -23.55,
        "longitude": -46.63,
        "tzIdentifier": "America/Sao_Paulo",
    }
    assert person("10.0.0.0/8", PEER, headers) == {"ip": PEER}
    del headers["x-real-ip"]
    assert person("10.0.0.0/8", PROXY, headers) == {"ip": PROXY}
    assert person("10.0.0.0/8", PROXY, {"x-real-ip": "203.0.113.7", "cf-ipcountry": "de"}) == {"ip": "203.0.113.7", "countryCode": "DE"}


def test_absurd_locations_are_dropped() -> None:
    headers = {
        "x-real-ip": "203.0.113.7",
        "x-vercel-ip-country": "x" * 101,
        "x-vercel-ip-city": "%00evil",
        "x-vercel-ip-latitude": "nan",
        "x-vercel-ip-longitude": "181",
    }
    assert person("10.0.0.0/8", PROXY, headers) == {"ip": "203.0.113.7"}


def test_presets_believe_their_own_row_only() -> None:
    headers = {**FORGED, "cf-connecting-ip": "203.0.113.7", "cf-ipcountry": "DE"}
    assert person("cloudflare", PEER, headers) == {"ip": "203.0.113.7", "countryCode": "DE"}
    assert person(
        "vercel", PEER, {**FORGED, "x-vercel-forwarded-for": "203.0.113.7", "x-vercel-ip-country": "DE", "x-vercel-ip-city": "Ulm"}
    ) == {
        "ip": "203.0.113.7",
        "countryCode": "DE",
        "cityName": "Ulm",
    }
    assert person("cloudrun", PEER, {**FORGED, "x-forwarded-for": "6.6.6.6, 203.0.113.7, 10.0.0.1"}) == {"ip": "203.0.113.7"}
    for preset, own in (("cloudflare", "cf-connecting-ip"), ("vercel", "x-vercel-forwarded-for"), ("cloudrun", "x-forwarded-for")):
        assert person(preset, PEER, {name: value for name, value in FORGED.items() if name != own}) == {"ip": PEER}


def test_presets_can_be_tied_to_addresses() -> None:
    setting = "cloudflare, 173.245.48.0/20, 2400:cb00::/32"
    headers = {"cf-connecting-ip": "203.0.113.7", "cf-ipcountry": "DE"}
    assert person(setting, "173.245.48.1", headers) == {"ip": "203.0.113.7", "countryCode": "DE"}
    assert person(setting, "2400:cb00::1", headers) == {"ip": "203.0.113.7", "countryCode": "DE"}
    assert person(setting, PEER, headers) == {"ip": PEER}


@pytest.mark.parametrize("agent", ["", "curl/8.0", "python-httpx/0.28"])
def test_only_browsers_have_an_end_user_but_every_client_an_address(agent: str) -> None:
    assert person("", PEER, {}, agent) is None
    assert seen("", PEER, {"user-agent": agent}) == PEER


@pytest.mark.parametrize("peer", [None, "", "testclient", "/run/socket"])
def test_without_an_address_all_are_one(peer: str | None) -> None:
    assert seen("", peer, FORGED) == "unknown"
    assert address_prefix("unknown") == "unknown"
    assert person("", peer, FORGED) is None


@pytest.mark.parametrize(
    "setting",
    ["17", "-1", "1.5", "1, 10.0.0.1", "10.0.0.0/33", "proxy.local", "cloudflare, x", "vercel cloudrun", "10.0.0.1, cloudflare"],
)
def test_mistakes_in_the_setting_say_what_is_accepted(setting: str) -> None:
    with pytest.raises(ValueError, match="accepted is a number of hops"):
        TrustedProxies.parse(setting)


@pytest.mark.parametrize(
    "spelling",
    [
        "2001:db8::1",
        "2001:DB8::1",
        "2001:0db8:0000:0000:0000:0000:0000:0001",
        "2001:db8:0:0::1",
        "2001:db8::0.0.0.1",
        "2001:db8::1%eth0",
        " 2001:db8::1 ",
    ],
)
def test_spellings_of_one_address_are_one(spelling: str) -> None:
    assert canonical_address(spelling) == "2001:db8::1"
    assert address_prefix(spelling) == "2001:db8::/64"


def test_prefixes() -> None:
    assert address_prefix("203.0.113.7") == address_prefix("::ffff:203.0.113.7") == address_prefix("::FFFF:CB00:7107") == "203.0.113.7"
    assert address_prefix("2001:db8::ffff:1") == address_prefix("2001:db8:0:0:ffff::")
    assert address_prefix("2001:db8:0:1::") != address_prefix("2001:db8::")
    assert canonical_address("010.0.0.1") is None
    assert canonical_address("1.2.3") is None


@given(st.ip_addresses())
def test_the_canonical_form_is_the_same_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    canonical = canonical_address(str(address))
    assert canonical is not None
    assert canonical_address(canonical) == canonical
    assert ipaddress.ip_address(canonical) == (getattr(address, "ipv4_mapped", None) or address)
    assert address_prefix(str(address)) == address_prefix(canonical)


@given(st.sampled_from(["", "1", "2", "10.0.0.0/8", "cloudflare", "vercel", "cloudrun"]), st.sampled_from(sorted(FORGED)), st.text())
def test_no_header_makes_an_error_or_anything_but_an_address(setting: str, name: str, value: str) -> None:
    address = seen(setting, PROXY, {name: value})
    assert address == canonical_address(address)
    person(setting, PROXY, {**FORGED, name: value})


def test_the_wire_form_is_kept_as_json() -> None:
    assert msgspec.json.encode(EndUser("203.0.113.7", country_code="DE")) == b'{"ip":"203.0.113.7","countryCode":"DE"}'
