"""The inside of a running server, opened from a test: its database and keys, for attackers who have got that far and for rotations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.data_directory import read_master_secret
from hexclave_server.core.db import Database, make_database
from hexclave_server.core.tokens import SigningKey, UserType
from hexclave_server.projects.directory import ProjectDirectory
from hexclave_server.sessions.signing_keys import SigningKeys, rotate_signing_keys
from tests.server import RunningServer


class Inside:
    """Database and keyring of a server that is running."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database = database
        self.keyring = keyring
        self._directory = ProjectDirectory(database, keyring)
        self._keys = SigningKeys(database, keyring, self._directory)

    async def tenancy(self, project_id: str) -> Tenancy:
        """The tenancy of a project."""
        project = await self._directory.find_project(project_id)
        assert project is not None
        return project.tenancy

    async def signing_key(self, project_id: str, user_type: UserType = "normal") -> SigningKey:
        """The key that signs now."""
        return await self._keys.signing_key(await self.tenancy(project_id), user_type)

    async def rotate(self, project_id: str, *, at_once: bool = False) -> None:
        """Rotates the signing keys of a project, as the command does."""
        tenancy = await self.tenancy(project_id)
        await self.database.write(
            lambda conn: rotate_signing_keys(conn, self.keyring, tenancy, token_lifetime_seconds=600, at_once=at_once)
        )


@asynccontextmanager
async def opened(server: RunningServer) -> AsyncIterator[Inside]:
    """Opens a running server's database beside it."""
    secret = read_master_secret(server.data_dir)
    assert secret is not None
    database = make_database(server.environment.get("HEXCLAVE_DATABASE_URL"), server.data_dir, 2)
    await database.start()
    try:
        yield Inside(database, Keyring.from_master(secret))
    finally:
        await database.close()
