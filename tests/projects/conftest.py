"""A migrated database of the test's own, opened in the test's process, with a keyring."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Database, make_database
from hexclave_server.migrations import migrate
from tests.postgres import fresh_database
from tests.server import DatabaseKind


@pytest.fixture
def database_url(database: DatabaseKind, tmp_path: Path) -> Iterator[str]:
    if database == "postgresql":
        with fresh_database() as url:
            yield url
    else:
        url = f"sqlite:///{tmp_path / 'hexclave.db'}"
        migrate(url, tmp_path)
        yield url


@pytest.fixture
async def db(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = make_database(database_url, tmp_path, 4)
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.from_master(b"m" * 32)
