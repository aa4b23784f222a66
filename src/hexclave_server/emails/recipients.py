"""To whom an entry goes, as of the moment of sending, or why to nobody (contract 08 §1.2)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import msgspec

from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.emails import queries
from hexclave_server.emails.queries import EntryRow
from hexclave_server.emails.service import Category, RecipientKind
from hexclave_server.users.service import TokenSubject, find_token_subject

MARKETING_ID = "4f6f8873-3d04-46bd-8bef-18338b1a1b4c"


class SkipReason(enum.Enum):
    """The reasons of the wire that are found at sending time."""

    USER_ACCOUNT_DELETED = "USER_ACCOUNT_DELETED"
    USER_HAS_NO_PRIMARY_EMAIL = "USER_HAS_NO_PRIMARY_EMAIL"
    NO_EMAIL_PROVIDED = "NO_EMAIL_PROVIDED"
    USER_UNSUBSCRIBED = "USER_UNSUBSCRIBED"


class Skip(msgspec.Struct, frozen=True):
    """Nobody gets the message."""

    reason: SkipReason
    details: dict[str, Any] = {}


class Recipients(msgspec.Struct, frozen=True):
    """The addresses as they were given, and the name of the user if it is one; `skip` if the message goes to nobody."""

    addresses: Sequence[str]
    user_name: str | None
    skip: Skip | None


async def find_recipients(conn: Connection, tenancy: Tenancy, entry: EntryRow) -> Recipients:
    """Who gets the entry now."""
    given = msgspec.json.decode(entry.addresses, type=list[str])
    user = await find_token_subject(conn, tenancy, entry.user_id) if entry.user_id is not None else None
    kind = RecipientKind(entry.recipient_kind)
    addresses, reason = choose(kind, given, user, belongs_to_user=entry.user_id is not None)
    if reason is None and entry.user_id is not None and entry.category == Category.MARKETING.value:
        unsubscribed = await conn.value(queries.HAS_UNSUBSCRIBED, tenancy_id=tenancy.id, user_id=entry.user_id, category_id=MARKETING_ID)
        reason = SkipReason.USER_UNSUBSCRIBED if unsubscribed is not None else None
    return Recipients(addresses, user.display_name if user is not None else None, Skip(reason) if reason is not None else None)


def choose(
    kind: RecipientKind, given: Sequence[str], user: TokenSubject | None, *, belongs_to_user: bool
) -> tuple[Sequence[str], SkipReason | None]:
    """The addresses, or the reason why there are none, in the order of the contract."""
    if belongs_to_user and user is None:
        return (), SkipReason.USER_ACCOUNT_DELETED
    primary = user.primary_email if user is not None else None
    if kind is RecipientKind.USER_PRIMARY_EMAIL:
        return ((primary,), None) if primary else ((), SkipReason.USER_HAS_NO_PRIMARY_EMAIL)
    if given:
        return given, None
    if kind is RecipientKind.USER_CUSTOM_EMAILS and primary:
        return (primary,), None
    return (), SkipReason.NO_EMAIL_PROVIDED
