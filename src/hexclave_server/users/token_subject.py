"""What a session needs to know of its user: the claims of an access token, and the mark of activity each issue leaves (contract 01 §1).

Apart from `users.service`, so that sessions can be read by users' services (which end sessions) without a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.users import queries
from hexclave_server.users.restriction import Restriction, restriction_of, verification_required


class TokenSubject(msgspec.Struct, frozen=True):
    """A user as his access tokens describe him. `signed_up_at` in epoch milliseconds."""

    id: str
    display_name: str | None
    primary_email: str | None
    primary_email_verified: bool | None
    selected_team_id: str | None
    signed_up_at: int
    is_anonymous: bool
    restricted_by_admin: bool
    requires_totp_mfa: bool

    def restriction(self, config: Mapping[str, Any]) -> Restriction | None:
        """Why the user is restricted under this configuration, or None."""
        return restriction_of(
            is_anonymous=self.is_anonymous,
            primary_email_verified=self.primary_email_verified is True,
            restricted_by_admin=self.restricted_by_admin,
            verification_required=verification_required(config),
        )


async def find_token_subject(conn: Connection, tenancy: Tenancy, user_id: str) -> TokenSubject | None:
    """The user as access tokens describe him, in one statement; None when there is no such user."""
    return await conn.first(TokenSubject, queries.FIND_TOKEN_SUBJECT, tenancy_id=tenancy.id, user_id=user_id)


async def use_password(
    conn: Connection, tenancy: Tenancy, user_id: str, former_hash: str, password_hash: str, now: int
) -> TokenSubject | None:
    """Notes that the password with `former_hash` was right, and hashes it anew if the other hash differs: one write, which also reads the user.

    Whoever needs no second factor counts as active at `now` (epoch milliseconds). None when the password was changed meanwhile.
    """
    return await conn.first(
        TokenSubject,
        queries.USE_PASSWORD,
        tenancy_id=tenancy.id,
        user_id=user_id,
        former_hash=former_hash,
        password_hash=password_hash,
        now=now,
    )


async def mark_active(conn: Connection, tenancy: Tenancy, user_id: str, now: int) -> bool:
    """Notes that a token was issued to the user at `now` (epoch milliseconds); False when there is no such user."""
    return await conn.execute(queries.MARK_ACTIVE, tenancy_id=tenancy.id, user_id=user_id, now=now) == 1


async def user_exists(conn: Connection, tenancy: Tenancy, user_id: str) -> bool:
    """Whether the user is (still) there."""
    return await conn.value(queries.USER_EXISTS, tenancy_id=tenancy.id, user_id=user_id) is not None
