"""The configuration of a tenancy: read as one tree, changed level by level.

Changes of one level wait for each other (a row lock on PostgreSQL, the one writer on SQLite), so that none is lost, and every change
tells all processes that something cached changed. Secrets are encrypted in the stored text and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hexclave_server.config import queries, secrets
from hexclave_server.config.legacy import legacy_domains, legacy_providers, read_legacy_config, write_legacy_config
from hexclave_server.config.merge import merge, reset_keys
from hexclave_server.config.migrate import migrate
from hexclave_server.config.new_project import internal_project_overrides, new_project_overrides
from hexclave_server.config.queries import OverrideRow
from hexclave_server.config.render import Config, render
from hexclave_server.config.schema import Level
from hexclave_server.config.validate import ConfigInvalid, check_override, parse_override
from hexclave_server.core import clock
from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection, bump_generation

PURPOSE = "config-secret"
MAX_OVERRIDE_LENGTH = 5_000_000

_LEVELS = {level.wire: level for level in Level}


StoredOverrides = dict[Level, str]
"""JSON text by level, secrets sealed: what to compare to see whether a configuration is still the same."""


async def read_overrides(conn: Connection, tenancy: Tenancy) -> StoredOverrides:
    """All overrides as they are stored."""
    return {_LEVELS[row.level]: row.override for row in await conn.all(OverrideRow, queries.LIST, tenancy_id=tenancy.id)}


def render_stored(keyring: Keyring, tenancy: Tenancy, stored: StoredOverrides) -> Config:
    """The rendered configuration, with its secrets in clear."""
    return render(*(_open(keyring, tenancy, level, stored[level]) for level in Level if level in stored))


async def find_override(conn: Connection, keyring: Keyring, tenancy: Tenancy, level: Level) -> dict[str, Any]:
    """The override of a level as it was written, secrets in clear; empty if there is none."""
    text = await conn.value(queries.FIND, tenancy_id=tenancy.id, level=level.wire)
    return _open(keyring, tenancy, level, text) if text is not None else {}


async def replace_override(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, level: Level, override: dict[str, Any], *, source: str | None = None
) -> None:
    """Stores a valid override in place of the level's former one, and with `source` (JSON text) where it was pushed from.

    Raises ConfigInvalid when it is too large. Part of a write transaction.
    """
    await change_override(conn, keyring, tenancy, level, lambda _: override)
    if source is not None:
        await conn.execute(queries.SET_SOURCE, tenancy_id=tenancy.id, level=level.wire, source=source, now=clock.now_millis())


async def merge_override(conn: Connection, keyring: Keyring, tenancy: Tenancy, level: Level, override: dict[str, Any]) -> None:
    """Merges a valid override over the level's stored one. Raises and runs as `replace_override` does."""
    await change_override(conn, keyring, tenancy, level, lambda former: merge(former, override))


async def change_override(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, level: Level, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> bool:
    """Replaces the level's override by what `change` makes of it; False, and nothing written, when that is the same.

    Raises ConfigInvalid when the result is too large. Part of a write transaction.
    """
    now = clock.now_millis()
    await conn.execute(queries.CREATE_EMPTY, tenancy_id=tenancy.id, level=level.wire, now=now)
    former = _open(keyring, tenancy, level, await conn.value(queries.FIND_FOR_UPDATE, tenancy_id=tenancy.id, level=level.wire))
    override = change(former)
    if override == former:
        return False
    text = _seal(keyring, tenancy, level, override)
    await conn.execute(queries.REPLACE, tenancy_id=tenancy.id, level=level.wire, override=text, now=now)
    await bump_generation(conn)
    return True


async def find_source(conn: Connection, tenancy: Tenancy) -> str | None:
    """Where the branch level was pushed from, as JSON text; None when unlinked."""
    source: str | None = await conn.value(queries.FIND_SOURCE, tenancy_id=tenancy.id, level=Level.BRANCH.wire)
    return source


async def unlink_source(conn: Connection, tenancy: Tenancy) -> None:
    """Forgets where the branch level was pushed from; the configuration stays."""
    await conn.execute(queries.SET_SOURCE, tenancy_id=tenancy.id, level=Level.BRANCH.wire, source=None, now=clock.now_millis())


def _open(keyring: Keyring, tenancy: Tenancy, level: Level, text: str) -> dict[str, Any]:
    def decrypt(sealed: str, path: str) -> str:
        return keyring.decrypt(sealed, purpose=PURPOSE, tenancy_id=tenancy.id, row_id=f"{level.wire}:{path}").decode()

    return migrate(secrets.unseal(msgspec.json.decode(text), decrypt), level)


def _seal(keyring: Keyring, tenancy: Tenancy, level: Level, override: dict[str, Any]) -> str:
    def encrypt(secret: str, path: str) -> str:
        return keyring.encrypt(secret.encode(), purpose=PURPOSE, tenancy_id=tenancy.id, row_id=f"{level.wire}:{path}")

    text = msgspec.json.encode(secrets.seal(override, encrypt)).decode()
    if len(text) > MAX_OVERRIDE_LENGTH:
        msg = f"The override of level {level.wire} would be larger than {MAX_OVERRIDE_LENGTH} characters."
        raise ConfigInvalid(msg)
    return text


__all__ = [
    "Config",
    "ConfigInvalid",
    "Level",
    "StoredOverrides",
    "change_override",
    "check_override",
    "find_override",
    "find_source",
    "internal_project_overrides",
    "legacy_domains",
    "legacy_providers",
    "merge",
    "merge_override",
    "new_project_overrides",
    "parse_override",
    "read_legacy_config",
    "read_overrides",
    "render",
    "render_stored",
    "replace_override",
    "reset_keys",
    "unlink_source",
    "write_legacy_config",
]
