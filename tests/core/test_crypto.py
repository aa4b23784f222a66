"""Encryption at rest: what is stored opens only where it belongs, and keys can be rotated."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.core.crypto import DecryptionFailed, Keyring, hash_secret

SECRET = bytes(range(32))
OLD_SECRET = bytes(range(32, 64))
RING = Keyring.from_master(SECRET)
PLACE = {"purpose": "totp", "tenancy_id": "t", "row_id": "r"}
CIPHERTEXT = RING.encrypt(b"JBSWY3DPEHPK3PXP", **PLACE)


@given(st.binary(max_size=200), st.text(), st.text(), st.text(min_size=1))
def test_what_is_encrypted_opens_at_its_place(plaintext: bytes, tenancy: str, row: str, purpose: str) -> None:
    text = RING.encrypt(plaintext, purpose=purpose, tenancy_id=tenancy, row_id=row)
    assert RING.decrypt(text, purpose=purpose, tenancy_id=tenancy, row_id=row) == plaintext


@pytest.mark.parametrize("other", [{"purpose": "vault"}, {"tenancy_id": "u"}, {"row_id": "s"}, {"tenancy_id": "tr", "row_id": ""}])
def test_a_ciphertext_moved_elsewhere_does_not_open(other: dict[str, str]) -> None:
    with pytest.raises(DecryptionFailed):
        RING.decrypt(CIPHERTEXT, **{**PLACE, **other})


@given(st.integers(0, len(CIPHERTEXT) * 6 - 1))
def test_no_flipped_bit_goes_unnoticed(bit: int) -> None:
    data = bytearray(base64.urlsafe_b64decode(CIPHERTEXT + "=" * (-len(CIPHERTEXT) % 4)))
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    altered = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    with pytest.raises(DecryptionFailed):
        RING.decrypt(altered, **PLACE)


@given(st.text())
def test_foreign_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(DecryptionFailed):
        RING.decrypt(text, **PLACE)


@pytest.mark.parametrize(
    "altered",
    [CIPHERTEXT + "=", CIPHERTEXT + "\n", CIPHERTEXT[:20], CIPHERTEXT[:-4], "!" + CIPHERTEXT],
    ids=["padded", "with a line break", "cut", "without its end", "with more"],
)
def test_only_the_canonical_text_opens(altered: str) -> None:
    with pytest.raises(DecryptionFailed):
        RING.decrypt(altered, **PLACE)


def test_two_ciphertexts_of_one_plaintext_differ() -> None:
    assert RING.encrypt(b"x", **PLACE) != RING.encrypt(b"x", **PLACE)


def test_rotation_reads_former_ciphertexts_and_tells_which_they_are() -> None:
    former = Keyring.from_master(OLD_SECRET)
    old = former.encrypt(b"x", **PLACE)
    both = Keyring.from_master(SECRET, former=[OLD_SECRET])
    assert both.decrypt(old, **PLACE) == b"x"
    assert not both.is_current(old)
    assert both.is_current(both.encrypt(b"x", **PLACE))
    with pytest.raises(DecryptionFailed):
        RING.decrypt(old, **PLACE)


def test_keys_differ_by_purpose_and_by_secret() -> None:
    assert RING.hmac("otp", "123456") != RING.hmac("mfa", "123456")
    assert RING.hmac("otp", "123456") != Keyring.from_master(OLD_SECRET).hmac("otp", "123456")
    assert RING.hmac("otp", "123456") == Keyring.from_master(SECRET).hmac("otp", b"123456")
    assert RING.check_value() != Keyring.from_master(OLD_SECRET).check_value()
    assert RING.check_value() == Keyring.from_master(SECRET).check_value()


def test_derived_values_never_change() -> None:
    """What is stored in databases depends on these: a change here makes every deployment's secrets unreadable."""
    assert CIPHERTEXT[:6] == GOLDEN_HEAD
    assert RING.check_value() == GOLDEN_CHECK
    assert RING.hmac("otp", "123456") == GOLDEN_HMAC
    assert RING.decrypt(GOLDEN_CIPHERTEXT, **PLACE) == b"golden"


GOLDEN_HEAD = "AdrgvD"
GOLDEN_CHECK = "9320ea1bb8f9ac28247707934c90c6b7"
GOLDEN_HMAC = "dea78dd36c493cd032642cda84165a0b584eb44fc48d124144e97ac7b5d4aded"
GOLDEN_CIPHERTEXT = "AdrgvDBnKMLDGcc_vrp89a7eCoa5kCZm0QO1dX3ThYwLg5GVhEWx"


def test_a_short_master_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring.from_master(b"x" * 31)


def test_secrets_do_not_show_in_reprs() -> None:
    assert SECRET.hex() not in repr(RING)
    assert repr(SECRET) not in repr(RING)


def test_hash_secret_is_sha256() -> None:
    assert hash_secret("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
