"""Statements on stored overrides: the only SQL of the configuration."""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, bindparam, select, update

from hexclave_server.config.tables import config_overrides
from hexclave_server.core.db import Query, insert_if_absent


class OverrideRow(msgspec.Struct, frozen=True):
    """One level's override as JSON text, secrets sealed."""

    level: str
    override: str


_of_tenancy = config_overrides.c.tenancy_id == bindparam("tenancy_id")
_of_level = and_(_of_tenancy, config_overrides.c.level == bindparam("level"))

LIST = Query(select(config_overrides.c.level, config_overrides.c.override).where(_of_tenancy))
FIND = Query(select(config_overrides.c.override).where(_of_level))
FIND_FOR_UPDATE = Query(select(config_overrides.c.override).where(_of_level).with_for_update())
FIND_SOURCE = Query(select(config_overrides.c.source).where(_of_level))

# A row to lock, so that two first changes at the same moment wait for each other instead of losing one.
CREATE_EMPTY = Query(
    insert_if_absent(config_overrides).values(
        tenancy_id=bindparam("tenancy_id"), level=bindparam("level"), override="{}", updated_at=bindparam("now")
    )
)
REPLACE = Query(update(config_overrides).where(_of_level).values(override=bindparam("override"), updated_at=bindparam("now")))
SET_SOURCE = Query(update(config_overrides).where(_of_level).values(source=bindparam("source"), updated_at=bindparam("now")))
