"""Users on the wire (contract 05 §1): what each access type reads and may write.

Metadata travels as raw JSON text, unparsed in both directions, so that it comes back byte for byte.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Raw, UnsetType

from hexclave_server.contact_channels.wire import Address
from hexclave_server.core.constraints import Constraint, Defect, NonEmpty, Url, UserIdOrMe, Uuid, at_most, between, matching
from hexclave_server.core.schema import Body, Wire
from hexclave_server.teams.wire import ClientTeamRead, ServerTeamRead

_COUNTRY_LETTERS = 2


def _country_code(value: str) -> str:
    code = value.strip()
    if len(code) != _COUNTRY_LETTERS or not (code.isascii() and code.isalpha()):
        raise Defect("must be a country code of two letters")
    return code.upper()


def _only_false(value: Any) -> Any:
    if value is not False:
        raise Defect("must be false: a user cannot be made anonymous again")
    return value


DisplayName = Annotated[str, at_most(256)]
ImageUrl = Annotated[Url, at_most(1_000_000)]
PrimaryEmail = Address
NewPassword = Annotated[str, at_most(70)]
PasswordHash = Annotated[str, NonEmpty]
CountryCode = Annotated[str, Constraint(_country_code, description="two letters, ISO 3166-1 alpha-2")]
Base64 = Annotated[str, matching("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", "base64 with padding")]
Score = Annotated[int, between(0, 100)]
BoolText = Literal["true", "false"]


class SignUpRiskScores(Body):
    """How likely a sign-up was automated, or made to abuse a free trial: 0 to 100 each."""

    bot: Score
    free_trial_abuse: Score


class RiskScores(Body):
    """The risk scores of a user."""

    sign_up: SignUpRiskScores


class RestrictedReason(Wire):
    """Why a user is restricted."""

    type: Literal["anonymous", "email_not_verified", "restricted_by_administrator"]


class LinkedAccountRead(Wire):
    """A user's account at an OAuth provider of the project."""

    id: str
    account_id: str
    email: str | None


class ClientUserRead(Wire):
    """A user as clients see it."""

    id: str
    display_name: str | None
    primary_email: str | None
    primary_email_verified: bool
    profile_image_url: str | None
    signed_up_at_millis: int
    has_password: bool
    otp_auth_enabled: bool
    passkey_auth_enabled: bool
    auth_with_email: bool
    requires_totp_mfa: bool
    client_metadata: Raw
    client_read_only_metadata: Raw
    oauth_providers: list[LinkedAccountRead]
    selected_team_id: str | None
    selected_team: ClientTeamRead | None
    is_anonymous: bool
    is_restricted: bool
    restricted_reason: RestrictedReason | None
    restricted_by_admin: bool
    restricted_by_admin_reason: str | None


class ServerUserRead(Wire):
    """A user as servers and admins see it."""

    id: str
    display_name: str | None
    primary_email: str | None
    primary_email_verified: bool
    primary_email_auth_enabled: bool
    profile_image_url: str | None
    signed_up_at_millis: int
    last_active_at_millis: int
    has_password: bool
    otp_auth_enabled: bool
    passkey_auth_enabled: bool
    auth_with_email: bool
    requires_totp_mfa: bool
    client_metadata: Raw
    client_read_only_metadata: Raw
    server_metadata: Raw
    oauth_providers: list[LinkedAccountRead]
    selected_team_id: str | None
    selected_team: ServerTeamRead | None
    is_anonymous: bool
    is_restricted: bool
    restricted_reason: RestrictedReason | None
    restricted_by_admin: bool
    restricted_by_admin_reason: str | None
    restricted_by_admin_private_details: str | None
    country_code: str | None
    risk_scores: RiskScores


class Pagination(Wire):
    """Where the next page of a list begins; null on the last one."""

    next_cursor: str | None


class ServerUserList(Wire):
    """One page of users."""

    items: list[ServerUserRead]
    is_paginated: Literal[True]
    pagination: Pagination


class Success(Wire):
    """The answer to a call that returns nothing."""

    success: Literal[True]


class LinkedAccountCreate(Body):
    """An account at an OAuth provider to link to a new user."""

    id: str
    account_id: str
    email: str | None = None


class ClientUserUpdate(Body):
    """What a client may change of its own user."""

    display_name: DisplayName | None | UnsetType = UNSET
    profile_image_url: ImageUrl | None | UnsetType = UNSET
    client_metadata: Raw | UnsetType = UNSET
    primary_email: PrimaryEmail | None | UnsetType = UNSET
    otp_auth_enabled: bool | UnsetType = UNSET
    passkey_auth_enabled: bool | UnsetType = UNSET
    totp_secret_base64: Base64 | None | UnsetType = UNSET
    selected_team_id: Uuid | None | UnsetType = UNSET


class _ServerUserWrite(Body):
    """What servers may write, both at creation and later."""

    display_name: DisplayName | None | UnsetType = UNSET
    profile_image_url: ImageUrl | None | UnsetType = UNSET
    client_metadata: Raw | UnsetType = UNSET
    client_read_only_metadata: Raw | UnsetType = UNSET
    server_metadata: Raw | UnsetType = UNSET
    primary_email: PrimaryEmail | None | UnsetType = UNSET
    primary_email_verified: bool | UnsetType = UNSET
    primary_email_auth_enabled: bool | UnsetType = UNSET
    password: NewPassword | None | UnsetType = UNSET
    password_hash: PasswordHash | UnsetType = UNSET
    otp_auth_enabled: bool | UnsetType = UNSET
    passkey_auth_enabled: bool | UnsetType = UNSET
    totp_secret_base64: Base64 | None | UnsetType = UNSET
    restricted_by_admin: bool | UnsetType = UNSET
    restricted_by_admin_reason: str | None | UnsetType = UNSET
    restricted_by_admin_private_details: str | None | UnsetType = UNSET
    country_code: CountryCode | None | UnsetType = UNSET
    risk_scores: RiskScores | UnsetType = UNSET


class UserCreate(_ServerUserWrite):
    """A user to create."""

    is_anonymous: bool | UnsetType = UNSET
    oauth_providers: list[LinkedAccountCreate] | UnsetType = UNSET


class ServerUserUpdate(_ServerUserWrite):
    """What servers and admins may change of a user."""

    is_anonymous: Annotated[bool, Constraint(_only_false)] | UnsetType = UNSET
    selected_team_id: Uuid | None | UnsetType = UNSET


class UserPath(Body):
    """The user that the path names."""

    user_id: UserIdOrMe


class UserListQuery(Body):
    """Filters, order and position of a list of users (contract 05 §2.4)."""

    limit: Annotated[int, between(1)] | UnsetType = UNSET
    cursor: Uuid | UnsetType = UNSET
    order_by: Literal["signed_up_at", "last_active_at"] = "signed_up_at"
    desc: BoolText = "false"
    team_id: Uuid | UnsetType = UNSET
    query: str = ""
    include_restricted: BoolText = "false"
    include_anonymous: BoolText = "false"
    only_anonymous: BoolText = "false"


class NoQuery(Body):
    """No query parameters."""
