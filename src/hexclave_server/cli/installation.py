"""An installation on disk: brought up to date before the server runs, and opened by the other commands.

`bring_up_to_date` runs in a process of its own, so that the server's parent never opens the database (what is open at a fork breaks in the
child, and two SQLite libraries must not have one file open in one process), nor keeps in memory what only migrations need.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hexclave_server.administrators.service import SetupPasswordMismatch, create_setup_code, seed_administrator, setup_link
from hexclave_server.app import build_parts
from hexclave_server.cli.failures import CommandFailed
from hexclave_server.core import clock, data_directory
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Database, make_database
from hexclave_server.core.db.installation import find_master_key_check, keep_master_key_check
from hexclave_server.migrations import current_is_head, migrate
from hexclave_server.projects.seeding import seed
from hexclave_server.settings import Settings

if TYPE_CHECKING:
    from hexclave_server.core.context import Parts

T = TypeVar("T")


class FirstStart(msgspec.Struct, frozen=True):
    """What the first start of an installation made and shows once; `setup_link` is None where settings name the administrator."""

    project_id: str
    publishable_client_key: str
    secret_server_key: str
    setup_link: str | None


def load_settings(config_file: str | None) -> Settings:
    """The settings of this invocation. Raises SettingsError."""
    settings = Settings.load(os.environ, Path(config_file) if config_file else None)
    clock.use_offset_file(settings.unsafe_clock_file)
    return settings


def apply_migrations(settings: Settings) -> list[str]:
    """Migrates the database; the revisions applied. Raises DatabaseUnavailable, NewerDatabase."""
    return migrate(settings.database_url, settings.data_dir)


async def settle_master_secret(database: Database, settings: Settings, *, may_create: bool = False) -> bytes:
    """The master secret that belongs to this database: given, kept, or (only the server may) made now for a new one.

    Raises CommandFailed for another one than the database was made with, and for one that is missing.
    """
    known = await find_master_key_check(database)
    secret = settings.master_secret or data_directory.read_master_secret(settings.data_dir)
    if secret is None:
        if known is not None or not may_create:
            raise CommandFailed(_missing(settings))
        secret = data_directory.generate_master_secret(settings.data_dir)
    own = _check_value(secret)
    if known is None and may_create:
        known = await database.write(lambda conn: keep_master_key_check(conn, own))
    if known != own:
        raise CommandFailed(_wrong(settings))
    return secret


def _check_value(secret: bytes) -> str:
    return Keyring.from_master(secret).check_value()


def _missing(settings: Settings) -> str:
    path = data_directory.master_key_path(settings.data_dir)
    return (
        f"The database belongs to a master secret that is not here: restore {path} from a backup, "
        "or set HEXCLAVE_MASTER_SECRET to the secret of the other servers that use this database."
    )


def _wrong(settings: Settings) -> str:
    source = "HEXCLAVE_MASTER_SECRET" if settings.master_secret is not None else str(data_directory.master_key_path(settings.data_dir))
    return f"The master secret in {source} is not the one that the database was made with. Set HEXCLAVE_MASTER_SECRET to that one."


def _foreign_administrator(settings: Settings) -> str:
    return (
        f"{settings.seed_admin_email} has an account already, and HEXCLAVE_SEED_ADMIN_PASSWORD is not its password. "
        "Give its password if it is yours; else leave HEXCLAVE_SEED_ADMIN_EMAIL out and use hexclave admin link."
    )


async def _master_secret(settings: Settings, *, may_create: bool = False) -> bytes:
    database = make_database(settings.database_url, settings.data_dir, 1)
    await database.start()
    try:
        return await settle_master_secret(database, settings, may_create=may_create)
    finally:
        await database.close()


async def bring_up_to_date(settings: Settings) -> FirstStart | None:
    """Migrated already: settles the master secret and seeds what settings ask for; what to print when this was the first start."""
    parts = build_parts(settings, await _master_secret(settings, may_create=True))
    await parts.db.start()
    try:
        first = await seed(parts.db, parts.keyring, settings)
        try:
            await seed_administrator(parts)
        except SetupPasswordMismatch:
            raise CommandFailed(_foreign_administrator(settings)) from None
        if first is None:
            return None
        link = None if settings.seed_admin_email else setup_link(settings, await create_setup_code(parts))
        return FirstStart(first.project_id, first.publishable_client_key, first.secret_server_key, link)
    finally:
        parts.hasher.close()
        await parts.db.close()


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """The parts of the server for one command, on an installation that is there and up to date.

    Raises CommandFailed, DataDirectoryError, DatabaseUnavailable.
    """
    if settings.uses_sqlite and not settings.sqlite_path.exists():
        msg = f"There is no database at {settings.sqlite_path}. Start the server once (hexclave serve), or set HEXCLAVE_DATA_DIR to its directory."
        raise CommandFailed(msg)
    if not await asyncio.to_thread(current_is_head, settings.database_url, settings.data_dir):
        msg = "The database needs a migration first: run hexclave migrate, or start the server."
        raise CommandFailed(msg)
    data_directory.prepare(settings.data_dir)
    parts = build_parts(settings, await _master_secret(settings))
    await parts.db.start()
    try:
        yield parts
    finally:
        parts.hasher.close()
        await parts.db.close()


def run_with_parts(config_file: str | None, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Runs a command's work with the parts of the server."""
    settings = load_settings(config_file)

    async def run() -> T:
        async with opened(settings) as parts:
            return await work(parts)

    return asyncio.run(run())
