"""From rows and configuration to what goes over the wire, and back from an admin's body to columns and override keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hexclave_server.config import service as configs
from hexclave_server.core.context import KeyKind, Project
from hexclave_server.core.known_errors import SchemaError
from hexclave_server.projects.key_sets import NewKeySet
from hexclave_server.projects.logos import accept_logo
from hexclave_server.projects.queries import KeySetRow, ProjectRow
from hexclave_server.projects.wire import (
    AdminProjectRead,
    CurrentProjectConfig,
    CurrentProjectRead,
    EmailConfigWrite,
    KeyRead,
    KeySetRead,
    LegacyConfigRead,
    LegacyConfigWrite,
    NewKeySetRead,
    OAuthProviderWrite,
    ProjectCreate,
    ProjectUpdate,
)

_LOGOS = ("logo_url", "logo_full_url", "logo_dark_mode_url", "logo_full_dark_mode_url")
_EMAIL_FIELDS = ("host", "port", "username", "password", "sender_name", "sender_email")


def current_project(project: Project, *, with_localhost: bool) -> CurrentProjectRead:
    """The project as clients see it; `allow_localhost` only for the newer header family (contract 14 §9)."""
    legacy = configs.read_legacy_config(project.config)
    names = CurrentProjectConfig.__struct_fields__
    shown = {name: legacy[name] for name in names if with_localhost or name != "allow_localhost"}
    return CurrentProjectRead(id=project.id, display_name=project.display_name, config=msgspec.convert(shown, CurrentProjectConfig))


def admin_project(row: ProjectRow, config: Mapping[str, Any], *, with_additions: bool) -> AdminProjectRead:
    """The project as administrators see it; two more fields for the newer header family (contract 14 §9)."""
    state: Raw | None | UnsetType = UNSET
    if with_additions:
        state = None if row.onboarding_state is None else Raw(row.onboarding_state.encode())
    return AdminProjectRead(
        id=row.id,
        display_name=row.display_name,
        description=row.description,
        logo_url=row.logo_url,
        logo_full_url=row.logo_full_url,
        logo_dark_mode_url=row.logo_dark_mode_url,
        logo_full_dark_mode_url=row.logo_full_dark_mode_url,
        created_at_millis=row.created_at,
        is_production_mode=row.is_production_mode,
        owner_team_id=row.owner_team_id,
        onboarding_status=row.onboarding_status,
        config=msgspec.convert(configs.read_legacy_config(config), LegacyConfigRead),
        is_development_environment=row.is_development_environment if with_additions else UNSET,
        onboarding_state=state,
    )


def project_fields(body: ProjectCreate | ProjectUpdate) -> dict[str, Any]:
    """The columns that the body gives. Raises PlainError 400 for a logo, SchemaError for an onboarding state that is no object."""
    given = {name: getattr(body, name) for name in body.__struct_fields__ if name not in ("config", "owner_team_id")}
    fields = {name: value for name, value in given.items() if value is not UNSET}
    if "description" in fields:
        fields["description"] = fields["description"] or ""
    if "onboarding_state" in fields:
        fields["onboarding_state"] = _onboarding_state(fields["onboarding_state"])
    return {name: accept_logo(value) if name in _LOGOS else value for name, value in fields.items()}


def _onboarding_state(state: Raw) -> str | None:
    text = bytes(state).decode().strip()
    if text == "null":
        return None
    if not text.startswith("{"):
        raise SchemaError(text="body.onboarding_state must be an object or null")
    return text


def config_overrides(config: LegacyConfigWrite | UnsetType) -> dict[str, Any]:
    """The override keys that the configuration object writes. Raises SchemaError for a standard provider or server that lacks fields."""
    if isinstance(config, UnsetType):
        return {}
    defects = []
    if not isinstance(config.oauth_providers, UnsetType):
        defects += [text for place, provider in enumerate(config.oauth_providers) for text in _provider_defects(place, provider)]
    if not isinstance(config.email_config, UnsetType):
        defects += _email_defects(config.email_config)
    if defects:
        raise SchemaError(text="\n".join(defects))
    fields: dict[str, Any] = msgspec.to_builtins(config)
    return configs.write_legacy_config(fields)


def _provider_defects(place: int, provider: OAuthProviderWrite) -> list[str]:
    if provider.type == "shared":
        return []
    where = f"body.config.oauth_providers[{place}]"
    missing = [name for name in ("client_id", "client_secret") if getattr(provider, name) in (UNSET, "")]
    return [f"{where}.{name} is required and must not be empty for a standard provider" for name in missing]


def _email_defects(server: EmailConfigWrite) -> list[str]:
    if server.type == "shared":
        return []
    return [
        f"body.config.email_config.{name} is required for a standard server" for name in _EMAIL_FIELDS if getattr(server, name) is UNSET
    ]


def new_key_set(key_set: NewKeySet) -> NewKeySetRead:
    """A key set just made, its keys in full."""
    return NewKeySetRead(
        id=key_set.id,
        description=key_set.description,
        created_at_millis=key_set.created_at,
        expires_at_millis=key_set.expires_at,
        **{kind.value: key for kind, key in key_set.keys.items()},
    )


def key_set(row: KeySetRow) -> KeySetRead:
    """A key set in later views, its keys by their last four characters."""
    endings = {kind.value: getattr(row, f"{kind.value}_last_four") for kind in KeyKind}
    return KeySetRead(
        id=row.id,
        description=row.description,
        created_at_millis=row.created_at,
        expires_at_millis=row.expires_at,
        manually_revoked_at_millis=UNSET if row.revoked_at is None else row.revoked_at,
        **{kind: KeyRead(last_four=ending) for kind, ending in endings.items() if ending is not None},
    )
