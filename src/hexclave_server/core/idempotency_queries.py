"""The statements of idempotency keys."""

from sqlalchemy import and_, bindparam, delete, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from hexclave_server.core.db import Query
from hexclave_server.core.idempotency_tables import idempotency_keys

PURGED_AT_ONCE = 1000

_columns = idempotency_keys.c
_THIS = and_(_columns.tenancy_id == bindparam("tenancy_id"), _columns.key_hash == bindparam("key_hash"))
_MINE = and_(_THIS, _columns.locked_until == bindparam("locked_until"), _columns.sealed_answer.is_(None))

_insert = insert(idempotency_keys).values(
    tenancy_id=bindparam("tenancy_id"),
    key_hash=bindparam("key_hash"),
    fingerprint=bindparam("fingerprint"),
    sealed_answer=None,
    created_at=bindparam("now"),
    locked_until=bindparam("locked_until"),
)
RESERVE = Query(
    _insert.on_conflict_do_update(
        index_elements=["tenancy_id", "key_hash"],
        set_={name: getattr(_insert.excluded, name) for name in ("fingerprint", "sealed_answer", "created_at", "locked_until")},
        where=or_(
            _columns.created_at <= bindparam("outdated", type_=_columns.created_at.type),
            and_(
                _columns.sealed_answer.is_(None),
                _columns.locked_until <= bindparam("now", type_=_columns.created_at.type),
                _columns.fingerprint == bindparam("fingerprint", type_=_columns.fingerprint.type),
            ),
        ),
    )
)
FIND = Query(select(_columns.fingerprint, _columns.sealed_answer).where(_THIS))
KEEP_ANSWER = Query(update(idempotency_keys).where(_MINE).values(sealed_answer=bindparam("sealed_answer")))
RELEASE = Query(delete(idempotency_keys).where(_MINE))

_KEY = (_columns.tenancy_id, _columns.key_hash)
_OUTDATED = select(*_KEY).where(_columns.created_at <= bindparam("outdated")).limit(PURGED_AT_ONCE)
PURGE = Query(delete(idempotency_keys).where(_columns.created_at <= bindparam("outdated"), tuple_(*_KEY).in_(_OUTDATED)))
