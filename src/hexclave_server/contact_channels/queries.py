"""Statements on contact channels. The long list of a whole project is in `list_queries.py`."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, delete, false, func, or_, select, true, update

from hexclave_server.contact_channels.tables import contact_channels
from hexclave_server.core.db import Query, holds, insert_if_absent

EMAIL = "email"

_OF_USER = and_(
    contact_channels.c.tenancy_id == bindparam("tenancy_id"),
    contact_channels.c.user_id == bindparam("user_id"),
    contact_channels.c.type == EMAIL,
)
_CHANNEL = (contact_channels.c.id, contact_channels.c.value, contact_channels.c.is_verified, contact_channels.c.used_for_auth)

FIND_PRIMARY = Query(select(*_CHANNEL).where(_OF_USER, holds(contact_channels.c.is_primary)))
FIND_BY_VALUE = Query(select(*_CHANNEL).where(_OF_USER, contact_channels.c.value == bindparam("value")))

FIND_SIGN_IN_OWNER = Query(
    select(contact_channels.c.user_id).where(
        contact_channels.c.tenancy_id == bindparam("tenancy_id"),
        contact_channels.c.type == EMAIL,
        contact_channels.c.value == bindparam("value"),
        holds(contact_channels.c.used_for_auth),
    )
)

FIND_SIGN_IN_CHANNEL = Query(
    select(contact_channels.c.user_id, contact_channels.c.is_verified).where(
        contact_channels.c.tenancy_id == bindparam("tenancy_id"),
        contact_channels.c.type == EMAIL,
        contact_channels.c.value == bindparam("value"),
        holds(contact_channels.c.used_for_auth),
    )
)

INSERT = Query(
    insert_if_absent(contact_channels).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        type=EMAIL,
        value=bindparam("value"),
        is_primary=bindparam("is_primary"),
        is_verified=bindparam("is_verified"),
        used_for_auth=bindparam("used_for_auth"),
        created_at=bindparam("now"),
    )
)

DEMOTE_PRIMARY = Query(update(contact_channels).where(_OF_USER, holds(contact_channels.c.is_primary)).values(is_primary=false()))

_ONE = and_(contact_channels.c.tenancy_id == bindparam("tenancy_id"), contact_channels.c.id == bindparam("id"))

PROMOTE = Query(
    update(contact_channels)
    .where(_ONE)
    .values(is_primary=true(), is_verified=bindparam("is_verified"), used_for_auth=bindparam("used_for_auth"))
)

CHANNEL_COLUMNS = (
    contact_channels.c.id,
    contact_channels.c.user_id,
    contact_channels.c.value,
    contact_channels.c.is_primary,
    contact_channels.c.is_verified,
    contact_channels.c.used_for_auth,
)
_ONE_OF_USER = and_(_ONE, contact_channels.c.user_id == bindparam("user_id"))

FIND = Query(select(*CHANNEL_COLUMNS).where(_ONE))
FIND_OF_USER = Query(select(*CHANNEL_COLUMNS).where(_ONE_OF_USER))
COUNT_OF_USER = Query(select(func.count()).select_from(contact_channels).where(_OF_USER))
LIST_OF_USER = Query(select(*CHANNEL_COLUMNS).where(_OF_USER).order_by(contact_channels.c.created_at, contact_channels.c.id))
LIST_SIGN_IN_ADDRESSES = Query(
    select(contact_channels.c.value, contact_channels.c.is_primary, contact_channels.c.is_verified, contact_channels.c.used_for_auth).where(
        _OF_USER, or_(contact_channels.c.is_primary, contact_channels.c.used_for_auth)
    )
)

UPDATE = Query(
    update(contact_channels)
    .where(_ONE_OF_USER)
    .values(
        value=bindparam("value"),
        is_primary=bindparam("is_primary"),
        is_verified=bindparam("is_verified"),
        used_for_auth=bindparam("used_for_auth"),
    )
)
VERIFY = Query(update(contact_channels).where(_OF_USER, contact_channels.c.value == bindparam("value")).values(is_verified=true()))
DELETE = Query(delete(contact_channels).where(_ONE_OF_USER))
