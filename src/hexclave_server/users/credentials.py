"""What a user signs in with, for those who check and change it (features `passwords`, `otp`): found by address, set, replaced.

Hashes are made before the transaction; whoever replaces one names the hash that it replaces, so that two changes cannot both win.
"""

from __future__ import annotations

import msgspec

from hexclave_server.contact_channels.service import NormalEmail
from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection
from hexclave_server.users import queries

NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that no user has, for statements that shall cost the same without one."""


class Credential(msgspec.Struct, frozen=True):
    """What a user signs in with; `password_hash` is None without a password."""

    user_id: str
    password_hash: str | None
    requires_totp_mfa: bool


async def find_credential(conn: Connection, tenancy: Tenancy, email: NormalEmail) -> Credential | None:
    """The credential of the user who signs in with this address; None when nobody does."""
    return await conn.first(Credential, queries.FIND_CREDENTIAL_BY_EMAIL, tenancy_id=tenancy.id, email=email)


async def find_credential_of_user(conn: Connection, tenancy: Tenancy, user_id: str) -> Credential | None:
    """The credential of the user; None when there is no such user."""
    return await conn.first(Credential, queries.FIND_CREDENTIAL, tenancy_id=tenancy.id, user_id=user_id)


async def set_first_password(conn: Connection, tenancy: Tenancy, user_id: str, password_hash: str) -> bool:
    """Gives a password to a user who has none; False when he has one (or is gone)."""
    return await conn.execute(queries.SET_FIRST_PASSWORD, tenancy_id=tenancy.id, user_id=user_id, password_hash=password_hash) == 1


async def reset_password(conn: Connection, tenancy: Tenancy, user_id: str, password_hash: str) -> bool:
    """Gives the user this password, whatever he had; False when he is gone. The user's row is locked from here on."""
    statement = queries.update_user(frozenset(("password_hash",)))
    return await conn.execute(statement, tenancy_id=tenancy.id, user_id=user_id, password_hash=password_hash) == 1


async def allow_codes(conn: Connection, tenancy: Tenancy, user_id: str) -> bool:
    """Lets the user sign in with one-time codes, if he could not yet; False when he is gone. The user's row is locked from here on."""
    statement = queries.update_user(frozenset(("otp_auth_enabled",)))
    return await conn.execute(statement, tenancy_id=tenancy.id, user_id=user_id, otp_auth_enabled=True) == 1


async def replace_password(conn: Connection, tenancy: Tenancy, user_id: str, former_hash: str, password_hash: str) -> bool:
    """Replaces exactly this hash by another; False when it has been replaced meanwhile (or the user is gone)."""
    changed = await conn.execute(
        queries.REPLACE_PASSWORD, tenancy_id=tenancy.id, user_id=user_id, former_hash=former_hash, password_hash=password_hash
    )
    return changed == 1
