"""What a user wants to get: read, with defaults where he said nothing, and stored."""

from __future__ import annotations

import msgspec

from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import UserNotFound
from hexclave_server.notification_preferences import queries
from hexclave_server.notification_preferences.categories import CATEGORIES, NotificationCategory
from hexclave_server.notification_preferences.wire import NotificationPreference
from hexclave_server.users.lock import lock_user


class _Stored(msgspec.Struct, frozen=True):
    category_id: str
    enabled: bool


async def list_preferences(conn: Connection, tenancy: Tenancy, user_id: str) -> list[NotificationPreference]:
    """What the user wants of each category, in the order of the contract; the defaults for an unknown user."""
    rows = await conn.all(_Stored, queries.LIST_OF_USER, tenancy_id=tenancy.id, user_id=user_id)
    stored = {row.category_id: row.enabled for row in rows}
    return [preference(category, enabled=stored.get(category.id, category.is_default)) for category in CATEGORIES]


async def store_preference(conn: Connection, tenancy: Tenancy, user_id: str, category_id: str, *, enabled: bool) -> None:
    """Stores what the user wants; `conn` is a write transaction. Raises UserNotFound."""
    if not await lock_user(conn, tenancy, user_id):
        raise UserNotFound
    await conn.execute(queries.STORE, tenancy_id=tenancy.id, user_id=user_id, category_id=category_id, enabled=enabled)


def preference(category: NotificationCategory, *, enabled: bool) -> NotificationPreference:
    """A preference on the wire."""
    return NotificationPreference(
        notification_category_id=category.id,
        notification_category_name=category.category.value,
        enabled=enabled,
        can_disable=category.can_disable,
    )
