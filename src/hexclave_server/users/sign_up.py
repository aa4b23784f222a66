"""Who signs up becomes a user: a new one, or the anonymous one that he was until now (contract 02 §1.5).

Password sign-up and the first sign-in by code or with a provider come through here, so that the order of §1.5 stands in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hexclave_server.contact_channels.service import NormalEmail
from hexclave_server.core import clock
from hexclave_server.core.client_address import EndUser
from hexclave_server.core.context import Call, Project
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import SignUpNotEnabled
from hexclave_server.users.create import NewUser, create_user
from hexclave_server.users.upgrade import Profile, Upgrade, upgrade_anonymous


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody signs up with. `end_user` is where he asked from: for a code, not where he brings it (contract 02 §1.5 step 2)."""

    email: NormalEmail | None
    email_verified: bool = False
    email_used_for_auth: bool = True
    profile: Profile | None = None
    password_hash: str | None = None
    otp_auth_enabled: bool = False
    end_user: EndUser | None = None

    @property
    def country_code(self) -> str | None:
        """The country, where it is known."""
        return None if self.end_user is None else self.end_user.country_code or None


def require_sign_up_enabled(config: Mapping[str, Any]) -> None:
    """Raises SignUpNotEnabled where the project takes no new accounts."""
    if config["auth"]["allowSignUp"] is not True:
        raise SignUpNotEnabled


async def create_or_upgrade(call: Call, conn: Connection, sign_up: SignUp) -> str:
    """The id of the user who now has what he signed up with; the anonymous user of the access token stays who he is.

    Part of the caller's transaction. Raises UserEmailAlreadyExists; a race for the address may end in UniqueViolation.
    """
    is_anonymous = call.claims is not None and call.claims.user_type == "anonymous"
    return await add_user(conn, call.project, sign_up, call.user_id if is_anonymous else None)


async def add_user(conn: Connection, project: Project, sign_up: SignUp, upgraded_user_id: str | None) -> str:
    """The same for a caller whose access token is in no header: the user with this id is upgraded if he is (still) anonymous."""
    now = clock.now_millis()
    # Where bot challenges and sign-up rules (steps 1 and 2) exist they decide here, before anything is written.
    if upgraded_user_id is not None and await upgrade_anonymous(conn, project, upgraded_user_id, _upgrade(sign_up), now=now):
        return upgraded_user_id
    return await create_user(conn, project, _new_user(sign_up), now=now)


def _upgrade(sign_up: SignUp) -> Upgrade:
    return Upgrade(
        email=sign_up.email,
        email_verified=sign_up.email_verified,
        email_used_for_auth=sign_up.email_used_for_auth,
        profile=sign_up.profile,
        password_hash=sign_up.password_hash,
        otp_auth_enabled=sign_up.otp_auth_enabled,
        country_code=sign_up.country_code,
    )


def _new_user(sign_up: SignUp) -> NewUser:
    profile = sign_up.profile
    return NewUser(
        display_name=None if profile is None else profile.display_name,
        profile_image_url=None if profile is None else profile.profile_image_url,
        primary_email=sign_up.email,
        primary_email_verified=sign_up.email_verified,
        primary_email_auth_enabled=sign_up.email is not None and sign_up.email_used_for_auth,
        password_hash=sign_up.password_hash,
        otp_auth_enabled=sign_up.otp_auth_enabled,
        country_code=sign_up.country_code,
    )
