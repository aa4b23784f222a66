"""Access tokens: genuine ones verify with exactly the contract's claims, everything else is refused (QUALITY B10, B11)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from hexclave_server.core import clock
from hexclave_server.core.context import Tenancy
from hexclave_server.core.jws import MalformedToken, encode_segment, parse
from hexclave_server.core.tokens import (
    AccessTokenClaims,
    PublicJwk,
    SigningKey,
    TokenExpired,
    TokenIssuer,
    TokenUnparsable,
    TokenUser,
    TokenVerifier,
    UserType,
    VerificationKey,
    generate_signing_keys,
)

ORIGIN = "https://auth.example.com"
PROJECT = "3f2b8c1e-0000-4000-8000-123456789abd"
OTHER_PROJECT = "3f2b8c1e-0000-4000-8000-123456789abe"
TENANCY = Tenancy("7f2b8c1e-0000-4000-8000-123456789abd", PROJECT, "main")
SESSION = "5f2b8c1e-0000-4000-8000-123456789abc"
ADA = TokenUser(
    id="3f2b8c1e-0000-4000-8000-123456789abc",
    display_name="Ada „Ä“ Lovelace",
    primary_email="ada@example.com",
    primary_email_verified=True,
    selected_team_id=None,
    signed_up_at=1_700_000_000_999,
    is_anonymous=False,
    restricted_reason=None,
    requires_totp_mfa=False,
)


class Keys:
    """Signing keys of two projects, in memory."""

    def __init__(self) -> None:
        self.by_project: dict[str, dict[UserType, tuple[SigningKey, ...]]] = {
            PROJECT: dict(generate_signing_keys()),
            OTHER_PROJECT: dict(generate_signing_keys()),
        }
        self.asked = 0

    async def signing_key(self, tenancy: Any, user_type: UserType) -> SigningKey:
        return self.by_project[tenancy.project_id][user_type][0]

    async def verification_keys(self, project_id: str, user_type: UserType) -> list[VerificationKey] | None:
        self.asked += 1
        project = self.by_project.get(project_id)
        return None if project is None else [key.verification_key for key in project[user_type]]

    async def key_set(self, project_id: str, user_types: Sequence[UserType]) -> list[PublicJwk] | None:
        return [key.public_jwk for user_type in user_types for key in self.by_project[project_id][user_type]]


KEYS = Keys()


def issued(user: TokenUser = ADA, keys: Keys = KEYS) -> str:
    """A genuine token."""

    async def issue() -> str:
        return await TokenIssuer(keys, ORIGIN, 600).issue(TENANCY, user, SESSION)

    return anyio.run(issue)


def verified(token: str, keys: Keys = KEYS) -> AccessTokenClaims:
    """The claims according to a verifier that has seen nothing yet."""

    async def verify() -> AccessTokenClaims:
        return await TokenVerifier(keys, ORIGIN).verify(token)

    return anyio.run(verify)


def genuine_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a genuine token with some changed; `...` removes one."""
    claims = {**parse(issued()).claims, **changes}
    return {name: value for name, value in claims.items() if value is not ...}


def signed(claims: dict[str, Any] | bytes, key: SigningKey | None = None) -> str:
    """A token with these claims and a good signature of the project's key for normal users."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return (key or KEYS.by_project[PROJECT]["normal"][0]).sign(payload)


def signed_with_header(header: bytes, claims: dict[str, Any] | None = None) -> str:
    """A token with any header, signed with the project's key for normal users over exactly that header."""
    key = KEYS.by_project[PROJECT]["normal"][0]
    body = f"{encode_segment(header)}.{encode_segment(json.dumps(claims or genuine_claims()).encode())}"
    private = serialization.load_der_private_key(key.to_der(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    while True:
        r, s = decode_dss_signature(private.sign(body.encode(), ec.ECDSA(SHA256())))
        if s < 2**254:  # surely the lower of the two
            return f"{body}.{encode_segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def kid() -> str:
    """The key id of the project's key for normal users."""
    return KEYS.by_project[PROJECT]["normal"][0].kid


TOKEN = issued()


def test_claims_are_exactly_those_of_the_contract() -> None:
    parsed = parse(TOKEN)
    iat = parsed.claims["iat"]
    assert abs(iat - clock.now_millis() / 1000) < 10
    assert list(parsed.claims.items()) == list(
        {
            "iss": f"{ORIGIN}/api/v1/projects/{PROJECT}",
            "aud": PROJECT,
            "sub": ADA.id,
            "iat": iat,
            "exp": iat + 600,
            "project_id": PROJECT,
            "branch_id": "main",
            "refresh_token_id": SESSION,
            "role": "authenticated",
            "name": "Ada „Ä“ Lovelace",
            "email": "ada@example.com",
            "email_verified": True,
            "selected_team_id": None,
            "signed_up_at": 1_700_000_000,
            "is_anonymous": False,
            "is_restricted": False,
            "restricted_reason": None,
            "requires_totp_mfa": False,
        }.items()
    )
    header = json.loads(base64.urlsafe_b64decode(TOKEN.split(".")[0] + "=="))
    assert header == {"alg": "ES256", "kid": kid()}


@pytest.mark.parametrize(
    ("changes", "suffix", "path", "reason"),
    [
        ({"restricted_reason": "email_not_verified"}, ":restricted", "projects-restricted-users", "email_not_verified"),
        ({"restricted_reason": "restricted_by_administrator"}, ":restricted", "projects-restricted-users", "restricted_by_administrator"),
        ({"is_anonymous": True}, ":anon", "projects-anonymous-users", "anonymous"),
        ({"is_anonymous": True, "restricted_reason": "anonymous"}, ":anon", "projects-anonymous-users", "anonymous"),
    ],
)
def test_each_user_type_has_its_audience_and_issuer(changes: dict[str, Any], suffix: str, path: str, reason: str) -> None:
    fields = {name: getattr(ADA, name) for name in ADA.__struct_fields__}
    token = issued(TokenUser(**{**fields, **changes}))
    claims = parse(token).claims
    assert claims["aud"] == PROJECT + suffix
    assert claims["iss"] == f"{ORIGIN}/api/v1/{path}/{PROJECT}"
    assert claims["restricted_reason"] == {"type": reason}
    assert claims["is_restricted"] is True
    assert claims["is_anonymous"] is (suffix == ":anon")
    read = verified(token)
    assert (read.restricted_reason, read.is_anonymous, read.is_restricted) == (reason, suffix == ":anon", True)


def test_a_genuine_token_verifies() -> None:
    claims = verified(TOKEN)
    assert (claims.user_id, claims.project_id, claims.branch_id, claims.session_id) == (ADA.id, PROJECT, "main", SESSION)
    assert claims.user_type == "normal"
    assert claims.restricted_reason is None
    assert claims.expires_at - claims.issued_at == 600_000


def test_other_software_verifies_our_tokens_with_the_published_key() -> None:
    jwk = KEYS.by_project[PROJECT]["normal"][0].public_jwk
    public = {name: getattr(jwk, name) for name in jwk.__struct_fields__}
    assert set(public) == {"kty", "alg", "crv", "x", "y", "kid"}
    for _ in range(20):
        assert jwt.decode(issued(), ECKey.import_key(public), algorithms=["ES256"]).claims["sub"] == ADA.id
    assert ECKey.import_key(public).thumbprint()[:12] == jwk.kid


def test_keys_survive_storage() -> None:
    key = SigningKey.generate()
    again = SigningKey.from_der(key.to_der())
    assert again.kid == key.kid
    parsed = parse(again.sign(b"{}"))
    assert VerificationKey.from_jwk(key.public_jwk).accepts(parsed.signed, parsed.signature)
    other = ec.generate_private_key(ec.SECP384R1())
    der = other.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(ValueError, match="P-256"):
        SigningKey.from_der(der)


def test_six_keys_per_project_all_different() -> None:
    assert len({key.kid for pair in generate_signing_keys().values() for key in pair}) == 6


def refused(token: str) -> str:
    """The reason why a token is refused as unparsable."""
    with pytest.raises(TokenUnparsable) as refusal:
        verified(token)
    return str(refusal.value)


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


@pytest.mark.parametrize("header", FORGED_HEADERS, ids=json.dumps)
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


def moved_clock(monkeypatch: pytest.MonkeyPatch, millis: int) -> None:
    """Set the clock this much later than it is."""
    now = clock.now_millis()
    monkeypatch.setattr(clock, "now_millis", lambda: now + millis)


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine to its end."""
    anyio.run(work)


def test_expiry_has_no_leeway_and_tells_whose_token_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    exp = parse(TOKEN).claims["exp"]

    async def work() -> None:
        remembering = TokenVerifier(KEYS, ORIGIN)
        await remembering.verify(TOKEN)
        for verifier in (remembering, TokenVerifier(KEYS, ORIGIN)):  # the one that remembers it and one that does not
            monkeypatch.setattr(clock, "now_millis", lambda: exp * 1000 - 1)
            await verifier.verify(TOKEN)
            monkeypatch.setattr(clock, "now_millis", lambda: exp * 1000)
            with pytest.raises(TokenExpired) as expired:
                await verifier.verify(TOKEN)
            error = expired.value
            assert (error.expired_at_millis, error.project_id, error.user_id, error.session_id) == (exp * 1000, PROJECT, ADA.id, SESSION)

    run(work)


def test_signature_precedes_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    moved_clock(monkeypatch, 3_600_000)
    head, body, _ = TOKEN.split(".")
    assert refused(f"{head}.{body}.{encode_segment(hashlib.sha512(b'x').digest()[:32] + bytes(31) + b'1')}") == "signature"


def test_a_verified_token_is_remembered_and_can_be_forgotten() -> None:
    async def work() -> None:
        keys = Keys()
        token = await TokenIssuer(keys, ORIGIN, 600).issue(TENANCY, ADA, SESSION)
        verifier = TokenVerifier(keys, ORIGIN)
        for _ in range(3):
            await verifier.verify(token)
        assert keys.asked == 1
        verifier.forget_key("another")
        await verifier.verify(token)
        assert keys.asked == 1
        verifier.forget_key(keys.by_project[PROJECT]["normal"][0].kid)
        await verifier.verify(token)
        assert keys.asked == 2
        verifier.forget()
        await verifier.verify(token)
        assert keys.asked == 3

    run(work)


def test_a_withdrawn_key_is_refused_once_the_generation_changes() -> None:
    async def work() -> None:
        keys, generation = Keys(), [1]
        token = await TokenIssuer(keys, ORIGIN, 600).issue(TENANCY, ADA, SESSION)
        verifier = TokenVerifier(keys, ORIGIN, lambda: generation[0])
        await verifier.verify(token)
        generation[0] = 2  # something else changed: the key is confirmed, the signature not checked again
        await verifier.verify(token)
        await verifier.verify(token)
        assert keys.asked == 2
        signing, following = keys.by_project[PROJECT]["normal"]
        keys.by_project[PROJECT]["normal"] = (following, SigningKey.generate())
        generation[0] = 3
        with pytest.raises(TokenUnparsable):
            await verifier.verify(token)
        keys.by_project[PROJECT]["normal"] = (following, SigningKey.generate(), signing)  # an ordinary rotation keeps the former one
        generation[0] = 4
        assert (await verifier.verify(token)).user_id == ADA.id

    run(work)


def test_memory_is_bounded() -> None:
    async def work() -> None:
        verifier = TokenVerifier(KEYS, ORIGIN, max_remembered=5)
        issuer = TokenIssuer(KEYS, ORIGIN, 600)
        for _ in range(20):
            await verifier.verify(await issuer.issue(TENANCY, ADA, SESSION))
        assert len(verifier._remembered) == 5

    run(work)


def test_refused_tokens_are_not_remembered() -> None:
    async def work() -> None:
        verifier = TokenVerifier(KEYS, ORIGIN)
        for name in range(50):
            with pytest.raises(TokenUnparsable):
                await verifier.verify(f"{TOKEN}{name}")
        assert len(verifier._remembered) == 0

    run(work)
