"""C1, C2: no browser is sent to a place that its project does not trust, however the URL is written."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import ada_url
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.core.constraints import Defect, url
from hexclave_server.oauth import redirects
from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, new_project, person
from tests.server import Project, RunningServer
from tests.sessions.tokens import known_error

TRUSTED = "https://app.example.com"
CONFIG = {"domains": {"allowLocalhost": True, "trustedDomains": {"a": {"baseUrl": TRUSTED}, "b": {"baseUrl": "https://*.wild.example"}}}}
PIECES = [
    *("https://", "http://", "https:", "//", "/", "\\", "@", "#", "?", ":", ";", "&", "=", ".", "..", "%2f", "%40", "%23", "%0a", "*"),
    *(
        "app.example.com",
        "app.example.com.",
        "evil.example",
        "localhost",
        "a.wild.example",
        "127.0.0.1",
        "[::1]",
        "0x7f.1",
        "xn--e1a",
        "é",
        "。",
    ),
    *("stack-auth-mobile-oauth-url:", "javascript:", "data:", "443", "code=x", "st%61te=y", "\t", "\n", " ", "\u202e", "\u00ad"),
]
urls = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=30).map(f"{TRUSTED}".__add__)


@given(urls)
def test_a_trusted_page_stays_the_same_page_with_its_parameters(text: str) -> None:
    if not redirects.may_receive_codes(text, CONFIG):
        return
    sent = redirects.location(redirects.with_parameters(redirects.without_fragment(text), {"code": "c0de", "state": "a b&c=d#"})).decode(
        "ascii"
    )
    before, after = ada_url.URL(text), ada_url.URL(sent)
    assert (after.protocol, after.host, after.username, after.hash) == (before.protocol, before.host, "", "")
    assert redirects.may_receive_codes(sent, CONFIG)
    assert not any(ord(character) <= 32 or ord(character) == 127 for character in sent)
    pairs = parse_qsl(after.search.removeprefix("?"), keep_blank_values=True)
    assert [value for name, value in pairs if name == "code"] == ["c0de"]
    assert [value for name, value in pairs if name == "state"] == ["a b&c=d#"]


@given(urls)
def test_nothing_that_the_wire_accepts_breaks_the_decision(text: str) -> None:
    try:
        url.apply(text)
    except Defect:
        return
    redirects.may_receive_errors(text, CONFIG)
    redirects.may_receive_codes(redirects.without_fragment(text), CONFIG)


def test_a_query_stays_as_it_is_but_for_what_is_ours() -> None:
    kept = "https://app.example.com/a?b=%7E+c&d&=&e=1%20"
    assert redirects.with_parameters(kept, {"code": "x"}) == kept + "&code=x"
    assert (
        redirects.with_parameters("https://app.example.com?code=1&co%64e=2&codes=3", {"code": "x"})
        == "https://app.example.com?codes=3&code=x"
    )
    assert redirects.with_parameters("app:back#top", {"code": "x"}) == "app:back?code=x#top"


def test_a_project_that_trusts_nothing_trusts_no_device_with_codes() -> None:
    nothing = {"domains": {"allowLocalhost": False, "trustedDomains": {"a": {"handlerPath": "/"}}}}
    native = "stack-auth-mobile-oauth-url://x"
    assert redirects.may_receive_errors(native, nothing)
    assert not redirects.may_receive_codes(native, nothing)


UNTRUSTED = [
    *("https://app.example.com.evil.example/", "https://evil.example/https://app.example.com", "https://app.example.com@evil.example/"),
    *("https://evil.example\\@app.example.com/", "https://app.example.com\\.evil.example/", "https://evil.example#@app.example.com/"),
    *("https://app.example.com%2eevil.example/", "https://app.example.com%00.evil.example/", "https://app.example.com%2f@evil.example/"),
    *(
        "http://app.example.com/",
        "https://app.example.com:8443/",
        "https://app.example.com./",
        "https://example.com/",
        "https://xapp.example.com/",
    ),
    *("https://a.b.wild.example/", "https://wild.example/", "https://a.wild.example.evil.example/"),
    *("https://wild.example.evil/", "https://a.wild.example:8443/", "https://localhost/", "http://127.0.0.1/", "http://[::1]/"),
    *("javascript:alert(1)//app.example.com", "data:text/html,https://app.example.com", "blob:https://app.example.com/x", "myapp://back"),
    *(
        "https:app.example.com",
        "https:/app.example.com",
        "https:///app.example.com",
        "https://аpp.example.com/",
        "https://app.example。com.evil.example/",
    ),
    *("https://user@app.example.com/", "https://user:pass@app.example.com/", "stack-auth-mobile-oauth-url-evil://x"),
]


@pytest.fixture(scope="module")
def strict(oauth_server: RunningServer) -> Project:
    """A project that trusts one domain and one pattern, and no localhost."""
    domains = [{"domain": domain, "handler_path": "/"} for domain in (TRUSTED, "https://*.wild.example")]
    return new_project(oauth_server, allow_localhost=False, domains=domains)


def told_nothing(answer: httpx.Response) -> bool:
    return answer.status_code == 400 and "location" not in answer.headers


@pytest.mark.parametrize("target", UNTRUSTED)
def test_the_callback_sends_nobody_to_an_untrusted_page(strict: Project, idp: IdentityProvider, target: str) -> None:
    application = Application(strict, redirect_uri=target)
    started = application.authorize(stack_response_mode="json", error_redirect_url=target)
    if started.status_code != 200:
        assert known_error(started) == "SCHEMA_ERROR"
        return
    location = started.json()["location"]
    assert told_nothing(application.come_back(idp.consent(location, person())))
    again = application.authorize(stack_response_mode="json", error_redirect_url=target).json()["location"]
    assert application.come_back(idp.refuse(again)).headers.get("location") is None


@pytest.mark.parametrize("target", UNTRUSTED)
def test_no_untrusted_page_after_the_callback(strict: Project, target: str) -> None:
    answer = Application(strict).authorize(after_callback_redirect_url=target)
    assert (answer.status_code, known_error(answer)) in ((400, "REDIRECT_URL_NOT_WHITELISTED"), (400, "SCHEMA_ERROR"))


@pytest.mark.parametrize(
    "target", [f"{TRUSTED}/any/path?x=1", "https://APP.example.com:443/x", "https://a.wild.example/x", "https://app.example.com/ä"]
)
def test_trusted_pages_get_their_codes(strict: Project, idp: IdentityProvider, target: str) -> None:
    application = Application(strict, redirect_uri=target)
    answer = application.come_back(idp.consent(application.start(), person()))
    assert answer.status_code == 303
    sent = answer.headers["location"]
    assert urlsplit(sent).hostname in ("app.example.com", "a.wild.example")
    code = dict(parse_qsl(urlsplit(sent).query))["code"]
    assert application.exchange(code).status_code == 200
