"""Providers that are slow, broken or hostile: contained, and nothing of what they said goes on (QUALITY C9)."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server.core import outgoing
from hexclave_server.providers.oauth.provider import ProviderFailed, TemporarilyUnavailable
from tests.providers.outside import Outside, Reply, running
from tests.providers.test_requests import PROFILES
from tests.providers.vendors import ATTEMPT, come_back, credentials, discovery, issuer_credentials, with_provider

outside = pytest.fixture(running)

MARK = "tell-nobody-4711"
BROKEN: dict[str, tuple[Reply, type[ProviderFailed]]] = {
    "a page": (Reply(f"<html>{MARK}</html>".encode()), ProviderFailed),
    "nothing": (Reply(b""), ProviderFailed),
    "half a document": (Reply(f'{{"access_token": "{MARK}'.encode()), ProviderFailed),
    "a list": (Reply([MARK]), ProviderFailed),
    "a number": (Reply(b"7"), ProviderFailed),
    "null": (Reply(b"null"), ProviderFailed),
    "depth": (Reply(b"[" * 100_000), ProviderFailed),
    "bytes that are no text": (Reply(b'{"a": "\xff\xfe"}'), ProviderFailed),
    "five megabytes": (Reply(b'{"a": "' + b"x" * 5_242_880 + b'"}'), ProviderFailed),
    "an error": (Reply({"error": MARK, "error_description": MARK, "message": MARK}, 400), ProviderFailed),
    "forbidden": (Reply({"error": {"message": MARK, "code": MARK}}, 403), ProviderFailed),
    "a redirect": (Reply(MARK.encode(), 302, {"location": f"https://example.com/{MARK}"}), ProviderFailed),
    "500": (Reply(f"<html>{MARK}</html>".encode(), 500), TemporarilyUnavailable),
    "503": (Reply({"error": MARK}, 503), TemporarilyUnavailable),
    "429": (Reply({"error": MARK}, 429), TemporarilyUnavailable),
    "a minute": (Reply({"access_token": MARK}, seconds=60), TemporarilyUnavailable),
}
KINDS = tuple(PROFILES)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "FIRST_PAUSE_SECONDS", 0.001)


def fails(work: Any, found: Any) -> ProviderFailed:
    """The failure, which says nothing that the provider said."""
    with pytest.raises(ProviderFailed) as raised:
        with_provider(found, work)
    failure = raised.value
    assert MARK not in f"{failure} {failure.reason} {failure.args!r} {failure.__cause__!r}"
    assert failure.__suppress_context__ or failure.__context__ is None, "a log would show what stands behind it"
    return failure


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_token_endpoint(name: str, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.3 if name == "a minute" else 10)
    reply, kind = BROKEN[name]
    outside.replies["/token"] = reply
    assert type(fails(lambda provider: provider.exchange_code({"code": "c"}, ATTEMPT), credentials("google", outside))) is kind
    assert type(fails(lambda provider: provider.refresh("rt", ()), credentials("google", outside))) is kind


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_profile(name: str, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.3 if name == "a minute" else 10)
    reply, failure = BROKEN[name]
    kinds = KINDS if name in ("a page", "a list") else ("google",)
    for kind in kinds:
        outside.replies = {"/token": {"access_token": "at"}, "/me": reply, "/me/emails": []}
        outside.asked.clear()
        assert isinstance(fails(come_back, credentials(kind, outside)), failure), kind
        attempts = 3 if failure is TemporarilyUnavailable else 1
        assert outside.paths().count("/me") == attempts, "what may pass is asked for three times in all"


@pytest.mark.parametrize("kind", ["github", "gitlab", "bitbucket"])
@pytest.mark.parametrize("name", ["a page", "five megabytes", "500"])
def test_broken_addresses(kind: str, name: str, outside: Outside) -> None:
    outside.replies |= {"/token": {"access_token": "at"}, **PROFILES[kind][0], "/me/emails": BROKEN[name][0]}
    assert isinstance(fails(come_back, credentials(kind, outside)), BROKEN[name][1])


@pytest.mark.parametrize("name", ["a page", "a list", "depth", "five megabytes", "a redirect", "503", "a minute"])
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/me"])
def test_a_broken_issuer(path: str, name: str, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.providers.keys import claims, key_set, rsa_key, signed

    monkeypatch.setattr(outgoing, "SECONDS", 0.5 if name == "a minute" else 10)
    outside.replies = {
        "/.well-known/openid-configuration": discovery(outside),
        "/keys": key_set(rsa_key()),
        "/token": {"access_token": "at", "id_token": signed(claims(outside.url, nonce=ATTEMPT.nonce))},
        "/me": {"sub": "person-1"},
        path: BROKEN[name][0],
    }
    if (path, name) == ("/me", "a list"):
        assert with_provider(issuer_credentials(outside), come_back).email is None, "there is no more to know"
        return
    assert isinstance(fails(come_back, issuer_credentials(outside)), BROKEN[name][1])


def test_asking_whether_a_token_is_good_does_not_condemn_it_while_the_provider_is_away(outside: Outside) -> None:
    outside.replies["/me"] = Reply(b"", 503)
    assert isinstance(fails(lambda provider: provider.accepts("at"), credentials("google", outside)), TemporarilyUnavailable)
    assert len(outside.asked) == 1
