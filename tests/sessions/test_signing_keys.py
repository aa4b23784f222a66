"""The cache of signing keys: fresh after every change, and still serving while the database is away (contract 01 §1.1, DESIGN of caches)."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server.core.context import Project, Tenancy
from hexclave_server.core.crypto import DecryptionFailed, Keyring
from hexclave_server.core.db import DatabaseUnavailable, Query
from hexclave_server.core.tokens import USER_TYPES
from hexclave_server.sessions import key_queries
from hexclave_server.sessions.key_queries import SigningKeyRow
from hexclave_server.sessions.signing_keys import SigningKeys, create_signing_keys

TENANCY = Tenancy("7f2b8c1e-0000-4000-8000-123456789abd", "3f2b8c1e-0000-4000-8000-123456789abd", "main")
PROJECT = Project(TENANCY, "Project", None, {})
KEYRING = Keyring.from_master(bytes(range(32)))


class Storage:
    """What the source of keys uses of database and directory, in memory."""

    def __init__(self) -> None:
        self.rows: list[SigningKeyRow] = []
        self.number = 0
        self.away = False
        self.reads = 0

    def generation(self) -> int:
        return self.number

    async def execute(self, query: Query, **values: Any) -> int:
        assert query is key_queries.CREATE
        fields = ("user_type", "role", "public_jwk", "private_key")
        row = SigningKeyRow(
            id=values["key_id"],
            created_at=values["now"],
            signs_from=values["signs_from"],
            retires_at=None,
            **{f: values[f] for f in fields},
        )
        self.rows.append(row)
        return 1

    async def all(self, row: type, query: Query, **params: Any) -> list[SigningKeyRow]:
        self.reads += 1
        if self.away:
            raise DatabaseUnavailable("away")
        return list(self.rows) if params["tenancy_id"] == TENANCY.id else []

    async def find_project(self, project_id: str) -> Project | None:
        if self.away:
            raise DatabaseUnavailable("away")
        return PROJECT if project_id == PROJECT.id and self.rows else None


@pytest.fixture
async def storage() -> Storage:
    storage = Storage()
    await create_signing_keys(storage, KEYRING, TENANCY)  # type: ignore[arg-type]
    return storage


def source(storage: Storage, keyring: Keyring = KEYRING) -> SigningKeys:
    return SigningKeys(storage, keyring, storage)  # type: ignore[arg-type]


async def test_a_project_gets_six_different_keys_and_each_audience_signs_with_one_of_its_own(storage: Storage) -> None:
    keys = source(storage)
    published = await keys.key_set(PROJECT.id, USER_TYPES)
    assert published is not None
    assert len({key.kid for key in published}) == 6
    for user_type in USER_TYPES:
        signer = await keys.signing_key(TENANCY, user_type)
        verifiers = await keys.verification_keys(PROJECT.id, user_type)
        assert verifiers is not None
        assert signer.kid == verifiers[0].kid
        assert len(verifiers) == 2


async def test_keys_are_read_once_until_something_changed(storage: Storage) -> None:
    keys = source(storage)
    for _ in range(3):
        await keys.signing_key(TENANCY, "normal")
    assert storage.reads == 1
    storage.number += 1
    await keys.signing_key(TENANCY, "normal")
    assert storage.reads == 2


async def test_while_the_database_is_away_known_keys_still_serve(storage: Storage) -> None:
    keys = source(storage)
    before = await keys.key_set(PROJECT.id, ["normal"])
    storage.away = True
    storage.number += 1
    assert await keys.key_set(PROJECT.id, ["normal"]) == before
    assert (await keys.signing_key(TENANCY, "normal")).kid == before[0].kid  # type: ignore[index]
    with pytest.raises(DatabaseUnavailable):
        await source(storage).key_set(PROJECT.id, ["normal"])


async def test_a_deleted_project_has_no_keys_and_absence_is_not_remembered(storage: Storage) -> None:
    keys = source(storage)
    rows = storage.rows
    await keys.key_set(PROJECT.id, ["normal"])
    storage.rows, storage.number = [], 1
    assert await keys.key_set(PROJECT.id, ["normal"]) is None
    assert await keys.verification_keys(PROJECT.id, "normal") is None
    with pytest.raises(LookupError):
        await keys.signing_key(TENANCY, "normal")
    storage.rows = rows
    assert await keys.key_set(PROJECT.id, ["normal"]) is not None


async def test_private_keys_lie_encrypted_and_bound_to_their_row(storage: Storage) -> None:
    for row in storage.rows:
        assert "PRIVATE" not in row.private_key
    storage.rows[0], storage.rows[1] = (
        SigningKeyRow(r.id, r.user_type, r.role, r.public_jwk, other.private_key, r.created_at, r.signs_from, None)
        for r, other in ((storage.rows[0], storage.rows[1]), (storage.rows[1], storage.rows[0]))
    )
    with pytest.raises(DecryptionFailed):
        await source(storage).signing_key(TENANCY, "normal")
    with pytest.raises(DecryptionFailed):
        await source(storage, Keyring.from_master(bytes(range(1, 33)))).signing_key(TENANCY, "restricted")
