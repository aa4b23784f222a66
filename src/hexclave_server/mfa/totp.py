"""Time-based one-time passwords (RFC 6238): SHA-1, steps of 30 seconds, six digits, over the raw bytes of the secret.

A pure decision. The clocks of telephones are not exact, so one step either way counts, too.
"""

from __future__ import annotations

import hmac

STEP_MILLIS = 30_000
TOLERATED_STEPS = 1
_DIGITS = 6


def step_at(now_millis: int) -> int:
    """The number of the time step at `now_millis` (epoch milliseconds)."""
    return now_millis // STEP_MILLIS


def password_of(secret: bytes, step: int) -> str:
    """The six digits of one step (RFC 4226 §5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def matching_step(secret: bytes, text: str, now_millis: int) -> int | None:
    """The step whose password the text is, the latest if there are two; None when it is wrong. Takes the same time for any six digits."""
    given = text.encode("utf-8", "surrogatepass")
    current = step_at(now_millis)
    found = None
    for step in range(current - TOLERATED_STEPS, current + TOLERATED_STEPS + 1):
        if hmac.compare_digest(password_of(secret, step).encode(), given):
            found = step
    return found
