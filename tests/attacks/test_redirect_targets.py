"""C1: codes, errors and sessions go nowhere but to the places that a project trusts, however these are spelled."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import ada_url
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexclave_server.config.render import render
from hexclave_server.projects.trusted_urls import is_trusted
from tests.attacks.redirect_corpus import ELSEWHERE, GENUINE, TRUSTED
from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, new_project, person
from tests.server import Project, RunningServer
from tests.sessions.tokens import known_error

CONFIG = render({"domains": {"allowLocalhost": False, "trustedDomains": {str(n): {"baseUrl": base} for n, base in enumerate(TRUSTED)}}})
CALLBACK = "https://app.example.com/handler/oauth-callback"
PIECES = ["https:", "http:", "//", "/", "\\", "@", ":", ":443", "#", "?", "%2f", "%40", ".", "..", " ", "\t", "\n", "\u3002", "\uff0f", "*"]
HOSTS = [
    "app.example.com",
    "evil.example",
    "a.preview.example.com",
    "localhost",
    "x@",
    "[::1]",
    "intranet.example:8080",
    "\u0430pp.example.com",
]


def test_the_corpus_is_large_enough() -> None:
    assert len(set(ELSEWHERE)) == len(ELSEWHERE) > 150


@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_spelling_makes_another_place_trusted(url: str) -> None:
    assert not is_trusted(url, CONFIG, native_apps=True)


@pytest.mark.parametrize("url", GENUINE)
def test_what_the_project_trusts_is_trusted(url: str) -> None:
    assert is_trusted(url, CONFIG, native_apps=True)


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, *HOSTS]) | st.text(max_size=3), max_size=8).map("".join))
def test_whatever_is_trusted_leads_to_a_trusted_host_for_every_parser(rest: str) -> None:
    """A browser (ada) and a program (urllib) that follow it end at the same host, which is one of the project's."""
    for url in (rest, "https://" + rest, "https://app.example.com" + rest, "http://intranet.example:8080" + rest):
        if is_trusted(url, CONFIG):
            found = ada_url.URL(url)
            assert (found.username, found.password) == ("", "")
            assert found.hostname == urlsplit(url).hostname or not url.isascii()
            assert (found.protocol, found.hostname, found.port) in {
                ("https:", "app.example.com", ""),
                ("http:", "intranet.example", "8080"),
            } or (found.protocol, found.port, found.hostname.split(".", 1)[1]) == ("https:", "", "preview.example.com")


@pytest.fixture(scope="module")
def guarded(oauth_server: RunningServer) -> Project:
    """A project that trusts `TRUSTED`, and no localhost."""
    domains = [{"domain": domain, "handler_path": "/handler"} for domain in TRUSTED]
    return new_project(oauth_server, allow_localhost=False, domains=domains)


def require_not_sent(answer: httpx.Response, url: str) -> None:
    """No redirect, or one to where the project wants its errors."""
    assert answer.status_code in (307, 400), (url, answer.status_code, answer.text)
    assert answer.headers.get("location", CALLBACK).startswith(CALLBACK), url
    assert "code=" not in answer.headers.get("location", ""), url


def start(application: Application, **changed: Any) -> str | None:
    """The URL of the provider; None where the parameters are refused at once as malformed."""
    answer = application.authorize(stack_response_mode="json", **changed)
    if answer.status_code != 200:
        assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")
        return None
    return str(answer.json()["location"])


def test_no_code_goes_elsewhere(guarded: Project, idp: IdentityProvider) -> None:
    """Neither to the redirect URI nor, as an error, to the page for errors; and nobody is signed up on the way."""
    profile, reached = person(), 0
    for url in ELSEWHERE:
        application = Application(guarded, redirect_uri=url)
        location = start(application, error_redirect_url=CALLBACK)
        if location is not None:
            answer = application.come_back(idp.consent(location, profile))
            require_not_sent(answer, url)
            assert parse_qs(urlsplit(answer.headers["location"]).query)["errorCode"] == ["REDIRECT_URL_NOT_WHITELISTED"]
            reached += 1
    assert reached > 60
    with guarded.http("server") as client:
        assert client.get("/users", params={"query": profile["email"]}).json()["items"] == []


def test_no_error_goes_elsewhere(guarded: Project, idp: IdentityProvider) -> None:
    for url in ELSEWHERE:
        for changed in ({"error_redirect_url": url}, {"error_redirect_uri": url, "error_redirect_url": None}):
            application = Application(guarded, redirect_uri="https://evil.example/")
            location = start(application, **changed)
            if location is not None:
                answer = application.come_back(idp.refuse(location))
                assert (answer.status_code, known_error(answer)) == (400, "OAUTH_PROVIDER_ACCESS_DENIED"), url
                assert "location" not in answer.headers


def test_no_page_after_the_callback_is_elsewhere(guarded: Project, idp: IdentityProvider) -> None:
    for url in ELSEWHERE:
        answer = Application(guarded, redirect_uri=CALLBACK).authorize(after_callback_redirect_url=url)
        assert known_error(answer) in {"REDIRECT_URL_NOT_WHITELISTED", "SCHEMA_ERROR"}, url
        assert "location" not in answer.headers
    assert idp.asked == []


@pytest.mark.parametrize("field", ["redirect_uri", "after_callback_redirect_url"])
def test_no_session_is_handed_elsewhere(guarded: Project, idp: IdentityProvider, field: str) -> None:
    user, application = guarded.sign_up(), Application(guarded, redirect_uri=CALLBACK)
    with guarded.http("client", user["access_token"], **{"x-stack-refresh-token": user["refresh_token"]}) as client:
        for url in ELSEWHERE:
            body = {"redirect_uri": CALLBACK, "state": "s", "code_challenge": application.challenge, field: url}
            answer = client.post("/auth/oauth/cross-domain/authorize", json=body)
            assert answer.status_code == 400, url
            assert known_error(answer) in {"REDIRECT_URL_NOT_WHITELISTED", "SCHEMA_ERROR"}, url


def test_a_code_is_exchanged_for_its_own_redirect_uri_only(guarded: Project, idp: IdentityProvider) -> None:
    """Byte for byte: not for another spelling of it either, nor for another trusted one."""
    profile = person()
    alike = [CALLBACK + "/", CALLBACK + "?", CALLBACK.replace("app", "APP"), CALLBACK.replace(".com/", ".com:443/"), CALLBACK + "?x=1"]
    for url in [*alike, *GENUINE, "https://evil.example/"]:
        application = Application(guarded, redirect_uri=CALLBACK)
        code = application.code_for(idp, profile)
        assert application.exchange(code, redirect_uri=url).status_code == 400, url
        assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE", url
