"""What token endpoints answer, and what becomes of it: contract 03 §3 step 7 (failures) and §4 (lifetimes)."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server.core import clock
from hexclave_server.providers.oauth.provider import AccessDenied, CodeRefused, ProviderFailed, TemporarilyUnavailable
from hexclave_server.providers.oauth.token_endpoint import tokens_of
from tests.providers.outside import Outside, Reply
from tests.providers.vendors import ATTEMPT, credentials, with_provider

NOW = 1_700_000_000_000


@pytest.fixture
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_millis", lambda: NOW)


FAILURES = [
    ("google", Reply({"error": "invalid_grant", "error_description": "Bad Request"}, 400), CodeRefused),
    ("google", Reply({"error": "invalid_client"}, 401), CodeRefused),
    ("google", Reply({"error": "unauthorized_scope_error"}, 400), CodeRefused),
    ("google", Reply({"error": "access_denied"}, 403), AccessDenied),
    ("google", Reply({"error": "consent_required"}, 400), AccessDenied),
    ("google", Reply({"error": "server_error"}, 400), TemporarilyUnavailable),
    ("google", Reply({"error": "temporarily_unavailable"}, 400), TemporarilyUnavailable),
    ("google", Reply({"error": "timeout"}, 400), TemporarilyUnavailable),
    ("google", Reply({"error": "invalid_grant"}, 500), TemporarilyUnavailable),
    ("google", Reply(b"<html>Bad gateway</html>", 502), TemporarilyUnavailable),
    ("google", Reply({"error": "slow_down"}, 429), TemporarilyUnavailable),
    ("google", Reply({"error": "unsupported_grant_type"}, 400), ProviderFailed),
    ("google", Reply({"error": {"code": 100}}, 400), ProviderFailed),
    ("google", Reply({}, 400), ProviderFailed),
    ("google", Reply(b"<html>", 400), ProviderFailed),
    ("google", Reply({"access_token": "at"}, 302, {"location": "https://example.com"}), ProviderFailed),
    ("github", Reply({"error": "bad_verification_code", "error_description": "The code is incorrect or expired."}), CodeRefused),
    ("github", Reply({"error": "incorrect_client_credentials"}), CodeRefused),
    ("github", Reply({"error": "redirect_uri_mismatch", "access_token": "at"}), ProviderFailed),
    ("facebook", Reply({"error": {"message": "used", "type": "OAuthException", "code": 100, "error_subcode": 36009}}, 400), CodeRefused),
    ("facebook", Reply({"error": {"message": "An unknown error", "code": 1}}, 400), TemporarilyUnavailable),
    ("twitch", Reply({"status": 400, "message": "Invalid authorization code"}, 400), CodeRefused),
    ("twitch", Reply({"status": 403, "message": "invalid client secret"}, 403), CodeRefused),
    ("linkedin", Reply({"error": "invalid_request", "error_description": "code expired"}, 400), CodeRefused),
    ("x", Reply({"error": "invalid_request", "error_description": "the authorization code was invalid."}, 400), CodeRefused),
]


@pytest.mark.parametrize(("kind", "reply", "failure"), FAILURES)
def test_each_refusal_has_its_meaning(kind: str, reply: Reply, failure: type[ProviderFailed], outside: Outside) -> None:
    outside.replies["/token"] = reply
    with pytest.raises(ProviderFailed) as raised:
        with_provider(credentials(kind, outside), lambda provider: provider.exchange_code({"code": "c"}, ATTEMPT))
    assert type(raised.value) is failure
    assert outside.paths() == ["/token"], "a code is sent once"


@pytest.mark.parametrize(
    ("kind", "error", "failure"),
    [
        ("google", "access_denied", AccessDenied),
        ("google", "consent_required", AccessDenied),
        ("google", "temporarily_unavailable", TemporarilyUnavailable),
        ("google", "invalid_scope", ProviderFailed),
        ("google", "", ProviderFailed),
        ("linkedin", "user_cancelled_login", AccessDenied),
        ("apple", "user_cancelled_authorize", AccessDenied),
    ],
)
def test_each_error_that_the_browser_brings_has_its_meaning(kind: str, error: str, failure: type[ProviderFailed]) -> None:
    with pytest.raises(ProviderFailed) as raised:
        with_provider(credentials(kind), lambda provider: provider.exchange_code({"error": error, "code": "c"}, ATTEMPT))
    assert type(raised.value) is failure


@pytest.mark.parametrize("parameters", [{}, {"code": ""}, {"state": "s"}])
def test_a_browser_that_brings_nothing_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(CodeRefused):
        with_provider(credentials("google"), lambda provider: provider.exchange_code(parameters, ATTEMPT))


@pytest.mark.usefixtures("_still")
@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [
        ({"expires_in": 60}, 60),
        ({"expires_in": "60"}, 60),
        ({"expires_in": 60, "expires_at": NOW // 1000 + 5}, 60),
        ({"expires_at": NOW // 1000 + 5}, 5),
        ({"expires_in": None, "expires_at": str(NOW // 1000 + 5)}, 5),
        ({}, 3600),
        ({"expires_in": "soon", "expires_at": []}, 3600),
        ({"expires_in": True}, 3600),
        ({"expires_in": "NaN"}, 3600),
        ({"expires_in": "Infinity"}, 3600),
        ({"expires_in": -5}, 0),
        ({"expires_in": 10**40}, 10 * 366 * 86400),
    ],
)
def test_tokens_live_as_long_as_is_said(lifetime: dict[str, Any], seconds: int) -> None:
    assert tokens_of({"access_token": "at", **lifetime}).expires_at == NOW + seconds * 1000


def test_github_says_nothing_and_means_eight_hours(outside: Outside) -> None:
    outside.replies["/token"] = {"access_token": "gho_x", "scope": "user:email", "token_type": "bearer"}
    before = clock.now_millis()
    tokens = with_provider(credentials("github", outside), lambda provider: provider.exchange_code({"code": "c"}, ATTEMPT))
    assert before + 8 * 3_600_000 <= tokens.expires_at <= clock.now_millis() + 8 * 3_600_000


@pytest.mark.parametrize("token", [None, "", 7, ["at"], "a\nb", "ü", "x" * 16385])
def test_what_is_no_access_token_is_refused(token: Any) -> None:
    with pytest.raises(ProviderFailed):
        tokens_of({"access_token": token})


@pytest.mark.parametrize("kind", ["mac", "DPoP", "", 7])
def test_what_is_no_bearer_token_is_refused(kind: Any) -> None:
    with pytest.raises(ProviderFailed):
        tokens_of({"access_token": "at", "token_type": kind})


def test_odd_companions_are_left_out() -> None:
    tokens = tokens_of({"access_token": "at", "refresh_token": {"a": 1}, "id_token": 7, "scope": ["a"]})
    assert (tokens.refresh_token, tokens.id_token) == (None, None)
