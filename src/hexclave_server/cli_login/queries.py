"""The statements of logins of command lines. Each step is one conditional write, so that of two who take it at once one comes too late."""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, bindparam, delete, insert, null, select, tuple_, update

from hexclave_server.cli_login.tables import cli_logins
from hexclave_server.core.db import Query

PURGED_AT_ONCE = 1000


class PolledLogin(msgspec.Struct, frozen=True):
    """A login as its command line finds it; times in epoch milliseconds."""

    id: str
    sealed_refresh_token: str | None
    expires_at: int
    completed_at: int | None
    fetched_at: int | None


class ShownLogin(msgspec.Struct, frozen=True):
    """A login as a page finds it; times in epoch milliseconds."""

    id: str
    sealed_anonymous_refresh_token: str | None
    started_from: str | None
    created_at: int
    expires_at: int
    completed_at: int | None


_of_tenancy = cli_logins.c.tenancy_id == bindparam("tenancy_id")
_of_id = and_(_of_tenancy, cli_logins.c.id == bindparam("login_id"))
_is_open = and_(cli_logins.c.completed_at.is_(None), cli_logins.c.expires_at > bindparam("now"))

CREATE = Query(
    insert(cli_logins).values(
        tenancy_id=bindparam("tenancy_id"),
        id=bindparam("login_id"),
        polling_code_hash=bindparam("polling_code_hash"),
        login_code_hash=bindparam("login_code_hash"),
        sealed_anonymous_refresh_token=bindparam("sealed_anonymous_refresh_token"),
        started_from=bindparam("started_from"),
        created_at=bindparam("now"),
        expires_at=bindparam("expires_at"),
    )
)

FIND_POLLED = Query(
    select(
        cli_logins.c.id,
        cli_logins.c.sealed_refresh_token,
        cli_logins.c.expires_at,
        cli_logins.c.completed_at,
        cli_logins.c.fetched_at,
    ).where(_of_tenancy, cli_logins.c.polling_code_hash == bindparam("polling_code_hash"))
)

FIND_SHOWN = Query(
    select(
        cli_logins.c.id,
        cli_logins.c.sealed_anonymous_refresh_token,
        cli_logins.c.started_from,
        cli_logins.c.created_at,
        cli_logins.c.expires_at,
        cli_logins.c.completed_at,
    ).where(_of_tenancy, cli_logins.c.login_code_hash == bindparam("login_code_hash"))
)

FETCH = Query(
    update(cli_logins)
    .where(_of_id, cli_logins.c.completed_at.is_not(None), cli_logins.c.fetched_at.is_(None), cli_logins.c.expires_at > bindparam("now"))
    .values(fetched_at=bindparam("now"), sealed_refresh_token=null())
)

CLAIM = Query(
    update(cli_logins)
    .where(_of_id, _is_open, cli_logins.c.sealed_anonymous_refresh_token.is_not(None), cli_logins.c.anonymous_claimed_at.is_(None))
    .values(anonymous_claimed_at=bindparam("now"))
)

COMPLETE = Query(
    update(cli_logins)
    .where(_of_id, _is_open)
    .values(completed_at=bindparam("now"), sealed_refresh_token=bindparam("sealed_refresh_token"), sealed_anonymous_refresh_token=null())
)

_KEY = (cli_logins.c.tenancy_id, cli_logins.c.id)
_IS_OUTDATED = cli_logins.c.expires_at <= bindparam("before")
PURGE = Query(delete(cli_logins).where(tuple_(*_KEY).in_(select(*_KEY).where(_IS_OUTDATED).limit(PURGED_AT_ONCE))))
