"""Links with a code: the code is found by whoever reads the URL, and nothing else of the URL is touched."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.verification_codes.links import with_code

CODE = "0123456789abcdefghjkmnpqrstvwxyz0123456789abc"


@pytest.mark.parametrize(
    ("callback_url", "link"),
    [
        ("https://example.com", "https://example.com?code=X"),
        ("https://example.com/handler/verify", "https://example.com/handler/verify?code=X"),
        ("https://example.com/?", "https://example.com/?code=X"),
        ("https://example.com/?a=1", "https://example.com/?a=1&code=X"),
        ("https://example.com/?a=1&", "https://example.com/?a=1&&code=X"),
        ("https://example.com/?a=%20+b&c", "https://example.com/?a=%20+b&c&code=X"),
        ("https://example.com/#part", "https://example.com/?code=X#part"),
        ("https://example.com/?a=1#part?code=2", "https://example.com/?a=1&code=X#part?code=2"),
        ("https://example.com/#", "https://example.com/?code=X#"),
        ("https://example.com/?code=old", "https://example.com/?code=X"),
        ("https://example.com/?code", "https://example.com/?code=X"),
        ("https://example.com/?code=1&a=2&code=3", "https://example.com/?a=2&code=X"),
        ("https://example.com/?c%6fde=old", "https://example.com/?code=X"),
        ("https://example.com/?CODE=1&decode=2&code[]=3", "https://example.com/?CODE=1&decode=2&code[]=3&code=X"),
        ("https://example.com/?next=/?code=1", "https://example.com/?next=/?code=1&code=X"),
        ("https://example.com/code=1", "https://example.com/code=1?code=X"),
        ("https://example.com/ü?ö=ä", "https://example.com/ü?ö=ä&code=X"),
        ("my-app:verify", "my-app:verify?code=X"),
    ],
)
def test_the_code_is_set_and_the_rest_kept(callback_url: str, link: str) -> None:
    assert with_code(callback_url, "X") == link


PIECES = st.text(alphabet="abcdeo%6F3f&=+?/.-_ü#", max_size=40)


@given(path=PIECES, query=st.none() | PIECES, fragment=st.none() | PIECES)
def test_whoever_parses_the_link_finds_the_code_once_and_the_same_place(path: str, query: str | None, fragment: str | None) -> None:
    callback_url = "https://example.com/" + path + ("" if query is None else "?" + query) + ("" if fragment is None else "#" + fragment)
    link = with_code(callback_url, CODE)
    before, after = urlsplit(callback_url), urlsplit(link)
    assert (after.scheme, after.netloc, after.path, after.fragment) == (before.scheme, before.netloc, before.path, before.fragment)
    assert link.endswith("#" + after.fragment) or not after.fragment
    found = parse_qsl(after.query, keep_blank_values=True)
    assert [value for name, value in found if name == "code"] == [CODE]
    assert [pair for pair in found if pair[0] != "code"] == [
        pair for pair in parse_qsl(before.query, keep_blank_values=True) if pair[0] != "code"
    ]
    assert ada_url.URLSearchParams(ada_url.URL(link).search).get_all("code") == [CODE]
    assert with_code(link, CODE) == link
