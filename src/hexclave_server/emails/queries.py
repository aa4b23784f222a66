"""The statements of the outbox. What changes an entry on its way has its claim as a condition: who lost it changes nothing."""

from __future__ import annotations

import msgspec
from sqlalchemy import BigInteger, Boolean, and_, bindparam, insert, select, tuple_, update

from hexclave_server.core.db import Query
from hexclave_server.emails.tables import email_outbox

CLAIMED_AT_ONCE = 50


class EntryRow(msgspec.Struct, frozen=True):
    """What a worker needs of an entry; `addresses` and `send_attempt_errors` are JSON text, times epoch milliseconds."""

    tenancy_id: str
    id: str
    template: str
    recipient_kind: str
    user_id: str | None
    addresses: str
    sealed_variables: str
    category: str | None
    is_high_priority: bool
    created_at: int
    started_sending_at: int | None
    charged_at: int | None
    send_retries: int
    send_attempt_errors: str | None


_ENTRY = [email_outbox.c[name] for name in EntryRow.__struct_fields__]
_NOW = bindparam("now", type_=BigInteger())
_due = and_(email_outbox.c.is_high_priority == bindparam("is_high_priority", type_=Boolean()), email_outbox.c.due_at <= _NOW)
_mine = and_(
    email_outbox.c.tenancy_id == bindparam("tenancy_id"),
    email_outbox.c.id == bindparam("email_id"),
    email_outbox.c.claim_id == bindparam("claim_id"),
)

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

IS_DUE = Query(select(email_outbox.c.due_at).where(_due).limit(1))
CLAIM = Query(
    update(email_outbox)
    .where(
        tuple_(email_outbox.c.tenancy_id, email_outbox.c.id).in_(
            select(email_outbox.c.tenancy_id, email_outbox.c.id)
            .where(_due)
            .order_by(email_outbox.c.due_at)
            .limit(CLAIMED_AT_ONCE)
            .with_for_update(skip_locked=True)
        ),
    )
    .values(claim_id=bindparam("new_claim_id"), due_at=bindparam("lease_ends_at"))
    .returning(*_ENTRY)
)
RENEW = Query(
    update(email_outbox)
    .where(
        email_outbox.c.is_high_priority == bindparam("is_high_priority", type_=Boolean()),
        email_outbox.c.due_at > _NOW,
        email_outbox.c.due_at <= bindparam("latest", type_=BigInteger()),
        email_outbox.c.claim_id == bindparam("claim_id"),
    )
    .values(due_at=bindparam("lease_ends_at"))
)
"""All claims of a worker: their leases end between now and one lease later (`latest`), which keeps the statement on the index."""

START = Query(
    update(email_outbox)
    .where(_mine)
    .values(
        started_sending_at=_NOW,
        rendered_at=bindparam("rendered_at"),
        sealed_content=bindparam("sealed_content"),
        due_at=bindparam("lease_ends_at"),
        updated_at=_NOW,
    )
)
FINISH = Query(
    update(email_outbox)
    .where(_mine)
    .values(
        finished_at=_NOW,
        updated_at=_NOW,
        due_at=None,
        claim_id=None,
        send_retries=bindparam("send_retries"),
        send_attempt_errors=bindparam("send_attempt_errors"),
        server_error=bindparam("server_error"),
        skipped_reason=bindparam("skipped_reason"),
        skipped_details=bindparam("skipped_details"),
    )
)
RETRY = Query(
    update(email_outbox)
    .where(_mine)
    .values(
        due_at=bindparam("retry_at"),
        updated_at=_NOW,
        claim_id=None,
        started_sending_at=None,
        send_retries=bindparam("send_retries"),
        send_attempt_errors=bindparam("send_attempt_errors"),
        server_error=bindparam("server_error"),
    )
)
PUT_BACK = Query(
    update(email_outbox)
    .where(_mine)
    .values(due_at=bindparam("retry_at"), claim_id=None, charged_at=bindparam("charged_at"), server_error=bindparam("server_error"))
)
HAND_BACK = Query(
    update(email_outbox)
    .where(
        email_outbox.c.claim_id == bindparam("claim_id"), email_outbox.c.due_at.is_not(None), email_outbox.c.started_sending_at.is_(None)
    )
    .values(due_at=_NOW, claim_id=None)
)
