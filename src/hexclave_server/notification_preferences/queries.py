"""The statements of notification preferences. Their table is one of `emails`, which asks it before it delivers."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from hexclave_server.core.db import Query, metadata, upsert
from hexclave_server.emails import service as _emails  # noqa: F401 - registers its table

notification_preferences = metadata.tables["notification_preferences"]

LIST_OF_USER = Query(
    select(notification_preferences.c.category_id, notification_preferences.c.enabled).where(
        notification_preferences.c.tenancy_id == bindparam("tenancy_id"), notification_preferences.c.user_id == bindparam("user_id")
    )
)

STORE = Query(
    upsert(
        notification_preferences,
        "tenancy_id",
        "user_id",
        "category_id",
        update=["enabled"],
        values={
            "tenancy_id": bindparam("tenancy_id"),
            "user_id": bindparam("user_id"),
            "category_id": bindparam("category_id"),
            "enabled": bindparam("enabled"),
        },
    )
)
