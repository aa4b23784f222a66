"""The directory in memory: quick, never out of date on its node, and never sure that something is absent (DESIGN 4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server.config.schema import Level
from hexclave_server.config.service import find_override, merge_override, replace_override
from hexclave_server.core.context import KeyKind, Project, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Database
from hexclave_server.projects import key_sets, queries, service
from hexclave_server.projects.directory import ProjectDirectory

pytestmark = pytest.mark.anyio

SECRET = {
    "auth.oauth.providers.google": {"type": "google", "isShared": False, "clientId": "i", "clientSecret": "hidden", "allowSignIn": True}
}


async def new_project(db: Database, keyring: Keyring, **overrides: Any) -> Project:
    made = await db.write(lambda conn: service.create_project(conn, keyring, display_name="P", owner_team_id=None, overrides=overrides))
    assert made is not None
    found = await service.load_project(db, keyring, made[0].id)
    assert found is not None
    return found


async def test_a_change_is_seen_by_the_next_request(db: Database, keyring: Keyring) -> None:
    directory = ProjectDirectory(db, keyring)
    project = await new_project(db, keyring)
    assert await directory.find_project(project.id) is await directory.find_project(project.id)
    change = {"auth.allowSignUp": False}
    await db.write(lambda conn: merge_override(conn, keyring, project.tenancy, Level.ENVIRONMENT, change))
    found = await directory.find_project(project.id)
    assert found is not None
    assert found.config["auth"]["allowSignUp"] is False


async def test_absence_is_not_remembered(db: Database, keyring: Keyring) -> None:
    directory = ProjectDirectory(db, keyring)
    assert await directory.find_project("11111111-1111-4111-8111-111111111111") is None
    assert await directory.find_project("no uuid") is None
    project = await new_project(db, keyring)
    assert await directory.find_project(project.id) is not None
    await service.delete_project(db, project.id)
    assert await directory.find_project(project.id) is None
    assert await db.value(queries.FIND_TENANCY, project_id=project.id, branch_id="main") is None


async def test_keys_of_other_kinds_projects_and_times(db: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = ProjectDirectory(db, keyring)
    project, other = await new_project(db, keyring), await new_project(db, keyring)
    made = await db.write(lambda conn: key_sets.create_key_set(conn, project.tenancy, "d", 4e12, {KeyKind.SECRET_SERVER}))
    key = made.keys[KeyKind.SECRET_SERVER]
    assert len(key) == 49
    assert key.startswith("ssk_")
    for _ in range(2):
        assert await directory.key_is_valid(project, KeyKind.SECRET_SERVER, key)
        assert not await directory.key_is_valid(other, KeyKind.SECRET_SERVER, key)
        assert not await directory.key_is_valid(project, KeyKind.SUPER_SECRET_ADMIN, key)
        assert not await directory.key_is_valid(project, KeyKind.SECRET_SERVER, key.upper())
    monkeypatch.setattr("hexclave_server.core.clock.now_millis", lambda: 4_000_000_000_000)
    assert not await directory.key_is_valid(project, KeyKind.SECRET_SERVER, key)


async def test_revocation_works_at_once(db: Database, keyring: Keyring) -> None:
    directory = ProjectDirectory(db, keyring)
    project = await new_project(db, keyring)
    made = await db.write(lambda conn: key_sets.create_key_set(conn, project.tenancy, "d", 4e12, set(KeyKind)))
    key = made.keys[KeyKind.PUBLISHABLE_CLIENT]
    assert await directory.key_is_valid(project, KeyKind.PUBLISHABLE_CLIENT, key)
    await db.write(lambda conn: key_sets.revoke_key_set(conn, project.tenancy, made.id))
    assert not await directory.key_is_valid(project, KeyKind.PUBLISHABLE_CLIENT, key)


async def test_secrets_of_the_configuration_are_encrypted_at_rest(db: Database, keyring: Keyring) -> None:
    project = await new_project(db, keyring, **SECRET)
    from hexclave_server.config import queries as config_queries

    stored = await db.value(config_queries.FIND, tenancy_id=project.tenancy.id, level="environment")
    assert "hidden" not in stored
    assert project.config["auth"]["oauth"]["providers"]["google"]["clientSecret"] == "hidden"
    override = await find_override(db, keyring, project.tenancy, Level.ENVIRONMENT)
    assert override["auth.oauth.providers.google"] == SECRET["auth.oauth.providers.google"]


async def test_concurrent_changes_of_one_level_are_all_kept(db: Database, keyring: Keyring) -> None:
    import asyncio

    tenancy: Tenancy = (await new_project(db, keyring)).tenancy

    async def change(place: int) -> None:
        keys = {f"dataVault.stores.s{place}": {"displayName": str(place)}}
        await db.write(lambda conn: merge_override(conn, keyring, tenancy, Level.BRANCH, keys))

    await asyncio.gather(*(change(place) for place in range(20)))
    assert len(await find_override(db, keyring, tenancy, Level.BRANCH)) == 20
    await db.write(lambda conn: replace_override(conn, keyring, tenancy, Level.BRANCH, {}))
    assert await find_override(db, keyring, tenancy, Level.BRANCH) == {}
