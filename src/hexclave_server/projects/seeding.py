"""What a deployment has before anybody signs in: the project `internal`, its administrators' team, a first project (contract 15 §1, §2).

Run at every start, in one transaction. "First" is decided by whether the row of `internal` could be inserted, so of two nodes that start
together one creates and the other finds. A setting that was given is written at every start, a default only at the first.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from hexclave_server.config import service as configs
from hexclave_server.config.service import Level
from hexclave_server.core.context import INTERNAL_PROJECT_ID, KeyKind, Project, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection, Database
from hexclave_server.projects import key_sets, service, trusted_urls
from hexclave_server.settings import Settings
from hexclave_server.teams import service as teams

ADMINISTRATORS_TEAM_NAME = "Administrators"
INTERNAL_DISPLAY_NAME = "Hexclave Dashboard"
FIRST_PROJECT_NAME = "My Project"
FIRST_KEY_SET_DESCRIPTION = "First keys"


class FirstProject(msgspec.Struct, frozen=True):
    """What the first start made; the keys can never be read again."""

    project_id: str
    publishable_client_key: str
    secret_server_key: str


async def seed(database: Database, keyring: Keyring, settings: Settings) -> FirstProject | None:
    """Brings the deployment in line with its settings; the first project and its keys when this was the first start, else None."""

    async def work(conn: Connection) -> FirstProject | None:
        created = await _create_internal(conn, keyring, settings)
        internal = created if created is not None else await service.load_project(conn, keyring, INTERNAL_PROJECT_ID)
        if internal is None:
            msg = "the project internal has no main branch"
            raise RuntimeError(msg)
        keys = _given_keys(settings)
        if keys:
            await key_sets.seed_key_set(conn, internal.tenancy, keys)
        if created is None:
            await _apply_given_settings(conn, keyring, internal.tenancy, settings)
            return None
        return await _create_first_project(conn, keyring, internal)

    return await database.write(work)


async def _create_internal(conn: Connection, keyring: Keyring, settings: Settings) -> Project | None:
    """The project `internal` with the team that owns it; None when it was there already."""
    overrides = configs.internal_project_overrides({**_default_overrides(), **_given_overrides(settings)})
    name = settings.seed_internal_display_name or INTERNAL_DISPLAY_NAME
    created = await service.create_project(
        conn, keyring, display_name=name, owner_team_id=None, overrides=overrides, project_id=INTERNAL_PROJECT_ID
    )
    if created is None:
        return None
    _, tenancy = created
    without_owner = Project(tenancy, name, None, configs.render(overrides))
    team_id = await teams.create_team(conn, without_owner, ADMINISTRATORS_TEAM_NAME, creator_user_id=None, now=created[0].created_at)
    await service.update_project(conn, keyring, tenancy, {"owner_team_id": team_id}, {})
    return msgspec.structs.replace(without_owner, owner_team_id=team_id)


async def _create_first_project(conn: Connection, keyring: Keyring, internal: Project) -> FirstProject:
    created = await service.create_project(
        conn, keyring, display_name=FIRST_PROJECT_NAME, owner_team_id=internal.owner_team_id, overrides={}
    )
    if created is None:
        msg = "a fresh UUID was taken"
        raise RuntimeError(msg)
    row, tenancy = created
    kinds = {KeyKind.PUBLISHABLE_CLIENT, KeyKind.SECRET_SERVER}
    made = await key_sets.create_key_set(conn, tenancy, FIRST_KEY_SET_DESCRIPTION, key_sets.FAR_FUTURE, kinds)
    return FirstProject(row.id, made.keys[KeyKind.PUBLISHABLE_CLIENT], made.keys[KeyKind.SECRET_SERVER])


async def _apply_given_settings(conn: Connection, keyring: Keyring, tenancy: Tenancy, settings: Settings) -> None:
    name = settings.seed_internal_display_name
    fields = {"display_name": name} if name is not None else {}
    await service.update_project(conn, keyring, tenancy, fields, {})
    given = _given_overrides(settings)
    if given:
        await configs.merge_override(conn, keyring, tenancy, Level.ENVIRONMENT, given)


def _default_overrides() -> dict[str, Any]:
    """Defaults of the deployment's settings: strangers cannot create projects, people sign in by password or code, also on localhost."""
    return {"auth.allowSignUp": False, "auth.otp.allowSignIn": True, "domains.allowLocalhost": True}


def _given_overrides(settings: Settings) -> dict[str, Any]:
    """Override keys of what was set, and of the dashboard's address, without which nobody could be sent back to it."""
    given: dict[str, Any] = {
        "auth.allowSignUp": settings.seed_internal_sign_up_enabled,
        "auth.otp.allowSignIn": settings.seed_internal_otp_enabled,
        "domains.allowLocalhost": settings.seed_internal_allow_localhost,
    }
    if settings.seed_internal_oauth_providers is not None:
        given["auth.oauth.providers"] = {
            provider: {"type": provider, "isShared": True, "allowSignIn": True, "allowConnectedAccounts": True}
            for provider in settings.seed_internal_oauth_providers
        }
    if not trusted_urls.is_local_host(urlsplit(settings.dashboard_url).hostname or ""):
        given["domains.trustedDomains.dashboard"] = {"baseUrl": settings.dashboard_url, "handlerPath": "/handler"}
    return {key: value for key, value in given.items() if value is not None}


def _given_keys(settings: Settings) -> dict[KeyKind, str]:
    given = {
        KeyKind.PUBLISHABLE_CLIENT: settings.seed_internal_publishable_client_key,
        KeyKind.SECRET_SERVER: settings.seed_internal_secret_server_key,
        KeyKind.SUPER_SECRET_ADMIN: settings.seed_internal_super_secret_admin_key,
    }
    return {kind: key for kind, key in given.items() if key}
