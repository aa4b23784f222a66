"""Whatever a client sends in place of a credential ends in one failure (E8): no other exception leaves the verification."""

from __future__ import annotations

import base64
import copy
import json
import os
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hexclave_server.passkeys.ceremonies import (
    Assertion,
    KnownPasskey,
    NewPasskey,
    claimed_credential_id,
    verify_authentication,
    verify_registration,
)
from hexclave_server.passkeys.client_data import CeremonyFailed, decoded, encoded
from tests.passkeys.authenticator import EDDSA, ES256, LOCALHOST, RS256, Authenticator, base64url, from_base64url

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONFIG = {"domains": {"allowLocalhost": True, "trustedDomains": {}}}
CHALLENGE = bytes(range(32))
OPTIONS = {"challenge": base64url(CHALLENGE)}
AUTHENTICATORS = [Authenticator(algorithm) for algorithm in (ES256, EDDSA, RS256)]
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.binary()
CBOR = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.integers(-5, 5) | st.text(max_size=8), children, max_size=5),
    max_leaves=12,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=8,
)
BOMBS = {
    "deep arrays": b"\x81" * 45_000 + b"\0",
    "deep maps": b"\xa1\0" * 20_000 + b"\0",
    "deep tags": b"\xc6" * 45_000 + b"\0",
    "endless arrays": b"\x9f" * 45_000,
    "an array of a terabyte": b"\x9b\0\0\0\xff\xff\xff\xff\xff",
    "bytes of a terabyte": b"\x5b\0\0\0\xff\xff\xff\xff\xff",
    "a map of a terabyte": b"\xbb\0\0\0\xff\xff\xff\xff\xff",
    "a huge exponent": b"\xc5\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
    "a huge decimal": b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
    "a huge number": b"\xc2\x59\xb0\0" + b"\xff" * 0xB000,
    "a regular expression": b"\xd8\x23\x78\x20" + b"(a+)+" * 6 + b"$$",
    "a circle": b"\xd8\x1c\x81\xd8\x1d\0",
    "nothing": b"",
}


def register(credential: Any) -> NewPasskey:
    return verify_registration(msgspec.Raw(json.dumps(credential).encode()), CHALLENGE, CONFIG)


def known(authenticator: Authenticator) -> KnownPasskey:
    return KnownPasskey("user", base64url(cbor2.dumps(authenticator.key.cose())), 0, "localhost")


def authenticate(response: Any, passkey: KnownPasskey) -> Assertion:
    raw = msgspec.Raw(json.dumps(response).encode())
    claimed_credential_id(raw)
    return verify_authentication(raw, passkey, CHALLENGE, CONFIG)


def with_attestation_object(data: bytes) -> dict[str, Any]:
    credential = AUTHENTICATORS[0].create(OPTIONS)
    credential["response"]["attestationObject"] = base64url(data)
    return credential


def mutated(data: bytes, place: int, change: bytes, cut: int) -> bytes:
    place %= len(data) + 1
    return data[:place] + change + data[place + cut :]


@pytest.mark.parametrize("authenticator", AUTHENTICATORS, ids=["ES256", "EdDSA", "RS256"])
def test_the_samples_are_good_else_nothing_below_would_prove_anything(authenticator: Authenticator) -> None:
    assert register(authenticator.create(OPTIONS, packed=True)).credential_id == authenticator.id
    assert authenticate(authenticator.get(OPTIONS), known(authenticator)).sign_count == authenticator.sign_count


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_bombs_go_off_in_the_hands_of_nobody(data: bytes) -> None:
    with pytest.raises(CeremonyFailed):
        register(with_attestation_object(data))
    for place in ("cose", "attestation"):
        wrong = {"cose": data} if place == "cose" else {"attestation": {"authData": data}}
        with pytest.raises(CeremonyFailed):
            register(AUTHENTICATORS[0].create(OPTIONS, **wrong))


@UNHURRIED
@given(JSON)
def test_any_json_may_come_as_a_credential(value: Any) -> None:
    with pytest.raises(CeremonyFailed):
        register(value)
    with pytest.raises(CeremonyFailed):
        authenticate(value, known(AUTHENTICATORS[0]))


@UNHURRIED
@given(CBOR)
def test_any_cbor_may_come_as_an_attestation(value: Any) -> None:
    with pytest.raises(CeremonyFailed):
        register(with_attestation_object(cbor2.dumps(value)))


@UNHURRIED
@given(CBOR)
def test_any_cbor_may_come_as_a_key(value: Any) -> None:
    with pytest.raises(CeremonyFailed):
        register(AUTHENTICATORS[0].create(OPTIONS, cose=cbor2.dumps(value)))


@UNHURRIED
@given(
    st.fixed_dictionaries(
        {1: st.integers(0, 7), 3: st.sampled_from([-7, -8, -257, -49, 0])},
        optional={-1: st.integers(0, 8) | st.binary(), -2: st.binary() | st.integers(), -3: st.binary() | st.booleans()},
    )
)
def test_any_half_of_a_key_may_come(cose: dict[int, Any]) -> None:
    try:
        register(AUTHENTICATORS[0].create(OPTIONS, cose=cbor2.dumps(cose)))
    except CeremonyFailed:
        return
    assert (cose[1], cose[3], cose[-1]) == (1, -8, 6), "any 32 bytes are an Ed25519 key"


@UNHURRIED
@given(
    st.sampled_from(["none", "packed", "fido-u2f", "tpm", "apple", "android-key", "android-safetynet"]),
    st.dictionaries(
        st.sampled_from(["sig", "x5c", "response", "alg", "ver", "certInfo", "pubArea"]),
        CBOR | st.lists(st.binary(), max_size=3),
        min_size=1,
    ),
)
def test_any_statement_may_come_with_any_format(name: str, statement: dict[str, Any]) -> None:
    if name == "none" and all(value is None for value in statement.values()):
        return
    with pytest.raises(CeremonyFailed):
        register(AUTHENTICATORS[0].create(OPTIONS, attestation={"fmt": name, "attStmt": statement}))


@settings(UNHURRIED, max_examples=300)
@given(
    st.sampled_from(AUTHENTICATORS),
    st.sampled_from(["clientDataJSON", "attestationObject"]),
    st.integers(0, 2000),
    st.binary(max_size=4),
    st.integers(0, 4),
)
def test_a_registration_with_bytes_changed(authenticator: Authenticator, name: str, place: int, change: bytes, cut: int) -> None:
    credential = authenticator.create(OPTIONS, packed=True)
    original = from_base64url(credential["response"][name])
    credential["response"][name] = base64url(mutated(original, place, change, cut))
    try:
        passkey = register(credential)
    except CeremonyFailed:
        return
    assert passkey.credential_id == authenticator.id


@settings(UNHURRIED, max_examples=300)
@given(
    st.sampled_from(AUTHENTICATORS),
    st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]),
    st.integers(0, 400),
    st.binary(max_size=4),
    st.integers(0, 4),
)
def test_an_assertion_with_bytes_changed_is_refused(authenticator: Authenticator, name: str, place: int, change: bytes, cut: int) -> None:
    response = authenticator.get(OPTIONS)
    original = from_base64url(response["response"][name])
    changed = mutated(original, place, change, cut)
    response["response"][name] = base64url(changed)
    if changed == original:
        return
    with pytest.raises(CeremonyFailed):
        authenticate(response, known(authenticator))


@UNHURRIED
@given(st.binary(max_size=200))
def test_any_key_may_be_stored_without_harm(key: bytes) -> None:
    with pytest.raises(CeremonyFailed):
        authenticate(AUTHENTICATORS[0].get(OPTIONS), KnownPasskey("user", base64url(key), 0, "localhost"))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b'{"origin": "\xff"}', b'{"origin": 1}', b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0", b'{"origin": "\\ud800"}'],
)
def test_client_data_that_is_none(text: bytes) -> None:
    credential = copy.deepcopy(AUTHENTICATORS[0].create(OPTIONS))
    credential["response"]["clientDataJSON"] = base64url(text)
    with pytest.raises(CeremonyFailed):
        register(credential)


def test_of_two_origins_in_one_text_both_parsers_take_the_same() -> None:
    text = (
        f'{{"type": "webauthn.create", "challenge": "{OPTIONS["challenge"]}", "origin": "{LOCALHOST}", "origin": "https://evil.example"}}'
    )
    credential = AUTHENTICATORS[0].create(OPTIONS)
    credential["response"]["clientDataJSON"] = base64url(text.encode())
    with pytest.raises(CeremonyFailed):
        register(credential)


@pytest.mark.parametrize("text", ["a", "a b=", "ä", "aa\n", "=a", "a" * 5])
def test_what_is_no_base64url(text: str) -> None:
    with pytest.raises(CeremonyFailed):
        decoded(text)


@UNHURRIED
@given(st.binary())
def test_base64url_with_and_without_padding(data: bytes) -> None:
    assert decoded(encoded(data)) == decoded(base64.urlsafe_b64encode(data).decode()) == data
    assert "=" not in encoded(os.urandom(31))
