"""Access tokens: genuine ones have exactly the contract's claims, verify until they expire, and outlive rotations (QUALITY B11)."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from hexclave_server.core import clock
from hexclave_server.core.jws import encode_segment, parse
from hexclave_server.core.tokens import (
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
from tests.core.genuine_tokens import (
    ADA,
    KEYS,
    ORIGIN,
    PROJECT,
    SESSION,
    TENANCY,
    TOKEN,
    Keys,
    issued,
    kid,
    refused,
    verified,
)


def test_claims_are_exactly_those_of_the_contract() -> None:
    token = issued()
    parsed = parse(token)
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
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
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
    claims = verified(issued())
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
    moved_clock(monkeypatch, 2 * 86_400_000)
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


def test_a_token_evicted_while_its_key_is_confirmed_still_verifies() -> None:
    class SlowKeys(Keys):
        async def verification_keys(self, project_id: str, user_type: UserType) -> list[VerificationKey] | None:
            await anyio.sleep(0.001)
            return await super().verification_keys(project_id, user_type)

    async def work() -> None:
        keys, generation = SlowKeys(), [0]
        verifier = TokenVerifier(keys, ORIGIN, lambda: generation[0], max_remembered=2)
        issuer = TokenIssuer(keys, ORIGIN, 600)
        tokens = [await issuer.issue(TENANCY, ADA, f"{SESSION}{n}") for n in range(6)]
        for number in range(5):
            generation[0] = number
            async with anyio.create_task_group() as group:
                for token in tokens:
                    group.start_soon(verifier.verify, token)
                    group.start_soon(verifier.verify, token)
            verifier.forget()

    run(work)
