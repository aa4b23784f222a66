"""What a deployment has before anybody signs in, and what its settings change at later starts (contract 15 §1, §2)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hexclave_server.config.legacy import read_legacy_config
from hexclave_server.config.schema import Level
from hexclave_server.config.service import merge_override
from hexclave_server.core.context import KeyKind, Project
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Database
from hexclave_server.projects import key_sets, service
from hexclave_server.projects.directory import ProjectDirectory
from hexclave_server.projects.seeding import seed
from hexclave_server.settings import Settings

pytestmark = pytest.mark.anyio

PCK, SSK, SAK = KeyKind.PUBLISHABLE_CLIENT, KeyKind.SECRET_SERVER, KeyKind.SUPER_SECRET_ADMIN


def settings(**given: str) -> Settings:
    names = {f"HEXCLAVE_SEED_INTERNAL_{name.upper()}": value for name, value in given.items() if name != "dashboard_url"}
    dashboard = {"HEXCLAVE_DASHBOARD_URL": given["dashboard_url"]} if "dashboard_url" in given else {}
    return Settings.load({"HEXCLAVE_DATA_DIR": str(Path("/nowhere")), **names, **dashboard})


async def internal(db: Database, keyring: Keyring) -> Project:
    found = await service.load_project(db, keyring, "internal")
    assert found is not None
    return found


async def legacy(db: Database, keyring: Keyring) -> dict[str, Any]:
    return read_legacy_config((await internal(db, keyring)).config)


async def test_first_start(db: Database, keyring: Keyring) -> None:
    first = await seed(db, keyring, settings())
    assert first is not None
    found = await internal(db, keyring)
    assert found.display_name == "Hexclave Dashboard"
    config = read_legacy_config(found.config)
    assert config["sign_up_enabled"] is False
    assert config["credential_enabled"] is config["magic_link_enabled"] is config["allow_localhost"] is True
    assert config["create_team_on_sign_up"] is config["client_team_creation_enabled"] is True
    assert config["domains"] == []
    assert await key_sets.list_key_sets(db, found.tenancy) == []
    project = await service.load_project(db, keyring, first.project_id)
    assert project is not None
    assert project.display_name == "My Project"
    assert project.owner_team_id == found.owner_team_id is not None
    assert read_legacy_config(project.config)["allow_localhost"] is True
    directory = ProjectDirectory(db, keyring)
    assert await directory.key_is_valid(project, PCK, first.publishable_client_key)
    assert await directory.key_is_valid(project, SSK, first.secret_server_key)
    (key_set,) = await key_sets.list_key_sets(db, project.tenancy)
    assert key_set.expires_at == 4_102_444_799_000
    assert key_set.super_secret_admin_key_last_four is None


async def test_a_second_start_makes_nothing(db: Database, keyring: Keyring) -> None:
    await seed(db, keyring, settings())
    before = await service.list_projects(db)
    generation = db.generation()
    assert await seed(db, keyring, settings()) is None
    assert await service.list_projects(db) == before
    assert db.generation() == generation


async def test_of_two_nodes_that_start_together_one_seeds(db: Database, keyring: Keyring) -> None:
    made = await asyncio.gather(*(seed(db, keyring, settings(secret_server_key="s")) for _ in range(4)))
    assert len([first for first in made if first is not None]) == 1
    assert len(await service.list_projects(db)) == 2


async def test_given_settings_are_written_at_each_start_and_defaults_only_at_the_first(db: Database, keyring: Keyring) -> None:
    await seed(db, keyring, settings(sign_up_enabled="true", display_name="Ours", oauth_providers="github,google"))
    config = await legacy(db, keyring)
    assert config["sign_up_enabled"] is True
    assert [provider["id"] for provider in config["enabled_oauth_providers"]] == ["github", "google"]
    assert (await internal(db, keyring)).display_name == "Ours"
    tenancy = (await internal(db, keyring)).tenancy
    changed = {"auth.allowSignUp": False, "auth.otp.allowSignIn": False, "domains.allowLocalhost": False}
    await db.write(lambda conn: merge_override(conn, keyring, tenancy, Level.ENVIRONMENT, changed))
    await seed(db, keyring, settings(otp_enabled="true"))
    config = await legacy(db, keyring)
    assert (config["sign_up_enabled"], config["magic_link_enabled"], config["allow_localhost"]) == (False, True, False)
    assert (await internal(db, keyring)).display_name == "Ours"
    await seed(db, keyring, settings(display_name="Theirs", oauth_providers=""))
    assert (await internal(db, keyring)).display_name == "Theirs"


async def test_the_dashboard_is_trusted_unless_it_is_localhost(db: Database, keyring: Keyring) -> None:
    await seed(db, keyring, settings(dashboard_url="https://auth.example.com/dashboard"))
    assert (await legacy(db, keyring))["domains"] == [{"domain": "https://auth.example.com/dashboard", "handler_path": "/handler"}]
    await seed(db, keyring, settings(dashboard_url="https://new.example.com/dashboard"))
    assert [d["domain"] for d in (await legacy(db, keyring))["domains"]] == ["https://new.example.com/dashboard"]


async def test_seeded_keys(db: Database, keyring: Keyring) -> None:
    directory = ProjectDirectory(db, keyring)

    async def works(kind: KeyKind, key: str) -> bool:
        return await directory.key_is_valid(await internal(db, keyring), kind, key)

    await seed(db, keyring, settings(publishable_client_key="any string", secret_server_key="s1"))
    assert await works(PCK, "any string")
    assert await works(SSK, "s1")
    assert not await works(SAK, "s1")
    # a changed value replaces the former one, one no longer given stays
    await seed(db, keyring, settings(secret_server_key="s2", super_secret_admin_key="a"))
    assert [await works(PCK, "any string"), await works(SSK, "s1"), await works(SSK, "s2"), await works(SAK, "a")] == [
        True,
        False,
        True,
        True,
    ]
    tenancy = (await internal(db, keyring)).tenancy
    (key_set,) = await key_sets.list_key_sets(db, tenancy)
    assert key_set.expires_at == 4_102_444_799_000
    await seed(db, keyring, settings())
    assert await works(SSK, "s2")
    # revoked stays revoked at the next start, until a key changes
    await db.write(lambda conn: key_sets.revoke_key_set(conn, tenancy, key_set.id))
    await seed(db, keyring, settings(secret_server_key="s2"))
    assert not await works(SSK, "s2")
    await seed(db, keyring, settings(secret_server_key="s3"))
    assert [await works(SSK, "s3"), await works(SAK, "a")] == [True, False]
