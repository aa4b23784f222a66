"""How users come to be, whoever makes them: by sign-up, by a server, by an administrator (contract 02 §1.5, 05 §2.5).

One transaction: the user, what he signs in with, his default permissions and his personal team appear together or not at all.
"""

from __future__ import annotations

import msgspec

from hexclave_server.contact_channels import service as contact_channels
from hexclave_server.contact_channels.service import NormalEmail
from hexclave_server.core import randomness
from hexclave_server.core.context import Project
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.oauth import service as oauth
from hexclave_server.permissions import service as permissions
from hexclave_server.teams import service as teams
from hexclave_server.users import queries
from hexclave_server.users.primary_email import address_is_taken


class NewAccount(msgspec.Struct, frozen=True):
    """An account at an OAuth provider to link to a new user."""

    provider_id: str
    account_id: str
    email: str | None


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user to be created. `totp_secret` is encrypted for `id`; metadata is JSON text or None."""

    id: str = msgspec.field(default_factory=randomness.new_uuid)
    display_name: str | None = None
    profile_image_url: str | None = None
    primary_email: NormalEmail | None = None
    primary_email_verified: bool = False
    primary_email_auth_enabled: bool = False
    password_hash: str | None = None
    otp_auth_enabled: bool = False
    totp_secret: str | None = None
    client_metadata: str | None = None
    client_read_only_metadata: str | None = None
    server_metadata: str | None = None
    is_anonymous: bool = False
    restricted_by_admin: bool = False
    restricted_by_admin_reason: str | None = None
    restricted_by_admin_private_details: str | None = None
    country_code: str | None = None
    risk_bot: int = 0
    risk_free_trial_abuse: int = 0
    accounts: tuple[NewAccount, ...] = ()


async def create_user(conn: Connection, project: Project, new: NewUser, *, now: int) -> str:
    """Creates the user at `now` (epoch milliseconds), with default permissions and personal team as configured; returns the id.

    Raises UserEmailAlreadyExists when the address is to be used for sign-in and somebody signs in with it; PlainError 400 for an account
    at a provider that somebody signs in with.
    """
    tenancy = project.tenancy
    await conn.execute(queries.INSERT_USER, tenancy_id=tenancy.id, **_columns(new), signed_up_at=now, last_active_at=now)
    for account in new.accounts:
        linked = await oauth.link_account(
            conn, project, new.id, provider_id=account.provider_id, account_id=account.account_id, email=account.email, now=now
        )
        if not linked:
            raise PlainError(400, f"Somebody signs in with this account at {account.provider_id} already.")
    if new.primary_email is not None:
        added = await contact_channels.create_primary(
            conn,
            tenancy,
            new.id,
            new.primary_email,
            is_verified=new.primary_email_verified,
            used_for_auth=new.primary_email_auth_enabled,
            now=now,
        )
        if not added:
            raise address_is_taken(new.primary_email)
    await permissions.grant_sign_up_defaults(conn, project, new.id, now=now)
    if project.config["teams"]["createPersonalTeamOnSignUp"] is True:
        await _give_personal_team(conn, project, new, now)
    return new.id


def _columns(new: NewUser) -> dict[str, object]:
    """The values of the row that do not depend on the time."""
    return {
        "id": new.id,
        "display_name": new.display_name,
        "display_name_folded": None if new.display_name is None else new.display_name.casefold(),
        "profile_image_url": new.profile_image_url,
        "is_anonymous": new.is_anonymous,
        "restricted_by_admin": new.restricted_by_admin,
        "restricted_by_admin_reason": new.restricted_by_admin_reason,
        "restricted_by_admin_private_details": new.restricted_by_admin_private_details,
        "client_metadata": new.client_metadata,
        "client_read_only_metadata": new.client_read_only_metadata,
        "server_metadata": new.server_metadata,
        "password_hash": new.password_hash,
        "otp_auth_enabled": new.otp_auth_enabled,
        "totp_secret": new.totp_secret,
        "requires_totp_mfa": False,
        "totp_last_step": None,
        "selected_team_id": None,
        "country_code": new.country_code,
        "risk_bot": new.risk_bot,
        "risk_free_trial_abuse": new.risk_free_trial_abuse,
    }


async def _give_personal_team(conn: Connection, project: Project, new: NewUser, now: int) -> None:
    name = teams.personal_team_name(new.display_name, new.primary_email)
    team_id = await teams.create_team(conn, project, name, creator_user_id=new.id, now=now)
    await conn.execute(queries.SELECT_TEAM, tenancy_id=project.tenancy.id, user_id=new.id, team_id=team_id)
