"""From a row to a user on the wire. The hot path: no parsing, one struct, derived fields decided here and never stored."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from hexclave_server.core.context import Access, Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import UserNotFound
from hexclave_server.teams.wire import ClientTeamRead, ServerTeamRead
from hexclave_server.users import queries
from hexclave_server.users.restriction import Restriction, restriction_of, verification_required
from hexclave_server.users.wire import ClientUserRead, LinkedAccountRead, RestrictedReason, RiskScores, ServerUserRead, SignUpRiskScores

_NULL = Raw(b"null")
_NO_ACCOUNTS: list[LinkedAccountRead] = []
_NO_RISK = RiskScores(sign_up=SignUpRiskScores(bot=0, free_trial_abuse=0))
_REASONS = {restriction: RestrictedReason(type=restriction.value) for restriction in Restriction}


class UserRow(msgspec.Struct, frozen=True):
    """A user with his primary email, his linked accounts (JSON array as text) and his selected team; the team's columns last."""

    id: str
    display_name: str | None
    primary_email: str | None
    primary_email_verified: bool | None
    primary_email_auth_enabled: bool | None
    profile_image_url: str | None
    signed_up_at: int
    last_active_at: int
    has_password: bool
    otp_auth_enabled: bool
    passkey_auth_enabled: bool
    requires_totp_mfa: bool
    client_metadata: str | None
    client_read_only_metadata: str | None
    server_metadata: str | None
    linked_accounts: str
    is_anonymous: bool
    restricted_by_admin: bool
    restricted_by_admin_reason: str | None
    restricted_by_admin_private_details: str | None
    country_code: str | None
    risk_bot: int
    risk_free_trial_abuse: int
    team_id: str | None
    team_display_name: str | None
    team_profile_image_url: str | None
    team_client_metadata: str | None
    team_client_read_only_metadata: str | None
    team_server_metadata: str | None
    team_created_at: int | None


async def find_user(conn: Connection, tenancy: Tenancy, user_id: str) -> UserRow | None:
    """The user, in one statement; None when there is no such user."""
    return await conn.first(UserRow, queries.FIND_USER, tenancy_id=tenancy.id, user_id=user_id)


async def get_user(conn: Connection, tenancy: Tenancy, user_id: str) -> UserRow:
    """The user, in one statement. Raises UserNotFound."""
    row = await find_user(conn, tenancy, user_id)
    if row is None:
        raise UserNotFound
    return row


def user_on_wire(row: UserRow, access: Access, config: Mapping[str, Any]) -> ClientUserRead | ServerUserRead:
    """The user in the shape of the access type."""
    required = verification_required(config)
    return (
        server_user(row, email_must_be_verified=required) if access >= Access.SERVER else client_user(row, email_must_be_verified=required)
    )


def client_user(row: UserRow, *, email_must_be_verified: bool) -> ClientUserRead:
    """The user as clients see it (contract 05 §1.1, column C)."""
    restriction = _restriction(row, email_must_be_verified=email_must_be_verified)
    return ClientUserRead(
        id=row.id,
        display_name=row.display_name,
        primary_email=row.primary_email,
        primary_email_verified=row.primary_email_verified is True,
        profile_image_url=row.profile_image_url,
        signed_up_at_millis=row.signed_up_at,
        has_password=row.has_password,
        otp_auth_enabled=row.otp_auth_enabled,
        passkey_auth_enabled=row.passkey_auth_enabled,
        auth_with_email=row.has_password or row.otp_auth_enabled,
        requires_totp_mfa=row.requires_totp_mfa,
        client_metadata=_json(row.client_metadata),
        client_read_only_metadata=_json(row.client_read_only_metadata),
        oauth_providers=_accounts(row.linked_accounts),
        selected_team_id=row.team_id,
        selected_team=None if row.team_id is None else _client_team(row, row.team_id),
        is_anonymous=row.is_anonymous,
        is_restricted=restriction is not None,
        restricted_reason=None if restriction is None else _REASONS[restriction],
        restricted_by_admin=row.restricted_by_admin,
        restricted_by_admin_reason=row.restricted_by_admin_reason,
    )


def server_user(row: UserRow, *, email_must_be_verified: bool) -> ServerUserRead:
    """The user as servers and admins see it (contract 05 §1.1, column S)."""
    restriction = _restriction(row, email_must_be_verified=email_must_be_verified)
    return ServerUserRead(
        id=row.id,
        display_name=row.display_name,
        primary_email=row.primary_email,
        primary_email_verified=row.primary_email_verified is True,
        primary_email_auth_enabled=row.primary_email_auth_enabled is True,
        profile_image_url=row.profile_image_url,
        signed_up_at_millis=row.signed_up_at,
        last_active_at_millis=row.last_active_at,
        has_password=row.has_password,
        otp_auth_enabled=row.otp_auth_enabled,
        passkey_auth_enabled=row.passkey_auth_enabled,
        auth_with_email=row.has_password or row.otp_auth_enabled,
        requires_totp_mfa=row.requires_totp_mfa,
        client_metadata=_json(row.client_metadata),
        client_read_only_metadata=_json(row.client_read_only_metadata),
        server_metadata=_json(row.server_metadata),
        oauth_providers=_accounts(row.linked_accounts),
        selected_team_id=row.team_id,
        selected_team=None if row.team_id is None else _server_team(row, row.team_id),
        is_anonymous=row.is_anonymous,
        is_restricted=restriction is not None,
        restricted_reason=None if restriction is None else _REASONS[restriction],
        restricted_by_admin=row.restricted_by_admin,
        restricted_by_admin_reason=row.restricted_by_admin_reason,
        restricted_by_admin_private_details=row.restricted_by_admin_private_details,
        country_code=row.country_code,
        risk_scores=_risk_scores(row.risk_bot, row.risk_free_trial_abuse),
    )


def _restriction(row: UserRow, *, email_must_be_verified: bool) -> Restriction | None:
    return restriction_of(
        is_anonymous=row.is_anonymous,
        primary_email_verified=row.primary_email_verified is True,
        restricted_by_admin=row.restricted_by_admin,
        verification_required=email_must_be_verified,
    )


def _json(text: str | None) -> Raw:
    return _NULL if text is None else Raw(text)


def _accounts(text: str) -> list[LinkedAccountRead]:
    """The array goes out as the database made it; the type says what is in it, for the documents."""
    return _NO_ACCOUNTS if text == "[]" else typing.cast("list[LinkedAccountRead]", Raw(text))


def _risk_scores(bot: int, free_trial_abuse: int) -> RiskScores:
    if bot == 0 and free_trial_abuse == 0:
        return _NO_RISK
    return RiskScores(sign_up=SignUpRiskScores(bot=bot, free_trial_abuse=free_trial_abuse))


def _client_team(row: UserRow, team_id: str) -> ClientTeamRead:
    return ClientTeamRead(
        id=team_id,
        display_name=row.team_display_name or "",
        profile_image_url=row.team_profile_image_url,
        client_metadata=_json(row.team_client_metadata),
        client_read_only_metadata=_json(row.team_client_read_only_metadata),
    )


def _server_team(row: UserRow, team_id: str) -> ServerTeamRead:
    return ServerTeamRead(
        created_at_millis=row.team_created_at or 0,
        id=team_id,
        display_name=row.team_display_name or "",
        profile_image_url=row.team_profile_image_url,
        client_metadata=_json(row.team_client_metadata),
        client_read_only_metadata=_json(row.team_client_read_only_metadata),
        server_metadata=_json(row.team_server_metadata),
    )
