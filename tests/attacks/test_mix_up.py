"""One provider answers in place of another: refused by its name (QUALITY C4; RFC 9207). Whose flow it was: the callback's own tests."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server.providers.oauth.oidc import read_discovery
from hexclave_server.providers.oauth.provider import AccessDenied, CodeRefused, ProviderFailed
from tests.providers.outside import Outside, running
from tests.providers.test_requests import VENDORS
from tests.providers.vendors import ATTEMPT, credentials, discovery, issuer_credentials, with_provider

outside = pytest.fixture(running)

NAMES = {
    "google": ["https://accounts.google.com"],
    "github": ["https://github.com", "https://github.com/login/oauth"],
    "microsoft": ["https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"],
    "facebook": ["https://www.facebook.com"],
    "linkedin": ["https://www.linkedin.com/oauth"],
    "apple": ["https://appleid.apple.com"],
}


def bring(found: Any, **parameters: str) -> Any:
    return with_provider(found, lambda provider: provider.exchange_code(parameters, ATTEMPT))


@pytest.mark.parametrize(("kind", "issuer"), [(kind, issuer) for kind, issuers in NAMES.items() for issuer in issuers])
def test_a_vendor_under_its_own_name(kind: str, issuer: str, outside: Outside) -> None:
    outside.replies["/token"] = {"access_token": "at"}
    urls = {"token_url": f"{outside.url}/token"}
    assert bring(credentials(kind, **urls), code="c", iss=issuer).access_token == "at"
    with pytest.raises(AccessDenied):
        bring(credentials(kind, **urls), error="access_denied", iss=issuer)


@pytest.mark.parametrize("kind", VENDORS)
@pytest.mark.parametrize("issuer", ["https://evil.example.com", "", "https://accounts.google.com.evil.com", "https://accounts.google.com/"])
def test_a_vendor_under_another_name_gets_no_code_and_says_no_error(kind: str, issuer: str, outside: Outside) -> None:
    for parameters in ({"code": "c"}, {"error": "access_denied"}):
        with pytest.raises(CodeRefused, match="issuer"):
            bring(credentials(kind, token_url=f"{outside.url}/token"), iss=issuer, **parameters)
    assert not outside.asked, "no code and no secret went out"


def test_honest_vendors_have_different_names(outside: Outside) -> None:
    for kind, issuers in NAMES.items():
        for other in (name for name in NAMES if name != kind):
            with pytest.raises(CodeRefused):
                bring(credentials(other, token_url=f"{outside.url}/token"), code="c", iss=issuers[0])
    assert not outside.asked


def test_an_installation_of_the_operators_bears_his_name(outside: Outside) -> None:
    outside.replies["/token"] = {"access_token": "at"}
    named = credentials("gitlab", outside, issuer="https://gitlab.intern")
    unnamed = credentials("gitlab", outside, issuer=None, authorize_url="https://gitlab.intern/oauth/authorize")
    for found in (named, unnamed):
        assert bring(found, code="c", iss="https://gitlab.intern")
        with pytest.raises(CodeRefused):
            bring(found, code="c", iss="https://gitlab.intern.evil.com")
    with pytest.raises(CodeRefused):
        bring(named, code="c", iss="https://gitlab.com")


def test_an_issuer_bears_exactly_its_name(outside: Outside) -> None:
    outside.replies |= {"/.well-known/openid-configuration": discovery(outside), "/token": {"access_token": "at"}}
    assert bring(issuer_credentials(outside), code="c", iss=outside.url)
    for issuer in (f"{outside.url}/", outside.url.upper(), "https://evil.example.com", ""):
        with pytest.raises(CodeRefused):
            bring(issuer_credentials(outside), code="c", iss=issuer)


HONEST = {
    "issuer": "https://login.example.com",
    "authorization_endpoint": "https://login.example.com/authorize",
    "token_endpoint": "https://login.example.com/token",
    "jwks_uri": "https://keys.example.com/keys",
    "userinfo_endpoint": "https://login.example.com/me",
}


def test_an_encrypted_issuer_is_encrypted_throughout() -> None:
    assert read_discovery(HONEST, "https://login.example.com")
    for endpoint in list(HONEST)[1:]:
        with pytest.raises(ProviderFailed, match="unencrypted"):
            read_discovery(HONEST | {endpoint: "http://login.example.com/x"}, "https://login.example.com")


@pytest.mark.parametrize(
    "issuer", ["https://login.example.com/", "https://LOGIN.example.com", "https://login.example.com#", "http://login.example.com"]
)
def test_the_document_of_another_issuer_is_refused(issuer: str) -> None:
    with pytest.raises(ProviderFailed, match="another issuer"):
        read_discovery(HONEST, issuer)
