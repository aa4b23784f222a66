"""When which signing key of one audience signs, verifies and is published: pure functions of the keys and the time (contract 01 §1.1).

An audience always publishes two keys. Verifiers may work with a key set that they fetched an hour ago, so a key signs only after it was
published for that long, and one that has signed is published until its last token and every key set fetched before have run out.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

KEY_SET_LIFETIME = 3_600_000
"""For how long a verifier may keep a published key set, milliseconds (the max-age of the JWKS)."""


class KeyRole(enum.StrEnum):
    """The part that a key plays in its audience."""

    CURRENT = "current"
    NEXT = "next"
    FORMER = "former"


class KeyTimes(msgspec.Struct, frozen=True):
    """One key of an audience with its times in epoch milliseconds: `signs_from` of one that signs or did, `retires_at` of a former one."""

    id: str
    role: KeyRole
    created_at: int
    signs_from: int | None
    retires_at: int | None


class RotationRefused(Exception):
    """The former key is still needed; `possible_at` is when it no longer is, epoch milliseconds."""

    def __init__(self, possible_at: int) -> None:
        super().__init__("the former signing key is still in use")
        self.possible_at = possible_at


class Rotation(msgspec.Struct, frozen=True):
    """What a rotation changes: which keys go, which one becomes the former, which one the current, and their times."""

    removed: list[str]
    becomes_former: str | None
    becomes_current: str
    signs_from: int
    retires_at: int


def signing(keys: Sequence[KeyTimes], now: int) -> KeyTimes:
    """The key that signs at this time."""
    current = _of_role(keys, KeyRole.CURRENT)
    former = _find(keys, KeyRole.FORMER)
    return former if former is not None and current.signs_from is not None and current.signs_from > now else current


def verifying(keys: Sequence[KeyTimes], now: int) -> list[KeyTimes]:
    """The keys whose tokens are good at this time."""
    return [key for key in keys if key.retires_at is None or key.retires_at > now]


def published(keys: Sequence[KeyTimes], now: int) -> list[KeyTimes]:
    """The two keys of the key set at this time; the first is the one that signs."""
    first = signing(keys, now)
    current, former = _of_role(keys, KeyRole.CURRENT), _find(keys, KeyRole.FORMER)
    if first is former:
        return [former, current]
    if former is not None and former.retires_at is not None and former.retires_at > now:
        return [current, former]
    return [current, _of_role(keys, KeyRole.NEXT)]


def plan_rotation(keys: Sequence[KeyTimes], now: int, *, token_lifetime: int, at_once: bool) -> Rotation:
    """How the next key takes over; `token_lifetime` in milliseconds. `at_once`: the keys so far go with their tokens (one was compromised).

    Otherwise raises RotationRefused while a former key is published; a next key that was not yet published for an hour signs after it.
    """
    current, coming, former = _of_role(keys, KeyRole.CURRENT), _of_role(keys, KeyRole.NEXT), _find(keys, KeyRole.FORMER)
    gone = [former.id] if former is not None else []
    if at_once:
        return Rotation([*gone, current.id], None, coming.id, now, now)
    published_from = coming.created_at
    if former is not None and former.retires_at is not None:
        if former.retires_at > now:
            raise RotationRefused(former.retires_at)
        published_from = former.retires_at
    first_pair = former is None and coming.created_at == current.created_at
    signs_from = now if first_pair else max(now, published_from + KEY_SET_LIFETIME)
    return Rotation(gone, current.id, coming.id, signs_from, signs_from + token_lifetime + KEY_SET_LIFETIME)


def _find(keys: Sequence[KeyTimes], role: KeyRole) -> KeyTimes | None:
    return next((key for key in keys if key.role is role), None)


def _of_role(keys: Sequence[KeyTimes], role: KeyRole) -> KeyTimes:
    found = _find(keys, role)
    if found is None:
        msg = f"an audience without a {role} signing key"
        raise LookupError(msg)
    return found


__all__ = ["KEY_SET_LIFETIME", "KeyRole", "KeyTimes", "Rotation", "RotationRefused", "plan_rotation", "published", "signing", "verifying"]
