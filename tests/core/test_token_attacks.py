"""Access tokens that nobody issued: all are refused, none makes another error (QUALITY B10)."""

import base64
import hmac
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.core.jws import MalformedToken, encode_segment, parse
from hexclave_server.core.tokens import (
    TokenExpired,
    TokenUnparsable,
)
from tests.core.genuine_tokens import (
    ADA,
    KEYS,
    ORIGIN,
    OTHER_PROJECT,
    PROJECT,
    TOKEN,
    genuine_claims,
    kid,
    refused,
    signed,
    signed_with_header,
    verified,
)


def with_hs256_under_the_public_key() -> str:
    """The classic: the public key, known to everyone, taken as an HMAC secret."""
    private = serialization.load_der_private_key(KEYS.by_project[PROJECT]["normal"][0].to_der(), None)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = f"{encode_segment(json.dumps({'alg': 'HS256', 'kid': kid()}).encode())}.{TOKEN.split('.')[1]}"
    return f"{body}.{encode_segment(hmac.digest(pem, body.encode(), 'sha256'))}"


def with_rs256() -> str:
    """A token signed with an RSA key of the attacker."""
    body = f"{encode_segment(json.dumps({'alg': 'RS256', 'kid': kid()}).encode())}.{TOKEN.split('.')[1]}"
    signature = rsa.generate_private_key(65537, 2048).sign(body.encode(), PKCS1v15(), SHA256())
    return f"{body}.{encode_segment(signature)}"


FORGED_HEADERS = [
    {"alg": "none", "kid": kid()},
    {"alg": "None", "kid": kid()},
    {"kid": kid()},
    {"alg": "es256", "kid": kid()},
    {"alg": ["ES256"], "kid": kid()},
    {"alg": "ES384", "kid": kid()},
    {"alg": "HS256", "kid": kid()},
    {"alg": "ES256"},
    {"alg": "ES256", "kid": None},
    {"alg": "ES256", "kid": ["x"]},
    {"alg": "ES256", "kid": "unknown12345"},
    {"alg": "ES256", "kid": "../../../../dev/null"},
    {"alg": "ES256", "kid": "x' UNION SELECT 'key' --"},
    {"alg": "ES256", "kid": "\ud800"},
    {"alg": "ES256", "kid": kid(), "typ": "at+jwt"},
    {"alg": "ES256", "kid": kid(), "typ": ["JWT"]},
    {"alg": "ES256", "kid": kid(), "crit": ["exp"]},
    {"alg": "ES256", "kid": kid(), "crit": []},
    {"alg": "ES256", "kid": kid(), "b64": False},
    {"alg": "ES256", "kid": kid(), "zip": "DEF"},
    {"alg": "ES256", "kid": kid(), "cty": "JWT"},
    {"alg": "ES256", "kid": kid(), "jku": "https://evil.example/jwks.json"},
    {"alg": "ES256", "kid": kid(), "x5u": "https://evil.example/cert.pem"},
    {"alg": "ES256", "kid": kid(), "jwk": {"kty": "EC"}},
    {"alg": "ES256", "kid": kid(), "x5c": ["MIIB"]},
]


@pytest.mark.parametrize("header", FORGED_HEADERS, ids=itertools.count())
def test_no_other_header_is_accepted_even_well_signed(header: dict[str, Any]) -> None:
    refused(signed_with_header(json.dumps(header).encode()))


def test_typ_jwt_is_accepted() -> None:
    token = signed_with_header(json.dumps({"typ": "JWT", "alg": "ES256", "kid": kid()}).encode())
    assert verified(token).user_id == ADA.id


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"ES256","kid":"%b","kid":"%b"}' % (kid().encode(), kid().encode()),
        b'{"alg":"none","alg":"ES256","kid":"%b"}' % kid().encode(),
        b'["ES256"]',
        b'"ES256"',
        b"null",
        b"",
        b"\xff\xfe",
        b'{"alg":"ES256","kid":"%b"} x' % kid().encode(),
        b"[" * 3000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"alg":"ES256","kid":NaN}',
        b'{"alg":"ES256","kid":' + b"9" * 5000 + b"}",
    ],
    ids=itertools.count(),
)
def test_malformed_headers_are_refused(header: bytes) -> None:
    refused(signed_with_header(header))


@pytest.mark.parametrize("make", [with_hs256_under_the_public_key, with_rs256])
def test_algorithm_confusion_is_refused(make: Callable[[], str]) -> None:
    assert refused(make()) == "header"


CLAIM_ATTACKS: list[dict[str, Any]] = [
    {"aud": ...},
    {"aud": None},
    {"aud": [PROJECT]},
    {"aud": PROJECT.upper()},
    {"aud": OTHER_PROJECT},
    {"aud": f"{PROJECT}:restricted"},
    {"aud": f"{PROJECT}:anon"},
    {"aud": f"{PROJECT}:other"},
    {"aud": f"{PROJECT}\n"},
    {"aud": f" {PROJECT}"},
    {"aud": "x" * 65},
    {"aud": "' OR 1=1 --"},
    {"aud": "\ud800"},
    {"iss": ...},
    {"iss": f"{ORIGIN}/api/v1/projects-restricted-users/{PROJECT}"},
    {"iss": f"{ORIGIN}/api/v1/projects/{OTHER_PROJECT}"},
    {"iss": f"https://evil.example/api/v1/projects/{PROJECT}"},
    {"iss": f"{ORIGIN}/api/v1/projects/{PROJECT}/"},
    {"project_id": OTHER_PROJECT},
    {"project_id": ...},
    {"branch_id": "other"},
    {"branch_id": ...},
    {"role": "admin"},
    {"role": ...},
    {"sub": ...},
    {"sub": 7},
    {"refresh_token_id": ...},
    {"is_anonymous": True},
    {"is_restricted": True},
    {"is_restricted": True, "restricted_reason": {"type": "email_not_verified"}},
    {"is_anonymous": 0},
    {"restricted_reason": {"type": "email_not_verified"}},
    {"exp": ...},
    {"exp": "9999999999"},
    {"exp": 9999999999.5},
    {"exp": True},
    {"exp": None},
    {"iat": ...},
    {"iat": 9999999998, "exp": 9999999999},
    {"exp": 1, "iat": 2},
    {"nbf": 9999999999},
    {"nbf": "0"},
]


@pytest.mark.parametrize("changes", CLAIM_ATTACKS, ids=repr)
def test_contradicting_claims_are_refused_even_well_signed(changes: dict[str, Any]) -> None:
    refused(signed(genuine_claims(**changes)))


def test_restricted_tokens_need_a_fitting_reason() -> None:
    key = KEYS.by_project[PROJECT]["restricted"][0]
    base = {
        "aud": f"{PROJECT}:restricted",
        "iss": f"{ORIGIN}/api/v1/projects-restricted-users/{PROJECT}",
        "is_restricted": True,
        "restricted_reason": {"type": "email_not_verified"},
    }
    assert verified(signed(genuine_claims(**base), key)).restricted_reason == "email_not_verified"
    for reason in (None, {}, {"type": "anonymous"}, {"type": ["x"]}, "email_not_verified"):
        refused(signed(genuine_claims(**{**base, "restricted_reason": reason}), key))


def test_a_key_signs_for_its_audience_only() -> None:
    for user_type in ("restricted", "anonymous"):
        assert refused(signed(genuine_claims(), KEYS.by_project[PROJECT][user_type][0])) == "not a key of its audience"
    assert refused(signed(genuine_claims(), KEYS.by_project[OTHER_PROJECT]["normal"][0])) == "not a key of its audience"


def test_a_foreign_key_under_a_known_kid_is_refused() -> None:
    body = TOKEN.rpartition(".")[0]
    foreign = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(foreign.sign(body.encode(), ec.ECDSA(SHA256())))
    assert refused(f"{body}.{encode_segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}") == "signature"


def test_repeated_claims_are_refused() -> None:
    payload = json.dumps(genuine_claims()).encode()
    refused(signed(payload[:-1] + b',"sub":"someone else"}'))


def test_an_unknown_project_is_told_apart() -> None:
    with pytest.raises(TokenUnparsable) as refusal:
        verified(signed(genuine_claims(aud="nobody", project_id="nobody")))
    assert refusal.value.project_unknown


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def respelled() -> dict[str, str]:
    """Other spellings of a genuine token, and broken ones."""
    head, body, signature = TOKEN.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return {
        "the other of the two signatures": f"{head}.{body}.{encode_segment(raw[:32] + (P256_ORDER - s).to_bytes(32, 'big'))}",
        "s plus the order": f"{head}.{body}.{encode_segment(raw[:32] + ((s + P256_ORDER) % 2**256).to_bytes(32, 'big'))}",
        "zero signature": f"{head}.{body}.{encode_segment(bytes(64))}",
        "r zero": f"{head}.{body}.{encode_segment(bytes(32) + raw[32:])}",
        "order as r and s": f"{head}.{body}.{encode_segment(P256_ORDER.to_bytes(32, 'big') * 2)}",
        "DER signature": f"{head}.{body}.{encode_segment(b'0D' + raw)}",
        "long signature": f"{head}.{body}.{encode_segment(raw + bytes(1))}",
        "short signature": f"{head}.{body}.{encode_segment(raw[:63])}",
        "no signature": f"{head}.{body}.",
        "two segments": f"{head}.{body}",
        "four segments": f"{TOKEN}.{signature}",
        "five segments": f"{TOKEN}.a.b",
        "padding": TOKEN + "==",
        "spare bits": TOKEN[:-1] + last[last.index(TOKEN[-1]) | 1],
        "standard alphabet": f"{head}.{body}.{base64.b64encode(bytes([251]) * 64).decode().rstrip('=')}",
        "space before": " " + TOKEN,
        "newline after": TOKEN + "\n",
        "tab within": TOKEN[:50] + "\t" + TOKEN[50:],
        "Bearer": "Bearer " + TOKEN,
        "empty": "",
        "dots": "..",
        "NUL": TOKEN + "\0",
        "wide characters": TOKEN.replace("e", "\uff45"),
        "surrogate": TOKEN + "\ud800",
        "one megabyte": "a" * 1_000_000,
        "deep payload": f"{head}.{encode_segment(b'[' * 5000)}.{signature}",
        "too long": f"{head}.{encode_segment(b' ' * 7000 + b'{}')}.{signature}",
        "r equals s mod": f"{head}.{body}.{encode_segment(r.to_bytes(32, 'big') * 2)}",
    }


@pytest.mark.parametrize("name", respelled())
def test_a_token_has_one_spelling(name: str) -> None:
    token = respelled()[name]
    if token != TOKEN:
        refused(token)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_no_single_character_can_be_changed(position: int, char: str) -> None:
    mutated = TOKEN[:position] + char + TOKEN[position + 1 :]
    if mutated != TOKEN:
        refused(mutated)


@given(st.integers(0, len(TOKEN)), st.integers(0, 40), st.text(max_size=3))
def test_no_piece_can_be_cut_or_put_in(position: int, removed: int, inserted: str) -> None:
    mutated = TOKEN[:position] + inserted + TOKEN[position + removed :]
    if mutated != TOKEN:
        refused(mutated)


@given(st.text())
def test_text_is_no_token_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(MalformedToken):
        parse(text)
    refused(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(parse(TOKEN).claims)), json_values)
def test_any_value_in_a_claim_verifies_or_is_refused_cleanly(claim: str, value: Any) -> None:
    token = signed(genuine_claims(**{claim: value}))
    try:
        claims = verified(token)
    except (TokenUnparsable, TokenExpired):
        return
    assert (claims.project_id, claims.user_type) == (PROJECT, "normal")
