"""Whether a user is restricted, and why: one pure decision (contract 05 §1.2, 04 §12).

It is taken at every read and whenever a token is issued, never stored, so that a change of configuration concerns all users at once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any


class Restriction(enum.StrEnum):
    """Why a user is restricted; the values are those of `restricted_reason.type` on the wire, in the order in which they win."""

    ANONYMOUS = "anonymous"
    EMAIL_NOT_VERIFIED = "email_not_verified"
    BY_ADMINISTRATOR = "restricted_by_administrator"


def restriction_of(
    *, is_anonymous: bool, primary_email_verified: bool, restricted_by_admin: bool, verification_required: bool
) -> Restriction | None:
    """The first reason that applies, or None for a user who is not restricted. No primary email counts as not verified."""
    if is_anonymous:
        return Restriction.ANONYMOUS
    if verification_required and not primary_email_verified:
        return Restriction.EMAIL_NOT_VERIFIED
    return Restriction.BY_ADMINISTRATOR if restricted_by_admin else None


def verification_required(config: Mapping[str, Any]) -> bool:
    """Whether the project restricts users whose primary email is not verified."""
    return config["onboarding"]["requireEmailVerification"] is True
