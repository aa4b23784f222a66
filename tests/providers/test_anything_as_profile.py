"""Whatever a provider sends, a parser gives a profile or says that the provider failed: nothing else is raised (QUALITY C9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexclave_server.providers.oauth import (
    apple,
    bitbucket,
    discord,
    facebook,
    github,
    gitlab,
    google,
    id_token_signatures,
    linkedin,
    microsoft,
    mock,
    oidc,
    spotify,
    twitch,
    x,
)
from hexclave_server.providers.oauth.provider import Profile, ProviderFailed
from hexclave_server.providers.oauth.token_endpoint import tokens_of

NAMES = [
    "sub", "id", "account_id", "name", "display_name", "displayName", "global_name", "username", "email", "mail",
    "userPrincipalName", "email_verified", "verified", "primary", "confirmed_at", "is_confirmed", "picture", "avatar",
    "avatar_url", "images", "url", "data", "links", "href", "values", "profile_image_url", "access_token",
    "token_type", "expires_in", "expires_at", "refresh_token", "id_token",
]  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "ada@example.com", "https://x.example/a.png", "1", "bearer", "\x00", "\ud800", "9" * 5000])
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=6),
    max_leaves=20,
)
PARSERS: dict[str, Callable[[Any, Any], Profile]] = {
    "apple": lambda document, _: apple.parse(document),
    "bitbucket": bitbucket.parse,
    "discord": lambda document, _: discord.parse(document),
    "facebook": facebook.parse,
    "github": github.parse,
    "gitlab": gitlab.parse,
    "google": lambda document, _: google.parse(document),
    "linkedin": lambda document, _: linkedin.parse(document),
    "microsoft": lambda document, _: microsoft.parse(document),
    "mock": lambda document, _: mock.parse(document),
    "oidc": lambda document, more: oidc.parse(document if isinstance(document, dict) else {}, more, "https://i.example"),
    "spotify": lambda document, _: spotify.parse(document),
    "twitch": lambda document, _: twitch.parse(document),
    "x": lambda document, _: x.parse(document),
}


@pytest.mark.parametrize("name", PARSERS)
@given(document=ANYTHING, more=ANYTHING)
@settings(max_examples=60, deadline=None)
def test_a_profile_or_a_failure(name: str, document: Any, more: Any) -> None:
    try:
        profile = PARSERS[name](document, more)
    except ProviderFailed:
        return
    texts = (profile.account_id, profile.email, profile.display_name, profile.profile_image_url)
    assert profile.account_id.strip()
    assert all(text is None or (isinstance(text, str) and "\x00" not in text and text.encode()) for text in texts)
    assert profile.email_verified in (True, False)


@given(document=st.dictionaries(st.sampled_from(NAMES), LEAVES, max_size=8))
@settings(max_examples=60, deadline=None)
def test_tokens_or_a_failure(document: dict[str, Any]) -> None:
    try:
        tokens = tokens_of(document | {"access_token": document.get("access_token", "t")})
    except ProviderFailed:
        return
    assert 0 <= tokens.expires_at < 2**53


@given(document=ANYTHING)
@settings(max_examples=60, deadline=None)
def test_a_discovery_or_a_failure(document: Any) -> None:
    with pytest.raises(ProviderFailed):
        oidc.read_discovery(document, "https://i.example")


HEADERS = st.fixed_dictionaries({"alg": st.sampled_from(["RS256", "ES256", "EdDSA", "none", "HS256", "PS512"]) | ANYTHING, "kid": ANYTHING})
KEYS = st.lists(
    st.fixed_dictionaries(
        {"kty": st.sampled_from(["RSA", "EC", "OKP", "oct"])},
        optional={
            **{name: st.text(max_size=8) | ANYTHING for name in ("n", "e", "x", "y", "k", "d", "p")},
            "crv": st.sampled_from(["P-256", "Ed25519"]),
            "use": st.just("sig"),
            "key_ops": ANYTHING,
            "alg": ANYTHING,
        },
    ),
    max_size=3,
)


@given(header=HEADERS, keys=KEYS | ANYTHING, kid=st.booleans(), payload=ANYTHING)
@settings(max_examples=150, deadline=None)
def test_no_forged_token_and_no_odd_key_does_more_than_be_refused(header: dict[str, Any], keys: Any, kid: bool, payload: Any) -> None:
    import msgspec

    from tests.providers.keys import segment

    def encoded(value: Any) -> str:
        try:
            return segment(msgspec.json.encode(value)) or "e30"
        except UnicodeEncodeError:
            return "e30"

    head = header if kid else {"alg": header["alg"]}
    token = f"{encoded(head)}.{encoded(payload)}.{segment(b'x' * 64)}"
    with pytest.raises(id_token_signatures.SignatureRefused):
        id_token_signatures.read_signed(token, {"keys": keys} if isinstance(keys, list) else keys)
