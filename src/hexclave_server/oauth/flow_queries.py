"""The statements of flows. A flow is found by the hash of its state, which is random and unique over all tenancies: so it names the tenancy."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from hexclave_server.core.db import Query
from hexclave_server.oauth.tables import oauth_flows

PURGED_AT_ONCE = 1000


class FlowRow(msgspec.Struct, frozen=True):
    """A flow as stored; `expires_at` in epoch milliseconds."""

    tenancy_id: str
    provider_id: str
    sealed_flow: str
    expires_at: int


INSERT_FLOW = Query(
    insert(oauth_flows).values(
        tenancy_id=bindparam("tenancy_id"),
        state_hash=bindparam("state_hash"),
        provider_id=bindparam("provider_id"),
        sealed_flow=bindparam("sealed_flow"),
        created_at=bindparam("now"),
        expires_at=bindparam("expires_at"),
        used_at=None,
    )
)

FIND_FLOW = Query(
    select(oauth_flows.c.tenancy_id, oauth_flows.c.provider_id, oauth_flows.c.sealed_flow, oauth_flows.c.expires_at).where(
        oauth_flows.c.state_hash == bindparam("state_hash")
    )
)

CLAIM_FLOW = Query(
    update(oauth_flows)
    .where(
        oauth_flows.c.tenancy_id == bindparam("tenancy_id"),
        oauth_flows.c.state_hash == bindparam("state_hash"),
        oauth_flows.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
)

_KEY = (oauth_flows.c.tenancy_id, oauth_flows.c.state_hash)
PURGE_FLOWS = Query(
    delete(oauth_flows).where(tuple_(*_KEY).in_(select(*_KEY).where(oauth_flows.c.expires_at <= bindparam("before")).limit(PURGED_AT_ONCE)))
)
