"""Trusted redirect targets (contract 03 §9): the table of examples, and spellings made to confuse parsers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.config.render import render
from hexclave_server.projects.trusted_urls import is_trusted


def trusted(url: str, *bases: str, localhost: bool = False, native: bool = False) -> bool:
    entries = {str(place): {"baseUrl": base} for place, base in enumerate(bases)}
    config = render({"domains": {"allowLocalhost": localhost, "trustedDomains": entries}})
    return is_trusted(url, config, native_apps=native)


@pytest.mark.parametrize(
    ("base", "url", "expected"),
    [
        ("https://trusted.com", "https://trusted.com/any/path?x#y", True),
        ("https://trusted.com/app", "https://trusted.com/elsewhere", True),
        ("https://trusted.com", "https://TRUSTED.com:443", True),
        ("https://trusted.com:443", "https://trusted.com", True),
        ("https://Trusted.com", "HTTPS://trusted.com", True),
        ("http://trusted.com", "http://trusted.com:80/", True),
        ("https://trusted.com", "http://trusted.com", False),
        ("https://trusted.com", "https://trusted.com:444", False),
        ("https://trusted.com", "https://trusted.com.evil.com", False),
        ("https://trusted.com", "https://eviltrusted.com", False),
        ("https://trusted.com", "https://a.trusted.com", False),
        ("https://trusted.com", "https://trusted.com.", False),
        ("https://münich.example", "https://xn--mnich-kva.example/", True),
        ("https://xn--mnich-kva.example", "https://münich.example/", True),
        ("https://*.example.com", "https://api.example.com/x", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://a.b.example.com", False),
        ("https://*.example.com", "https://api.example.com:3000", False),
        ("https://*.example.com", "http://api.example.com", False),
        ("https://*.example.com", "https://api.example.com.evil.com", False),
        ("https://**.example.com", "https://a.b.example.com", True),
        ("https://**.example.com", "https://example.com", False),
        ("https://api-*.example.com", "https://api-v1.example.com", True),
        ("https://api-*.example.com", "https://api-.example.com", True),
        ("https://api-*.example.com", "https://api.example.com", False),
        ("https://*.*.org", "https://mail.example.org", True),
        ("https://*.*.org", "https://example.org", False),
        ("https://*.example.com:8080", "https://a.example.com:8080", True),
        ("https://*.example.com:8080", "https://a.example.com", False),
        ("https://*.example.com:443", "https://a.example.com", True),
        ("http://stack-test.*", "http://stack-test.localhost", True),
        ("http://localhost:*", "http://localhost:3000", True),
        ("http://localhost:*", "http://localhost", True),
        ("http://localhost:*", "http://localhost.evil.com:3000", False),
        ("http://*:*", "http://localhost:1", True),
        ("http://*:*", "http://evil.com:1", False),
        ("http://**:*", "http://evil.com", True),
        ("http://**:*", "https://evil.com", False),
        ("http://*:8103", "http://localhost:8103", True),
        ("http://**host:8103", "http://localhost:8103", True),
        ("https://*.münich.example", "https://a.xn--mnich-kva.example", True),
        ("https://mü*.example", "https://xn--mevil-kva.example", False),
        ("https://*.Example.com/handler", "https://a.example.com/", True),
        ("*", "https://evil.com", False),
        ("*://trusted.com", "https://trusted.com", False),
        ("https://user@*.com", "https://trusted.com", False),
        ("https://*.com", "https://trusted.com.", False),
        ("my.app://callback", "my.app://callback/deep", True),
        ("my.app://callback", "my.app://other", False),
        ("javascript://trusted.com", "javascript://trusted.com/%0aalert(1)", False),
        ("not a url", "https://trusted.com", False),
        ("", "", False),
    ],
)
def test_table(base: str, url: str, expected: bool) -> None:
    assert trusted(url, base) is expected


@pytest.mark.parametrize(
    "url",
    [
        "https://trusted.com@evil.com",
        "https://evil.com@trusted.com",
        "https://user:password@trusted.com/",
        "https://@trusted.com/",
        "https://evil.com\\@trusted.com",
        "https:\\\\trusted.com",
        "https://trusted.com\\.evil.com",
        "https://evil.com#@trusted.com",
        "https://evil.com?@trusted.com",
        "https:trusted.com",
        "https:/trusted.com",
        "https:///trusted.com",
        "//trusted.com",
        "/handler",
        "trusted.com",
        "https://tru\tsted.com",
        "https://trusted.com\n",
        " https://trusted.com",
        "https://trusted.com/a b",
        "ht\ntps://trusted.com",
        "https://trusted.com\0.evil.com",
        "https://trusted%2Ecom",
        "https://trusted.com%00.evil.com",
        "https://trusted.com%2f.evil.com",
        "https://evil.com/https://trusted.com",
        "https://trusted.com:443:80/",
        "https://trusted.com:99999/",
        "https://trusted.com:-1/",
        "https://[::1]@trusted.com",
        "blob:https://trusted.com/x",
        "javascript:alert(1)//https://trusted.com",
        "data:text/html,https://trusted.com",
        "view-source:https://trusted.com",
        "",
        "https://",
        "https://\ud800.com",
    ],
)
def test_confusing_spellings_are_refused(url: str) -> None:
    assert not trusted(url, "https://trusted.com", localhost=True, native=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "https://localhost:3000/x",
        "http://LOCALHOST/",
        "http://app.localhost:8080",
        "http://127.0.0.1:1",
        "http://127.1.2.3",
        "http://127.1",
        "my.app://localhost/x",
    ],
)
def test_localhost_only_where_allowed(url: str) -> None:
    assert trusted(url, localhost=True)
    assert not trusted(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost.evil.com",
        "http://evillocalhost",
        "http://127.0.0.1.evil.com",
        "my.app://127.0.0.1.evil.com",
        "http://128.0.0.1",
        "http://[::1]",
        "http://localhost@evil.com",
        "http://evil.com#.localhost",
        "javascript://localhost/%0aalert(1)",
        "JavaScript://localhost/%0aalert(1)",
    ],
)
def test_what_only_looks_like_localhost(url: str) -> None:
    assert not trusted(url, localhost=True)


def test_native_apps_only_where_asked_for() -> None:
    for url in ("stack-auth-mobile-oauth-url://success?x=1", "stack-auth-mobile-oauth-url:x", "Stack-Auth-Mobile-OAuth-Url://"):
        assert trusted(url, native=True)
        assert not trusted(url)
    assert not trusted("stack-auth-mobile-oauth-url-evil://x", native=True)


@given(st.text(alphabet="a.:*", max_size=12), st.text(alphabet="a.:", max_size=12))
def test_patterns_mean_what_the_regular_expression_means(pattern: str, text: str) -> None:
    import re

    from hexclave_server.projects.trusted_urls import _fits

    parts = re.split(r"(\*\*|\*)", pattern)
    expression = "".join({"**": ".*", "*": "[^.]*"}.get(part, re.escape(part)) for part in parts)
    assert _fits(pattern, text) is (re.fullmatch(expression, text) is not None)


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not trusted("https://" + "a" * 60 + "." + "a" * 60 + ".com", "https://" + "**a" * 90 + "!")


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_crashes(url: str, base: str) -> None:
    trusted(url, base, "https://" + base + "*", localhost=True, native=True)
    trusted("https://" + url, base)
