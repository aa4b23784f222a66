"""The list of all contact channels of a project: a long read, in pages, off the event loop."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from hexclave_server.contact_channels.queries import CHANNEL_COLUMNS
from hexclave_server.contact_channels.tables import contact_channels
from hexclave_server.core.db import Query

LIST_ALL = Query(
    select(*CHANNEL_COLUMNS)
    .where(contact_channels.c.tenancy_id == bindparam("tenancy_id"))
    .order_by(contact_channels.c.created_at, contact_channels.c.id)
)
