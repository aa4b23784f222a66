"""Any issuer as a provider: discovery, the way there and back, user info (contract 03 §1.2, "ours")."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hexclave_server.providers.oauth.provider import CodeRefused, Credentials, Profile, ProviderFailed, TemporarilyUnavailable
from tests.providers.keys import claims, ec_key, key_set, rsa_key, signed
from tests.providers.outside import Outside, Reply
from tests.providers.vendors import ATTEMPT, CHALLENGE, REDIRECT_URI, VERIFIER, come_back, discovery, issuer_credentials, with_provider

WELL_KNOWN = "/.well-known/openid-configuration"


def at_home(outside: Outside, userinfo: Any = None, discovered: dict[str, Any] | None = None, **changed: Any) -> Credentials:
    """The server is an issuer for whom everything is right but what changes: claims of its ID token."""
    token = signed(claims(outside.url, nonce="nonce-1", **changed))
    outside.replies |= {
        WELL_KNOWN: discovery(outside, **(discovered or {})),
        "/keys": key_set(ec_key(), rsa_key()),
        "/token": {"access_token": "at", "id_token": token, "expires_in": 60},
        "/me": userinfo or {},
    }
    return issuer_credentials(outside)


def way(found: Credentials, extra: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    import msgspec

    attempt = msgspec.structs.replace(ATTEMPT, extra_scopes=extra)
    url = with_provider(found, lambda provider: provider.authorization_url(attempt))
    assert urlsplit(url).path == "/authorize"
    return parse_qsl(urlsplit(url).query)


def test_the_browser_is_sent_with_a_nonce(outside: Outside) -> None:
    assert way(at_home(outside)) == [
        ("client_id", "client"),
        ("scope", "openid profile email"),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT_URI + "oidc"),
        ("code_challenge_method", "S256"),
        ("code_challenge", CHALLENGE),
        ("state", "inner-state"),
        ("nonce", "nonce-1"),
    ]


def test_consent_is_asked_for_where_a_refresh_token_is_wanted(outside: Outside) -> None:
    sent = way(at_home(outside), extra=("offline_access",))
    assert ("scope", "openid profile email offline_access") in sent
    assert sent[-3:] == [("access_type", "offline"), ("prompt", "consent"), ("nonce", "nonce-1")]


def test_a_project_names_scopes_of_its_own_but_openid_is_always_there(outside: Outside) -> None:
    at_home(outside)
    assert dict(way(issuer_credentials(outside, scopes=("email", "groups"))))["scope"] == "openid email groups"


def test_an_address_in_the_id_token_needs_no_user_info(outside: Outside) -> None:
    found = at_home(outside, email="ada@example.com", email_verified=True, name="Ada")
    assert with_provider(found, come_back) == Profile(
        account_id="person-1", email="ada@example.com", email_verified=True, display_name="Ada", issuer=outside.url
    )
    assert outside.paths() == [WELL_KNOWN, "/token", "/keys"]
    assert outside.asked[1].basic == ("client", "se:cr et~")
    assert outside.asked[1].form["code_verifier"] == VERIFIER


def test_an_address_of_the_user_info(outside: Outside) -> None:
    userinfo = {"sub": "person-1", "email": "ada@example.com", "email_verified": True, "picture": "https://a.example/b.png"}
    profile = with_provider(at_home(outside, userinfo), come_back)
    assert (profile.email, profile.email_verified, profile.profile_image_url) == ("ada@example.com", True, "https://a.example/b.png")
    assert outside.asked[-1].headers["authorization"] == "Bearer at"


def test_an_issuer_without_user_info_and_addresses(outside: Outside) -> None:
    found = at_home(outside, discovered={"userinfo_endpoint": None})
    assert with_provider(found, come_back) == Profile(account_id="person-1", issuer=outside.url)
    assert with_provider(found, lambda provider: provider.accepts("at")), "nobody can tell"


def test_user_info_of_another_person_is_refused(outside: Outside) -> None:
    with pytest.raises(ProviderFailed, match="another person"):
        with_provider(at_home(outside, {"sub": "person-2", "email": "ada@example.com"}), come_back)


def test_documents_are_asked_for_once(outside: Outside) -> None:
    async def twice(provider: Any) -> None:
        await provider.authorization_url(ATTEMPT)
        for _ in range(2):
            await come_back(provider)
        await provider.refresh("rt", ())
        await provider.accepts("at")

    with_provider(at_home(outside, email="ada@example.com"), twice)
    assert (outside.paths().count(WELL_KNOWN), outside.paths().count("/keys")) == (1, 1)


@pytest.mark.parametrize(
    ("methods", "in_body"),
    [(None, False), (["client_secret_basic", "client_secret_post"], False), (["client_secret_post"], True), (["private_key_jwt"], False)],
)
def test_the_secret_goes_where_the_issuer_takes_it(methods: list[str] | None, in_body: bool, outside: Outside) -> None:
    found = at_home(outside, discovered={"token_endpoint_auth_methods_supported": methods}, email="ada@example.com")
    with_provider(found, come_back)
    (asked,) = (one for one in outside.asked if one.path == "/token")
    assert ("client_secret" in asked.form) is in_body
    assert ("authorization" in asked.headers) is not in_body


def test_the_issuers_name_may_end_in_a_slash(outside: Outside) -> None:
    token = signed(claims(f"{outside.url}/", nonce="nonce-1", email="ada@example.com"))
    outside.replies |= {
        WELL_KNOWN: discovery(outside, issuer=f"{outside.url}/"),
        "/keys": key_set(rsa_key()),
        "/token": {"access_token": "at", "id_token": token},
    }
    found = issuer_credentials(outside)
    import msgspec

    profile = with_provider(msgspec.structs.replace(found, issuer=f"{outside.url}/"), come_back)
    assert profile.issuer == f"{outside.url}/"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://other.example.com"},
        {"issuer": "http://127.0.0.1"},
        {"issuer": None},
        {"issuer": ["a"]},
        {"token_endpoint": None},
        {"jwks_uri": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "/authorize"},
        {"token_endpoint": "file:///etc/passwd"},
        {"userinfo_endpoint": "https://user:password@example.com/"},
    ],
)
def test_an_issuer_that_says_something_odd_of_itself_is_refused(changed: dict[str, Any], outside: Outside) -> None:
    with pytest.raises(ProviderFailed, match="discovery document"):
        with_provider(at_home(outside, discovered=changed), lambda provider: provider.authorization_url(ATTEMPT))


def test_a_slash_makes_another_issuer(outside: Outside) -> None:
    found = at_home(outside, discovered={"issuer": f"{outside.url}/"})
    with pytest.raises(ProviderFailed, match="another issuer"):
        with_provider(found, lambda provider: provider.authorization_url(ATTEMPT))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(b"<html>"), ProviderFailed),
        (Reply(b"", 404), ProviderFailed),
        (Reply(b"", 302, {"location": "https://example.com"}), ProviderFailed),
        (Reply(b"", 503), TemporarilyUnavailable),
        (Reply([1]), ProviderFailed),
    ],
)
def test_an_issuer_that_cannot_be_discovered(reply: Reply, kind: type[ProviderFailed], outside: Outside) -> None:
    outside.replies[WELL_KNOWN] = reply
    with pytest.raises(ProviderFailed) as failure:
        with_provider(issuer_credentials(outside), lambda provider: provider.authorization_url(ATTEMPT))
    assert type(failure.value) is kind


def test_without_an_id_token_nobody_signs_in(outside: Outside) -> None:
    found = at_home(outside, {"sub": "person-1", "email": "ada@example.com", "email_verified": True})
    outside.replies["/token"] = {"access_token": "at"}
    with pytest.raises(ProviderFailed, match="no ID token"):
        with_provider(found, come_back)


def test_an_issuer_that_promises_its_name_must_bring_it(outside: Outside) -> None:
    found = at_home(outside, discovered={"authorization_response_iss_parameter_supported": True}, email="ada@example.com")
    assert with_provider(found, lambda provider: come_back(provider, {"code": "c", "iss": outside.url})).email == "ada@example.com"
    for parameters in ({"code": "c"}, {"code": "c", "iss": "https://evil.example.com"}):
        with pytest.raises(CodeRefused, match="issuer"):
            with_provider(found, lambda provider, sent=parameters: come_back(provider, sent))
