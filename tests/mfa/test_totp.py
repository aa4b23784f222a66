"""Time-based passwords as RFC 6238 has them, checked against its own vectors and another implementation."""

from __future__ import annotations

import base64

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexclave_server.mfa.totp import STEP_MILLIS, matching_step, password_of, step_at

SECRET = b"12345678901234567890"
NOW = 59_000
STEP = 1


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, expected: str) -> None:
    step = step_at(seconds * 1000)
    assert password_of(SECRET, step) == expected
    assert matching_step(SECRET, expected, seconds * 1000) == step


@settings(deadline=None)
@given(secret=st.binary(min_size=16, max_size=100), step=st.integers(0, 2**40))
def test_another_implementation_says_the_same(secret: bytes, step: int) -> None:
    assert password_of(secret, step) == pyotp.HOTP(base64.b32encode(secret).decode()).at(step)


@pytest.mark.parametrize(("offset", "matches"), [(-3, False), (-2, False), (-1, True), (0, True), (1, True), (2, False), (3, False)])
def test_one_step_either_way_counts(offset: int, matches: bool) -> None:
    now = 1_700_000_000_000
    expected = step_at(now) + offset
    assert matching_step(SECRET, password_of(SECRET, expected), now) == (expected if matches else None)


@pytest.mark.parametrize("moment", [0, 1, STEP_MILLIS - 1])
def test_a_password_counts_during_its_whole_step(moment: int) -> None:
    step = 50_000_000
    assert matching_step(SECRET, password_of(SECRET, step), step * STEP_MILLIS + moment) == step


@pytest.mark.parametrize(
    "text",
    [
        "",
        "287082 ",
        " 287082",
        "287 082",
        "0287082",
        "28708",
        "２８７０８２",
        "-287082",
        "287082\n",
        "x" * 100_000,
        "\ud800",
        "28708²",
        "94287082",
    ],
)
def test_whatever_else_is_wrong(text: str) -> None:
    assert matching_step(SECRET, text, NOW) is None


@settings(deadline=None)
@given(st.text())
def test_any_text_may_be_tried(text: str) -> None:
    assert matching_step(SECRET, text, NOW) in (None, STEP - 1, STEP, STEP + 1)


@pytest.mark.parametrize("secret", [b"", b"x", bytes(200)])
def test_secrets_may_have_any_length(secret: bytes) -> None:
    assert matching_step(secret, password_of(secret, STEP), NOW) == STEP
