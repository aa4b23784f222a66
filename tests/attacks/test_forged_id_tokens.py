"""ID tokens that prove nothing: forged, of another issuer, for another app, of another attempt (QUALITY C3, C4, C8, C9, C12)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.providers.oauth import id_tokens, microsoft
from hexclave_server.providers.oauth.apple import verify_apple_identity_token
from hexclave_server.providers.oauth.callback import one_of
from hexclave_server.providers.oauth.id_tokens import Expected, IdTokenRefused, verify_id_token
from hexclave_server.providers.oauth.provider import ProviderFailed, TemporarilyUnavailable
from tests.providers.keys import In, any_rsa_key, claims, ec_key, ed_key, key_set, rsa_key, segment, signed, unsigned, weak_key, with_hmac
from tests.providers.outside import LOOPBACK, Outside, Reply, running
from tests.providers.vendors import come_back, credentials, with_provider

outside = pytest.fixture(running)
ISSUER = "https://issuer.example.com"
SECRET = b"the secret of the client"


def expected(outside: Outside, **changed: Any) -> Expected:
    found = Expected(is_issuer=one_of(ISSUER), jwks_url=f"{outside.url}/keys", audiences=("client",), nonce="nonce-1", access_token="at")
    return msgspec.structs.replace(found, **changed)


def verify(outside: Outside, *tokens: str, **changed: Any) -> Any:
    """The claims of the last token; the ones before are refused."""

    async def run() -> Any:
        client = OutgoingClient(LOOPBACK)
        try:
            for token in tokens[:-1]:
                with pytest.raises(IdTokenRefused):
                    await verify_id_token(client, token, expected(outside, **changed))
            return await verify_id_token(client, tokens[-1], expected(outside, **changed))
        finally:
            await client.close()

    return asyncio.run(run())


def right(**changed: Any) -> dict[str, Any]:
    return claims(ISSUER, **{"nonce": "nonce-1", **changed})


def at_hash(access_token: str, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.parametrize(("key", "algorithm"), [(rsa_key(), "RS256"), (ec_key(), "ES256"), (ed_key(), "EdDSA"), (any_rsa_key(), "PS512")])
def test_a_right_token_is_believed(key: Any, algorithm: str, outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key(), ec_key(), ed_key(), any_rsa_key())
    assert verify(outside, signed(right(), key, algorithm, x5t="odd", **{"pi.atm": "1"}))["sub"] == "person-1"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["client"]},
        {"aud": ["client", "other"], "azp": "client"},
        {"azp": "client"},
        {"at_hash": at_hash("at")},
        {"iat": In(30), "nbf": In(30)},
        {"exp": In(-30)},
        {"iat": None},
    ],
)
def test_what_the_standard_allows_is_believed(changed: dict[str, Any], outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key())
    assert verify(outside, signed(right(**changed)))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        *(({"iss": issuer}, "issuer") for issuer in (None, "", ISSUER + "/", ISSUER.upper(), "https://evil.example.com", [ISSUER], 7)),
        *(
            ({"aud": aud}, "audience")
            for aud in (None, "", "Client", "other", [], ["other"], ["client", "other"], {"client": 1}, [["client"]])
        ),
        ({"aud": ["client", "other"], "azp": "other"}, "audience"),
        ({"azp": "other"}, "audience"),
        ({"azp": 7}, "audience"),
        *(({"exp": exp}, "time") for exp in (None, In(-3600), "9999999999", True, 0)),
        ({"iat": In(3600)}, "time"),
        ({"nbf": In(3600)}, "time"),
        *(({"sub": sub}, "subject") for sub in (None, "", 7, ["a"], "x" * 256, "a\x00b")),
        *(({"nonce": nonce}, "nonce") for nonce in (None, "", "nonce-2", ["nonce-1"], 7)),
        *(({"at_hash": value}, "access token") for value in ("", at_hash("other"), at_hash("at", "sha512"), 7)),
    ],
)
def test_a_claim_that_is_not_ours_is_refused(changed: dict[str, Any], reason: str, outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key())
    with pytest.raises(IdTokenRefused, match=reason):
        verify(outside, signed(right(**changed)))


def test_no_signature_and_no_shared_secret_counts(outside: Outside) -> None:
    public = rsa_key().as_dict(private=False)
    as_secret = [rsa_key().as_pem(private=False), json.dumps(public).encode(), b"", SECRET]
    outside.replies["/keys"] = {"keys": [public, OctKey.import_key(SECRET, {"kid": "oct"}).as_dict(private=True)]}
    tokens = [
        unsigned(right()),
        unsigned(right(), alg="None"),
        unsigned(right(), alg="nOnE", kid="rsa"),
        unsigned(right(), segment(b"x"), kid="rsa"),
        *(with_hmac(right(), secret, kid=kid) for secret in as_secret for kid in ("rsa", "oct")),
        with_hmac(right(), SECRET, jwk=OctKey.import_key(SECRET).as_dict(private=True)),
        signed(right()),
    ]
    assert verify(outside, *tokens)


def test_another_key_of_the_same_name_is_refused(outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key())
    evil = RSAKey.generate_key(2048, {"kid": "rsa"})
    token = signed(right(), evil, jwk=evil.as_dict(private=False), jku="https://evil.example.com/keys")
    altered = signed(right()).split(".")
    altered[1] = segment(right(sub="person-2"))
    verify(outside, token, ".".join(altered), signed(right()))
    assert outside.paths() == ["/keys"], "keys come from nowhere else"


def test_a_key_does_what_it_is_for(outside: Outside) -> None:
    encrypting, other, weak = rsa_key("encrypting"), rsa_key("other"), weak_key()
    outside.replies["/keys"] = {
        "keys": [
            encrypting.as_dict(private=False) | {"use": "enc"},
            other.as_dict(private=False) | {"alg": "RS512"},
            rsa_key("ops").as_dict(private=False) | {"key_ops": ["sign"]},
            weak.as_dict(private=False),
            rsa_key().as_dict(private=False),
        ]
    }
    tokens = [signed(right(), key) for key in (encrypting, other, rsa_key("ops"), weak)]
    assert verify(outside, *tokens, signed(right(), algorithm="RS256"))


def test_a_token_that_does_not_name_its_key_must_have_only_one(outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key(), ec_key())
    assert verify(outside, signed(right(), kid=None))
    outside.replies["/keys"] = key_set(rsa_key(), rsa_key("second"))
    with pytest.raises(IdTokenRefused, match="which key"):
        verify(outside, signed(right(), kid=None))


@pytest.mark.parametrize("kid", ["unknown", 7, ["rsa"], {"a": 1}])
def test_a_token_of_an_unknown_key_is_refused(kid: Any, outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key())
    token = f"{segment({'alg': 'RS256', 'kid': kid})}.{segment(right())}.{segment(b'x' * 256)}"
    with pytest.raises(IdTokenRefused, match="not among"):
        verify(outside, token)


def test_a_new_key_is_asked_for_but_strangers_do_not_make_us_ask_often(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_tokens, "RENEWAL_SECONDS", 0)
    replies = iter([key_set(rsa_key()), key_set(rsa_key(), rsa_key("new"))])
    outside.replies["/keys"] = lambda _: next(replies)

    async def run() -> None:
        client = OutgoingClient(LOOPBACK)
        try:
            assert await verify_id_token(client, signed(right()), expected(outside))
            assert await verify_id_token(client, signed(right(), rsa_key("new")), expected(outside))
            monkeypatch.setattr(id_tokens, "RENEWAL_SECONDS", 60)
            for number in range(20):
                with pytest.raises(IdTokenRefused):
                    await verify_id_token(client, signed(right(), rsa_key("new"), kid=f"unknown-{number}"), expected(outside))
        finally:
            await client.close()

    asyncio.run(run())
    assert outside.paths() == ["/keys"] * 2


def _malformed() -> list[str]:
    head, body, signature = signed(right()).split(".")
    return [
        "",
        "a.b.c",
        "..",
        head,
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}..{signature}",
        f"{head}.{body}.{signature}.",
        f"{head}.{body}.{signature}.{signature}.{signature}",
        f"{head}.{body}.{signature[:-8]}",
        f"{head}.{body}.{signature}ü",
        f"{head}.{'A' * 70_000}.{signature}",
        signed(b"[]"),
        signed(b"{"),
        signed(b"[" * 50_000),
        signed(b'{"sub": "\\ud800"}'),
        f"{segment({'alg': 'RS256', 'kid': 'rsa', 'crit': ['exp'], 'exp': 1})}.{body}.{signature}",
        f"{segment({'alg': 'RS256', 'kid': 'rsa', 'b64': False, 'crit': ['b64']})}.{body}.{signature}",
        f"{segment({'alg': ['RS256'], 'kid': 'rsa'})}.{body}.{signature}",
        f"{segment([])}.{body}.{signature}",
    ]


def test_what_is_no_token_is_refused(outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key())
    assert verify(outside, *_malformed(), signed(right()))


@pytest.mark.parametrize(
    "keys", [[], {}, {"keys": {}}, {"keys": [7, None, {}]}, {"keys": [{"kty": "RSA", "kid": "rsa", "n": "!", "e": "AQAB"}]}]
)
def test_keys_that_are_none(keys: Any, outside: Outside) -> None:
    outside.replies["/keys"] = keys
    with pytest.raises(IdTokenRefused):
        verify(outside, signed(right()))


def test_a_point_that_is_on_no_curve(outside: Outside) -> None:
    public = ec_key().as_dict(private=False)
    outside.replies["/keys"] = {"keys": [{**public, "x": public["y"]}]}
    with pytest.raises(IdTokenRefused):
        verify(outside, signed(right(), ec_key(), "ES256"))


@pytest.mark.parametrize(("status", "failure"), [(404, ProviderFailed), (503, TemporarilyUnavailable)])
def test_without_keys_nobody_is_believed(status: int, failure: type[ProviderFailed], outside: Outside) -> None:
    outside.replies["/keys"] = Reply(b"", status)
    with pytest.raises(ProviderFailed) as raised:
        verify(outside, signed(right()))
    assert type(raised.value) is failure


# --- vendors ---


@pytest.mark.parametrize("kind", ["google", "linkedin", "facebook"])
def test_a_profile_of_another_person_than_the_id_token_is_refused(kind: str, outside: Outside) -> None:
    outside.replies |= {
        "/token": {"access_token": "at", "id_token": signed(claims(outside.url, sub="person-1"))},
        "/keys": key_set(rsa_key()),
        "/me": {"sub": "person-2", "id": "person-2", "email": "ada@example.com", "email_verified": True},
    }
    with pytest.raises(ProviderFailed, match="another person"):
        with_provider(credentials(kind, outside), come_back)


@pytest.mark.parametrize("kind", ["google", "linkedin", "facebook", "microsoft", "apple"])
@pytest.mark.parametrize("changed", [{"aud": "other"}, {"iss": "https://evil.example.com"}, {"exp": In(-3600)}])
def test_a_vendors_id_token_is_looked_at(kind: str, changed: dict[str, Any], outside: Outside) -> None:
    outside.replies |= {
        "/token": {"access_token": "at", "id_token": signed(claims(outside.url, **changed))},
        "/keys": key_set(rsa_key()),
        "/me": {"sub": "person-1", "id": "person-1", "email": "ada@example.com"},
    }
    with pytest.raises(IdTokenRefused):
        with_provider(credentials(kind, outside), come_back)


CONTOSO, FABRIKAM = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"
PERSONS = "9188040d-6c67-4c5b-b112-36a304b66dad"


def microsoft_issuer(tenant: str) -> str:
    return f"https://login.microsoftonline.com/{tenant}/v2.0"


@pytest.mark.parametrize(
    ("configured", "tenant", "accepted"),
    [
        (CONTOSO, CONTOSO, True),
        (CONTOSO.upper(), CONTOSO, True),
        (CONTOSO, FABRIKAM, False),
        ("consumers", PERSONS, True),
        ("consumers", CONTOSO, False),
        ("organizations", CONTOSO, True),
        ("common", PERSONS, True),
        ("contoso.com", CONTOSO, True),
        ("common", "common", False),
        ("common", "{tenantid}", False),
        ("common", f"{CONTOSO}/x", False),
    ],
)
def test_a_directory_of_microsoft_is_the_one_that_the_project_named(configured: str, tenant: str, accepted: bool) -> None:
    assert microsoft.is_issuer(microsoft_issuer(tenant), configured) is accepted


def test_the_tenant_of_a_microsoft_token_is_that_of_its_issuer() -> None:
    assert microsoft.is_of_its_tenant({"iss": microsoft_issuer(CONTOSO), "tid": CONTOSO})
    assert not microsoft.is_of_its_tenant({"iss": microsoft_issuer(CONTOSO), "tid": FABRIKAM})
    assert not microsoft.is_of_its_tenant({"iss": microsoft_issuer(CONTOSO)})


# --- native Apple ---


def apple(outside: Outside, token: str) -> Any:
    async def run() -> Any:
        client = OutgoingClient()
        try:
            return await verify_apple_identity_token(
                client, token, {"com.example.app", "com.example.beta"}, issuer=ISSUER, jwks_url=f"{outside.url}/keys"
            )
        finally:
            await client.close()

    return asyncio.run(run())


def test_an_app_on_a_device_brings_a_token_for_itself(outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key())
    token = signed(claims(ISSUER, "com.example.beta", email="ada@example.com", email_verified="true", nonce="the app's own"))
    profile = apple(outside, token)
    assert (profile.account_id, profile.email, profile.email_verified) == ("person-1", "ada@example.com", True)


@pytest.mark.parametrize(
    ("audience", "changed"),
    [
        ("com.evil.app", {}),
        (["com.example.app", "com.evil.app"], {}),
        ("com.example.app", {"azp": "com.evil.app"}),
        ("com.example.app", {"iss": "https://accounts.google.com"}),
        ("com.example.app", {"exp": In(-3600)}),
        ("com.example.app", {"sub": None}),
    ],
)
def test_the_token_of_another_app_or_issuer_is_refused(audience: Any, changed: dict[str, Any], outside: Outside) -> None:
    outside.replies["/keys"] = key_set(rsa_key(), ECKey.generate_key("P-256", {"kid": "second"}))
    with pytest.raises(IdTokenRefused):
        apple(outside, signed(claims(ISSUER, audience, **changed)))
