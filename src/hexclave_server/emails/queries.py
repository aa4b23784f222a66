"""The statements of the outbox. What changes an entry on its way has its claim as a condition: who lost it changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Text, and_, bindparam, case, delete, func, insert, not_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_on_conflict

from hexclave_server.core.db import Query, holds
from hexclave_server.core.throttle_tables import throttles
from hexclave_server.emails.tables import email_outbox, notification_preferences

CLAIMED_AT_ONCE = 50
PURGED_AT_ONCE = 500
KEPT_SHOWN = 200


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
    scheduled_at: int
    started_sending_at: int | None
    charged_at: int | None
    send_retries: int
    send_attempt_errors: str | None


class KeptRow(msgspec.Struct, frozen=True):
    """A message in the local mailbox."""

    tenancy_id: str
    id: str
    created_at: int
    addresses: str
    sealed_content: str


_ENTRY = [email_outbox.c[name] for name in EntryRow.__struct_fields__]
_NOW = bindparam("now", type_=BigInteger())
_due = and_(email_outbox.c.is_high_priority == bindparam("is_high_priority", type_=Boolean()), email_outbox.c.due_at <= _NOW)
_mine = and_(
    email_outbox.c.tenancy_id == bindparam("tenancy_id"),
    email_outbox.c.id == bindparam("email_id"),
    email_outbox.c.claim_id == bindparam("own_claim_id"),
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
        in_mailbox=False,
    )
)

TAKE_BACK = Query(delete(email_outbox).where(email_outbox.c.tenancy_id == bindparam("tenancy_id"), email_outbox.c.id == bindparam("id")))

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
    .values(claim_id=bindparam("own_claim_id"), due_at=bindparam("lease_ends_at"))
    .returning(*_ENTRY)
)
RENEW = Query(
    update(email_outbox)
    .where(
        email_outbox.c.is_high_priority == bindparam("is_high_priority", type_=Boolean()),
        email_outbox.c.due_at > _NOW,
        email_outbox.c.due_at <= bindparam("latest", type_=BigInteger()),
        email_outbox.c.claim_id == bindparam("own_claim_id"),
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
_finished: dict[str, Any] = {"finished_at": _NOW, "updated_at": _NOW, "due_at": None, "claim_id": None}
_attempts: dict[str, Any] = {name: bindparam(name) for name in ("send_retries", "send_attempt_errors", "server_error")}

FINISH = Query(update(email_outbox).where(_mine).values(**_finished, server_error=bindparam("server_error")))
KEEP = Query(
    update(email_outbox)
    .where(_mine)
    .values(
        **_finished,
        in_mailbox=True,
        rendered_at=_NOW,
        started_sending_at=_NOW,
        sealed_content=bindparam("sealed_content"),
        server_error=None,
    )
)
SKIP = Query(
    update(email_outbox)
    .where(_mine)
    .values(
        **_finished,
        rendered_at=_NOW,
        started_sending_at=_NOW,
        sealed_content=bindparam("sealed_content"),
        skipped_reason=bindparam("skipped_reason"),
        skipped_details=bindparam("skipped_details"),
        server_error=None,
    )
)
FAIL = Query(
    update(email_outbox)
    .where(_mine)
    .values(
        **_finished,
        **_attempts,
        rendered_at=func.coalesce(email_outbox.c.rendered_at, bindparam("rendered_at", type_=BigInteger())),
        started_sending_at=func.coalesce(email_outbox.c.started_sending_at, _NOW),
        sealed_content=func.coalesce(bindparam("sealed_content", type_=Text()), email_outbox.c.sealed_content),
    )
)
RETRY = Query(
    update(email_outbox)
    .where(_mine)
    .values(**_attempts, due_at=bindparam("retry_at"), updated_at=_NOW, claim_id=None, started_sending_at=None)
)
PUT_BACK = Query(
    update(email_outbox)
    .where(_mine)
    .values(
        due_at=bindparam("retry_at"),
        updated_at=_NOW,
        claim_id=None,
        started_sending_at=None,
        charged_at=bindparam("charged_at"),
        server_error=func.coalesce(bindparam("server_error", type_=Text()), email_outbox.c.server_error),
    )
)
HAND_BACK = Query(
    update(email_outbox)
    .where(
        email_outbox.c.claim_id == bindparam("own_claim_id"),
        email_outbox.c.due_at.is_not(None),
        email_outbox.c.started_sending_at.is_(None),
    )
    .values(due_at=_NOW, claim_id=None)
)

LIST_KEPT = Query(
    select(*(email_outbox.c[name] for name in KeptRow.__struct_fields__))
    .where(holds(email_outbox.c.in_mailbox), email_outbox.c.sealed_content.is_not(None))
    .order_by(email_outbox.c.created_at.desc(), email_outbox.c.id)
    .limit(KEPT_SHOWN)
)

_OUTDATED = (
    select(email_outbox.c.tenancy_id, email_outbox.c.id)
    .where(email_outbox.c.sealed_variables.is_not(None), email_outbox.c.finished_at < bindparam("before", type_=BigInteger()))
    .limit(PURGED_AT_ONCE)
)
PURGE_CONTENTS = Query(
    update(email_outbox)
    .where(tuple_(email_outbox.c.tenancy_id, email_outbox.c.id).in_(_OUTDATED))
    .values(sealed_variables=None, sealed_content=None)
)

HAS_UNSUBSCRIBED = Query(
    select(notification_preferences.c.enabled).where(
        notification_preferences.c.tenancy_id == bindparam("tenancy_id"),
        notification_preferences.c.user_id == bindparam("user_id"),
        notification_preferences.c.category_id == bindparam("category_id"),
        not_(notification_preferences.c.enabled),
    )
)

CHARGE = Query(
    insert_on_conflict(throttles)
    .values(tenancy_id=bindparam("tenancy_id"), key=bindparam("key"), earliest_at=bindparam("first", type_=BigInteger()))
    .on_conflict_do_update(
        index_elements=["tenancy_id", "key"],
        set_={
            "earliest_at": case((throttles.c.earliest_at > _NOW, throttles.c.earliest_at), else_=_NOW)
            + bindparam("interval", type_=BigInteger())
        },
    )
    .returning(throttles.c.earliest_at)
)
"""In the table of throttles: a row whose time has passed means a full bucket and is purged with them."""
