"""Projects and key sets as they go over the wire (contract 04 §2 to §7, additions of 14 §9)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import ada_url
from msgspec import UNSET, Raw, UnsetType

from hexclave_server.core.constraints import Constraint, Defect, LenientEmail, NonEmpty, Uuid, at_most, between
from hexclave_server.core.schema import Body, Wire

ProviderType = Literal[
    "google", "github", "microsoft", "spotify", "facebook", "discord", "gitlab", "bitbucket", "linkedin", "apple", "x", "twitch"
]
MergeStrategy = Literal["link_method", "raise_error", "allow_duplicates"]
OnboardingStatus = Literal[
    "config_choice", "apps_selection", "auth_setup", "domain_setup", "email_theme_setup", "payments_setup", "welcome", "completed"
]

_DOMAIN = re.compile(r"(https?://)([^/?#\\@]*)([/?#].*)?", re.IGNORECASE | re.DOTALL)
_PORT_WITH_WILDCARD = re.compile(r":[^\]]*\*[^\]]*$")


def _domain(value: str) -> str:
    parts = _DOMAIN.fullmatch(value)
    if parts is None or not parts[2] or " " in value:
        raise Defect("must be a URL that begins with http:// or https://")
    if _PORT_WITH_WILDCARD.search(parts[2]):
        raise Defect("must not have a * in its port")
    if not ada_url.check_url(parts[1] + parts[2].replace("*", "a") + (parts[3] or "")):
        raise Defect("must be a URL; a * stands for a part of the host")
    return value


def _handler_path(value: str) -> str:
    if not value.startswith("/"):
        raise Defect("must begin with /")
    return value


def _true(value: Any) -> Any:
    if value is not True:
        raise Defect("must be true; revoking cannot be undone")
    return value


Filled = Annotated[str, NonEmpty]


# --- the deprecated configuration object ----------------------------------------------------------------------------------------------


class Domain(Body):
    """A trusted domain; wildcards are allowed in its host."""

    domain: Annotated[str, Constraint(_domain)]
    handler_path: Annotated[str, Constraint(_handler_path)]


class PermissionId(Body):
    """A reference to a permission."""

    id: str


class OAuthProviderWrite(Body):
    """An OAuth provider as it is written; a standard one needs client id and secret."""

    id: ProviderType
    type: Literal["shared", "standard"]
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET
    facebook_config_id: str | UnsetType = UNSET
    microsoft_tenant_id: str | UnsetType = UNSET
    apple_bundle_ids: list[str] | UnsetType = UNSET


class EmailConfigWrite(Body):
    """The mail server; a standard one needs every field."""

    type: Literal["shared", "standard"]
    host: Filled | UnsetType = UNSET
    port: Annotated[int, between(0, 65535)] | UnsetType = UNSET
    username: Filled | UnsetType = UNSET
    password: Annotated[str, NonEmpty, at_most(70)] | UnsetType = UNSET
    sender_name: Filled | UnsetType = UNSET
    sender_email: Annotated[LenientEmail, NonEmpty] | UnsetType = UNSET


class LegacyConfigWrite(Body):
    """Fields of the deprecated configuration object; each that is given replaces one key of the environment's override."""

    sign_up_enabled: bool | UnsetType = UNSET
    credential_enabled: bool | UnsetType = UNSET
    magic_link_enabled: bool | UnsetType = UNSET
    passkey_enabled: bool | UnsetType = UNSET
    oauth_account_merge_strategy: MergeStrategy | UnsetType = UNSET
    client_user_deletion_enabled: bool | UnsetType = UNSET
    client_team_creation_enabled: bool | UnsetType = UNSET
    create_team_on_sign_up: bool | UnsetType = UNSET
    allow_localhost: bool | UnsetType = UNSET
    allow_user_api_keys: bool | UnsetType = UNSET
    allow_team_api_keys: bool | UnsetType = UNSET
    email_theme: str | UnsetType = UNSET
    domains: list[Domain] | UnsetType = UNSET
    oauth_providers: list[OAuthProviderWrite] | UnsetType = UNSET
    email_config: EmailConfigWrite | UnsetType = UNSET
    team_creator_default_permissions: list[PermissionId] | UnsetType = UNSET
    team_member_default_permissions: list[PermissionId] | UnsetType = UNSET
    user_default_permissions: list[PermissionId] | UnsetType = UNSET
    require_email_verification: bool | UnsetType = UNSET


class ProviderId(Wire):
    """An OAuth provider that users may sign in with."""

    id: str


class DomainRead(Wire):
    """A trusted domain."""

    domain: str
    handler_path: str


class PermissionIdRead(Wire):
    """A reference to a permission."""

    id: str


class OAuthProviderRead(Wire):
    """An OAuth provider with its secrets, as administrators see it."""

    provider_config_id: str
    id: str
    type: Literal["shared", "standard"]
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET
    facebook_config_id: str | UnsetType = UNSET
    microsoft_tenant_id: str | UnsetType = UNSET
    apple_bundle_ids: list[str] | UnsetType = UNSET


class EmailConfigRead(Wire):
    """The mail server with its password, as administrators see it."""

    type: Literal["shared", "standard"]
    host: str | UnsetType = UNSET
    port: int | float | UnsetType = UNSET
    username: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    sender_name: str | UnsetType = UNSET
    sender_email: str | UnsetType = UNSET


class LegacyConfigRead(Wire):
    """The deprecated configuration object."""

    sign_up_enabled: bool
    credential_enabled: bool
    magic_link_enabled: bool
    passkey_enabled: bool
    oauth_account_merge_strategy: str
    client_user_deletion_enabled: bool
    client_team_creation_enabled: bool
    create_team_on_sign_up: bool
    allow_localhost: bool
    allow_user_api_keys: bool
    allow_team_api_keys: bool
    email_theme: str
    domains: list[DomainRead]
    oauth_providers: list[OAuthProviderRead]
    enabled_oauth_providers: list[ProviderId]
    email_config: EmailConfigRead
    team_creator_default_permissions: list[PermissionIdRead]
    team_member_default_permissions: list[PermissionIdRead]
    user_default_permissions: list[PermissionIdRead]


# --- projects -------------------------------------------------------------------------------------------------------------------------


class CurrentProjectConfig(Wire):
    """What clients may know of a project's configuration."""

    sign_up_enabled: bool
    credential_enabled: bool
    magic_link_enabled: bool
    passkey_enabled: bool
    client_team_creation_enabled: bool
    client_user_deletion_enabled: bool
    allow_user_api_keys: bool
    allow_team_api_keys: bool
    enabled_oauth_providers: list[ProviderId]
    domains: list[DomainRead]
    allow_localhost: bool | UnsetType = UNSET


class CurrentProjectRead(Wire):
    """A project as its clients see it."""

    id: str
    display_name: str
    config: CurrentProjectConfig


class AdminProjectRead(Wire):
    """A project as administrators see it."""

    id: str
    display_name: str
    description: str
    logo_url: str | None
    logo_full_url: str | None
    logo_dark_mode_url: str | None
    logo_full_dark_mode_url: str | None
    created_at_millis: int
    is_production_mode: bool
    owner_team_id: str | None
    onboarding_status: str
    config: LegacyConfigRead
    is_development_environment: bool | UnsetType = UNSET
    onboarding_state: Raw | None | UnsetType = UNSET


class AdminProjectList(Wire):
    """Projects that a user of `internal` manages."""

    items: list[AdminProjectRead]
    is_paginated: bool = False


class ProjectUpdate(Body):
    """Changes to a project; absent fields stay."""

    display_name: str | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    logo_url: str | None | UnsetType = UNSET
    logo_full_url: str | None | UnsetType = UNSET
    logo_dark_mode_url: str | None | UnsetType = UNSET
    logo_full_dark_mode_url: str | None | UnsetType = UNSET
    is_production_mode: bool | UnsetType = UNSET
    onboarding_status: OnboardingStatus | UnsetType = UNSET
    onboarding_state: Raw | UnsetType = UNSET
    config: LegacyConfigWrite | UnsetType = UNSET


class ProjectCreate(Body):
    """A new project and the team of `internal` that shall own it."""

    display_name: str
    owner_team_id: Uuid
    description: str | None | UnsetType = UNSET
    logo_url: str | None | UnsetType = UNSET
    logo_full_url: str | None | UnsetType = UNSET
    logo_dark_mode_url: str | None | UnsetType = UNSET
    logo_full_dark_mode_url: str | None | UnsetType = UNSET
    is_production_mode: bool | UnsetType = UNSET
    is_development_environment: bool | UnsetType = UNSET
    onboarding_status: OnboardingStatus | UnsetType = UNSET
    onboarding_state: Raw | UnsetType = UNSET
    config: LegacyConfigWrite | UnsetType = UNSET


# --- key sets -------------------------------------------------------------------------------------------------------------------------


class KeySetCreate(Body):
    """Which keys a new set shall have, and until when (epoch milliseconds, any number)."""

    description: str
    expires_at_millis: float
    has_publishable_client_key: bool
    has_secret_server_key: bool
    has_super_secret_admin_key: bool


class KeySetUpdate(Body):
    """Changes to a key set."""

    description: str | UnsetType = UNSET
    revoked: Annotated[bool, Constraint(_true)] | UnsetType = UNSET


class KeySetPath(Body):
    """One key set."""

    api_key_id: Uuid


class NewKeySetRead(Wire):
    """A key set just created: the only time its keys are shown."""

    id: str
    description: str
    created_at_millis: int
    expires_at_millis: int
    publishable_client_key: str | UnsetType = UNSET
    secret_server_key: str | UnsetType = UNSET
    super_secret_admin_key: str | UnsetType = UNSET


class KeyRead(Wire):
    """What is left of a key: its last four characters."""

    last_four: str


class KeySetRead(Wire):
    """A key set in later views."""

    id: str
    description: str
    created_at_millis: int
    expires_at_millis: int
    manually_revoked_at_millis: int | UnsetType = UNSET
    publishable_client_key: KeyRead | UnsetType = UNSET
    secret_server_key: KeyRead | UnsetType = UNSET
    super_secret_admin_key: KeyRead | UnsetType = UNSET


class KeySetList(Wire):
    """All key sets of a project, newest first."""

    items: list[KeySetRead]
    is_paginated: bool = False
