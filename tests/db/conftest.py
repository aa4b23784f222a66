"""Fixtures for tests of the database layer: a database of their own for each test, on both kinds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hexclave_server.core.db import Database
from tests.db.storage import Storage, new_storage
from tests.server import DatabaseKind


@pytest.fixture
def storage(database: DatabaseKind, tmp_path: Path) -> Iterator[Storage]:
    """A database of either kind."""
    with new_storage(database, tmp_path) as made:
        yield made


@pytest.fixture
async def db(storage: Storage) -> AsyncIterator[Database]:
    """The same, opened."""
    async with storage.open() as opened:
        yield opened


@pytest.fixture
def sqlite_storage(tmp_path: Path) -> Iterator[Storage]:
    """A SQLite database."""
    with new_storage("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def postgres_storage(tmp_path: Path) -> Iterator[Storage]:
    """A PostgreSQL database."""
    with new_storage("postgresql", tmp_path) as made:
        yield made
