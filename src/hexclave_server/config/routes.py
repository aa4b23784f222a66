"""The configuration endpoints: the rendered tree, and the override of each level (contract 04 §9)."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from hexclave_server.config import service
from hexclave_server.config.service import Level
from hexclave_server.config.wire import (
    ConfigSource,
    ConfigString,
    KeysToReset,
    LevelPath,
    OverrideChange,
    OverrideReplacement,
    ResettableLevelPath,
    SourceRead,
)
from hexclave_server.core.context import Access, Call
from hexclave_server.core.db import Connection
from hexclave_server.core.endpoint import ADMIN, CONFIG_BODY_LIMIT, SERVER, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import SchemaError
from hexclave_server.core.limits import READ, WRITE
from hexclave_server.core.schema import Success

_GITHUB = ("owner", "repo", "branch", "commit_hash", "config_file_path")
_UNLINKED = Raw(b'{"type":"unlinked"}')
_TAGS = ["Configuration"]


@endpoint("GET /internal/config", access=ADMIN, limit=READ, tags=_TAGS)
async def read_config(call: Call) -> ConfigString:
    """The complete configuration that is in force"""
    return ConfigString(config_string=_as_text(call.config))


@endpoint("GET /internal/config/override/{level}", access=SERVER, limit=READ, tags=_TAGS)
async def read_override(call: Call, path: LevelPath) -> ConfigString:
    """One level's override as it was written"""
    level = _level(call, path.level)
    return ConfigString(config_string=_as_text(await service.find_override(call.db, call.parts.keyring, call.tenancy, level)))


@endpoint("PUT /internal/config/override/{level}", access=SERVER, limit=WRITE, tags=_TAGS, body_limit=CONFIG_BODY_LIMIT)
async def replace_override(call: Call, path: LevelPath, body: OverrideReplacement) -> Success:
    """Replaces one level's override"""
    source = _source_text(body.source) if body.source is not UNSET else None
    level = _level(call, path.level)
    override = service.parse_override(body.config_string, level)
    if level is Level.BRANCH and source is None:
        raise PlainError(400, "Give a source: replacing the override of level branch says where it was pushed from.")

    async def work(conn: Connection) -> None:
        of_branch = source if level is Level.BRANCH else None
        await service.replace_override(conn, call.parts.keyring, call.tenancy, level, override, source=of_branch)

    await call.db.write(work)
    return Success()


@endpoint("PATCH /internal/config/override/{level}", access=SERVER, limit=WRITE, tags=_TAGS, body_limit=CONFIG_BODY_LIMIT)
async def change_override(call: Call, path: LevelPath, body: OverrideChange) -> Success:
    """Merges keys into one level's override"""
    return await _merge(call, _level(call, path.level), body)


@endpoint("PATCH /internal/config/override", access=ADMIN, limit=WRITE, tags=_TAGS, body_limit=CONFIG_BODY_LIMIT)
async def change_environment_override(call: Call, body: OverrideChange) -> Success:
    """Merges keys into the environment's override (former name of the endpoint with a level)"""
    return await _merge(call, Level.ENVIRONMENT, body)


@endpoint("POST /internal/config/override/{level}/reset-keys", access=ADMIN, limit=WRITE, tags=_TAGS, body_limit=CONFIG_BODY_LIMIT)
async def reset_keys(call: Call, path: ResettableLevelPath, body: KeysToReset) -> Success:
    """Takes keys, and what is below them, out of one level's override"""
    level = Level[path.level.upper()]

    async def work(conn: Connection) -> None:
        await service.change_override(conn, call.parts.keyring, call.tenancy, level, lambda former: service.reset_keys(former, body.keys))

    await call.db.write(work)
    return Success()


@endpoint("GET /internal/config/source", access=ADMIN, limit=READ, tags=_TAGS)
async def read_source(call: Call) -> SourceRead:
    """Where the configuration of the branch was pushed from"""
    source = await service.find_source(call.db, call.tenancy)
    return SourceRead(source=_UNLINKED if source is None else Raw(source.encode()))


@endpoint("DELETE /internal/config/source", access=ADMIN, limit=WRITE, tags=_TAGS)
async def unlink_source(call: Call) -> Success:
    """Forgets where the configuration of the branch was pushed from"""
    await call.db.write(lambda conn: service.unlink_source(conn, call.tenancy))
    return Success()


async def _merge(call: Call, level: Level, body: OverrideChange) -> Success:
    override = service.parse_override(body.config_override_string, level)
    await call.db.write(lambda conn: service.merge_override(conn, call.parts.keyring, call.tenancy, level, override))
    return Success()


def _level(call: Call, name: str) -> Level:
    """The level of the path. Raises PlainError 403 where the server key does not reach."""
    level = Level[name.upper()]
    if call.access is Access.SERVER and level is not Level.BRANCH:
        raise PlainError(403, "With server access only the override of level branch can be read and written.")
    return level


def _source_text(source: ConfigSource) -> str:
    """The source as it is stored. Raises SchemaError for members that its type lacks or does not know."""
    if source.type == "pushed-from-github":
        defects = [f"body.source.{name} is required" for name in _GITHUB if getattr(source, name) is UNSET]
    else:
        given = msgspec.structs.asdict(source)
        defects = [f"body.source has an unknown property: {name}" for name, value in given.items() if name != "type" and value is not UNSET]
    if defects:
        raise SchemaError(text="\n".join(defects))
    return _as_text(source)


def _as_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


ENDPOINTS = [
    read_config,
    read_override,
    replace_override,
    change_override,
    change_environment_override,
    reset_keys,
    read_source,
    unlink_source,
]
