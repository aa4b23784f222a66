"""Statements on contact channels, as far as users need them."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, false, select, true, update

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

INSERT_PRIMARY = Query(
    insert_if_absent(contact_channels).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        type=EMAIL,
        value=bindparam("value"),
        is_primary=True,
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
