"""The statements of the outbox."""

from __future__ import annotations

from sqlalchemy import bindparam, insert

from hexclave_server.core.db import Query
from hexclave_server.emails.tables import email_outbox

QUEUE = Query(
    insert(email_outbox).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("id"),
        template=bindparam("template"),
        recipient_kind=bindparam("recipient_kind"),
        user_id=bindparam("user_id"),
        addresses=bindparam("addresses"),
        sealed_variables=bindparam("sealed_variables"),
        category=bindparam("category"),
        is_high_priority=bindparam("is_high_priority"),
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
        scheduled_at=bindparam("now"),
        due_at=bindparam("now"),
        send_retries=0,
    )
)
