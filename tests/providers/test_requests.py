"""What is sent to each vendor: contract 03 §2 (the browser's way there) and §8 (token endpoint and profile)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hexclave_server.providers.oauth.provider import Authorization, Credentials, ProviderFailed
from hexclave_server.providers.oauth.registry import KNOWN_TYPES, SHARED_TYPES, make_provider
from tests.providers import test_profiles as said
from tests.providers.keys import claims, key_set, rsa_key, signed
from tests.providers.outside import Outside, Reply
from tests.providers.vendors import ATTEMPT, CHALLENGE, REDIRECT_URI, VERIFIER, come_back, credentials, with_provider

VENDORS = ("google", "github", "microsoft", "spotify", "facebook", "discord", "gitlab", "bitbucket", "linkedin", "apple", "x", "twitch")

# Endpoint, scopes, what follows `prompt`.
WAYS: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "google": (
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile",
        [("include_granted_scopes", "true")],
    ),
    "github": ("https://github.com/login/oauth/authorize", "user:email", []),
    "microsoft": ("https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize", "User.Read openid", []),
    "spotify": ("https://accounts.spotify.com/authorize", "user-read-email user-read-private", []),
    "facebook": ("https://facebook.com/v20.0/dialog/oauth/", "openid public_profile email", []),
    "discord": ("https://discord.com/oauth2/authorize", "identify email", []),
    "gitlab": ("https://gitlab.com/oauth/authorize", "read_user", []),
    "bitbucket": ("https://bitbucket.org/site/oauth2/authorize", "account email", []),
    "linkedin": ("https://www.linkedin.com/oauth/v2/authorization", "openid profile email", []),
    "apple": ("https://appleid.apple.com/auth/authorize", "name email", [("response_mode", "form_post")]),
    "x": ("https://twitter.com/i/oauth2/authorize", "users.read offline.access tweet.read", []),
    "twitch": ("https://id.twitch.tv/oauth2/authorize", "user:read:email", []),
}
PROFILES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "google": ({"/me": said.GOOGLE}, ["/me"]),
    "github": ({"/me": said.GITHUB, "/me/emails": said.GITHUB_EMAILS}, ["/me", "/me/emails"]),
    "microsoft": ({"/me": said.MICROSOFT}, ["/me"]),
    "spotify": ({"/me": said.SPOTIFY}, ["/me"]),
    "facebook": ({"/me": said.FACEBOOK, "/10159": said.FACEBOOK_PICTURES}, ["/me", "/10159"]),
    "discord": ({"/me": said.DISCORD}, ["/me"]),
    "gitlab": ({"/me": said.GITLAB, "/me/emails": said.GITLAB_EMAILS}, ["/me", "/me/emails"]),
    "bitbucket": ({"/me": said.BITBUCKET, "/me/emails": said.BITBUCKET_EMAILS}, ["/me", "/me/emails"]),
    "linkedin": ({"/me": said.LINKEDIN}, ["/me"]),
    "x": ({"/me": said.X}, ["/me"]),
    "twitch": ({"/me": said.TWITCH}, ["/me"]),
}
SECRET_IN_BODY = ("linkedin", "apple", "twitch")


def way(found: Credentials, attempt: Authorization = ATTEMPT) -> tuple[str, list[tuple[str, str]]]:
    """Where the browser is sent: endpoint and parameters in order."""
    url = with_provider(found, lambda provider: provider.authorization_url(attempt))
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parse_qsl(parts.query, strict_parsing=True)


def test_the_types_are_those_of_the_contract() -> None:
    assert {*VENDORS, "oidc"} == KNOWN_TYPES
    assert {"google", "github", "microsoft", "spotify"} == SHARED_TYPES
    for unknown in ("", "MOCK", "saml", "password"):
        with pytest.raises(ProviderFailed):
            make_provider(credentials(unknown), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", VENDORS)
def test_the_browser_is_sent_with_the_parameters_of_the_contract_in_their_order(kind: str) -> None:
    endpoint, scopes, extra = WAYS[kind]
    pkce = [] if kind == "linkedin" else [("code_challenge_method", "S256"), ("code_challenge", CHALLENGE)]
    assert way(credentials(kind)) == (
        endpoint,
        [
            ("client_id", "client"),
            ("scope", scopes),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT_URI + kind),
            *pkce,
            ("state", "inner-state"),
            ("access_type", "offline"),
            ("prompt", "consent"),
            *extra,
        ],
    )


def test_more_scopes_are_added_once() -> None:
    attempt = Authorization(state="s", code_verifier="v", nonce="n", extra_scopes=("repo", "user:email", "repo"))
    assert dict(way(credentials("github"), attempt)[1])["scope"] == "user:email repo"


def test_a_tenant_of_microsoft_is_part_of_the_path() -> None:
    assert way(credentials("microsoft", microsoft_tenant_id="a/b?c"))[0] == (
        "https://login.microsoftonline.com/a%2Fb%3Fc/oauth2/v2.0/authorize"
    )


def test_facebook_login_for_business_has_a_configuration() -> None:
    assert way(credentials("facebook", facebook_config_id="c&d"))[1][-1] == ("config_id", "c&d")


def test_an_endpoint_of_the_operators_may_have_a_query() -> None:
    url = with_provider(
        credentials("gitlab", authorize_url="https://gitlab.intern/oauth?realm=a"), lambda provider: provider.authorization_url(ATTEMPT)
    )
    assert url.startswith("https://gitlab.intern/oauth?realm=a&client_id=client&")


@pytest.mark.parametrize("kind", VENDORS)
def test_a_code_is_exchanged_as_the_vendor_wants_it(kind: str, outside: Outside) -> None:
    outside.replies["/token"] = {"access_token": "at", "token_type": "Bearer", "refresh_token": "rt", "expires_in": 60}
    tokens = with_provider(credentials(kind, outside), lambda provider: provider.exchange_code({"code": "c d"}, ATTEMPT))
    assert (tokens.access_token, tokens.refresh_token) == ("at", "rt")
    (asked,) = outside.asked
    expected = {"grant_type": "authorization_code", "code": "c d", "redirect_uri": REDIRECT_URI + kind, "code_verifier": VERIFIER}
    if kind == "linkedin":
        del expected["code_verifier"]
    if kind in SECRET_IN_BODY:
        assert "authorization" not in asked.headers
        expected |= {"client_id": "client", "client_secret": "se:cr et~"}
    else:
        assert asked.basic == ("client", "se:cr et~")
    assert asked.form == expected
    assert asked.headers["accept"] == "application/json"


@pytest.mark.parametrize("kind", ["github", "twitch"])
@pytest.mark.parametrize("scopes", [(), ("a", "b")])
def test_a_token_is_refreshed(kind: str, scopes: tuple[str, ...], outside: Outside) -> None:
    outside.replies["/token"] = {"access_token": "new", "token_type": "bearer"}
    tokens = with_provider(credentials(kind, outside), lambda provider: provider.refresh("old", scopes))
    assert (tokens.access_token, tokens.refresh_token) == ("new", None)
    secret = {"client_id": "client", "client_secret": "se:cr et~"} if kind in SECRET_IN_BODY else {}
    scope = {"scope": "a b"} if scopes else {}
    assert outside.asked[0].form == {"grant_type": "refresh_token", "refresh_token": "old", **scope, **secret}


@pytest.mark.parametrize("kind", PROFILES)
def test_a_profile_is_asked_for_where_the_vendor_has_it(kind: str, outside: Outside) -> None:
    replies, paths = PROFILES[kind]
    outside.replies |= {"/token": {"access_token": "at"}, **replies}
    profile = with_provider(credentials(kind, outside), come_back)
    assert profile.account_id
    assert outside.paths() == ["/token", *paths]
    for asked in outside.asked[1:]:
        if kind == "facebook":
            assert "authorization" not in asked.headers
            assert asked.query["access_token"] == ["at"]
        else:
            assert asked.headers["authorization"] == "Bearer at"


def test_what_vendors_want_besides(outside: Outside) -> None:
    outside.replies["/token"] = {"access_token": "at"}
    for kind in ("github", "twitch", "facebook", "x"):
        outside.replies |= PROFILES[kind][0]
        with_provider(credentials(kind, outside), come_back)
    asked = {asked.headers.get("client-id") or asked.headers.get("x-github-api-version") or asked.path: asked for asked in outside.asked}
    assert "2022-11-28" in asked
    assert "client" in asked
    facebook, pictures = (one for one in outside.asked if "access_token" in one.query)
    assert facebook.query["fields"] == ["id,name,email"]
    assert pictures.query["fields"] == ["picture.type(small)"]
    assert outside.asked[-1].query == {"user.fields": ["id,name,profile_image_url"]}


def test_apple_says_everything_in_the_id_token(outside: Outside) -> None:
    token = signed(claims(outside.url, "client", **said.APPLE))
    outside.replies |= {"/token": {"access_token": "at", "id_token": token}, "/keys": key_set(rsa_key())}
    profile = with_provider(credentials("apple", outside), come_back)
    assert (profile.account_id, profile.email, profile.email_verified) == ("001999.b3f.1", "x@privaterelay.appleid.com", True)
    assert outside.paths() == ["/token", "/keys"]


def test_the_provider_for_tests_is_its_subject(outside: Outside) -> None:
    outside.replies |= {"/token": {"access_token": "at"}, "/me": {"sub": "ada@example.com"}}
    found = credentials("mock", outside, issuer=None, jwks_url=None, authorize_url=f"{outside.url}/auth")
    profile = with_provider(found, lambda provider: come_back(provider, {"code": "c", "iss": outside.url}))
    assert (profile.account_id, profile.email, profile.email_verified) == ("ada@example.com", "ada@example.com", True)


def test_facebook_without_pictures_signs_in(outside: Outside) -> None:
    outside.replies |= {"/token": {"access_token": "at"}, "/me": said.FACEBOOK, "/10159": Reply(b"<html>", 400)}
    assert with_provider(credentials("facebook", outside), come_back).profile_image_url is None


@pytest.mark.parametrize(
    ("kind", "reply", "accepted"),
    [
        ("google", Reply({"sub": "1"}), True),
        ("google", Reply(b"<html>", 200), True),
        ("google", Reply({}, 401), False),
        ("github", Reply({}, 403), False),
        ("spotify", Reply(b"", 302, {"location": "/login"}), False),
        ("twitch", Reply({"data": [{"id": "1"}]}), True),
        ("twitch", Reply({"data": []}), False),
        ("twitch", Reply({}, 401), False),
    ],
)
def test_a_provider_is_asked_whether_it_still_takes_a_token(kind: str, reply: Reply, accepted: bool, outside: Outside) -> None:
    outside.replies["/me"] = reply
    assert with_provider(credentials(kind, outside), lambda provider: provider.accepts("at")) is accepted
    assert outside.asked[0].headers["authorization"] == "Bearer at"


def test_apple_is_asked_at_its_user_info(outside: Outside) -> None:
    outside.replies["/me"] = {}
    assert with_provider(credentials("apple", outside), lambda provider: provider.accepts("at"))
