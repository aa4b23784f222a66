"""An anonymous user becomes a user with an address (contract 02 §1.5): same id, same metadata, same teams."""

from __future__ import annotations

import msgspec

from hexclave_server.contact_channels.service import NormalEmail
from hexclave_server.core.context import Project, Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.sessions import service as sessions
from hexclave_server.teams import service as teams
from hexclave_server.users import queries
from hexclave_server.users.credentials import allow_codes
from hexclave_server.users.primary_email import PrimaryEmailChange, change_primary_email


class Profile(msgspec.Struct, frozen=True):
    """Name and picture as a provider gives them: at an upgrade they take the place of the user's own, null too."""

    display_name: str | None
    profile_image_url: str | None


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """What an anonymous user gets at sign-up. `restriction_details`: why a sign-up rule restricts him, None when none does."""

    email: NormalEmail | None
    email_verified: bool = False
    email_used_for_auth: bool = True
    profile: Profile | None = None
    password_hash: str | None = None
    otp_auth_enabled: bool = False
    country_code: str | None = None
    risk_bot: int = 0
    risk_free_trial_abuse: int = 0
    restriction_details: str | None = None


async def upgrade_anonymous(conn: Connection, project: Project, user_id: str, upgrade: Upgrade, *, now: int) -> bool:
    """Upgrades the user at `now` (epoch milliseconds); False, and nothing changed, when he is not anonymous (any more) or gone.

    With a password all his sessions end. Raises UserEmailAlreadyExists; a race for the address may end in UniqueViolation.
    """
    tenancy = project.tenancy
    upgraded = await conn.execute(
        queries.UPGRADE_ANONYMOUS,
        tenancy_id=tenancy.id,
        user_id=user_id,
        now=now,
        country_code=upgrade.country_code,
        risk_bot=upgrade.risk_bot,
        risk_free_trial_abuse=upgrade.risk_free_trial_abuse,
    )
    if upgraded == 0:
        return False
    await change_primary_email(conn, tenancy, user_id, _change_of_email(upgrade), now)
    if upgrade.profile is not None:
        await _replace_profile(conn, tenancy, user_id, upgrade.profile)
    if upgrade.password_hash is not None:
        set_password = queries.update_user(frozenset(("password_hash",)))
        await conn.execute(set_password, tenancy_id=tenancy.id, user_id=user_id, password_hash=upgrade.password_hash)
        await sessions.end_all_sessions(conn, tenancy, user_id)
    if upgrade.otp_auth_enabled:
        await allow_codes(conn, tenancy, user_id)
    if upgrade.restriction_details is not None:
        await conn.execute(queries.RESTRICT, tenancy_id=tenancy.id, user_id=user_id, details=upgrade.restriction_details)
    name = None if upgrade.profile is None else upgrade.profile.display_name
    await teams.rename_personal_teams(conn, tenancy, user_id, teams.personal_team_name(name, upgrade.email))
    return True


def _change_of_email(upgrade: Upgrade) -> PrimaryEmailChange:
    if upgrade.email is None:
        return PrimaryEmailChange(None)
    return PrimaryEmailChange(upgrade.email, upgrade.email_verified, used_for_auth=upgrade.email_used_for_auth)


async def _replace_profile(conn: Connection, tenancy: Tenancy, user_id: str, profile: Profile) -> None:
    name = profile.display_name
    values = {
        "display_name": name,
        "display_name_folded": None if name is None else name.casefold(),
        "profile_image_url": profile.profile_image_url,
    }
    await conn.execute(queries.update_user(frozenset(values)), tenancy_id=tenancy.id, user_id=user_id, **values)
