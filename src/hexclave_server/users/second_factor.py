"""The second factor of a user as it is stored, for those who check it (feature `mfa`)."""

from __future__ import annotations

import msgspec

from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.users import queries
from hexclave_server.users.write_rules import TOTP_PURPOSE


class SecondFactor(msgspec.Struct, frozen=True):
    """The encrypted TOTP secret of a user who needs it to sign in."""

    totp_secret: str


async def hold_second_factor(conn: Connection, tenancy: Tenancy, user_id: str) -> SecondFactor | None:
    """The second factor of the user, whose row nobody changes until the caller's transaction ends; None when he needs none."""
    return await conn.first(SecondFactor, queries.LOCK_SECOND_FACTOR, tenancy_id=tenancy.id, user_id=user_id)


def opened_totp_secret(keyring: Keyring, tenancy: Tenancy, user_id: str, factor: SecondFactor) -> bytes:
    """The bytes of the TOTP secret."""
    return keyring.decrypt(factor.totp_secret, purpose=TOTP_PURPOSE, tenancy_id=tenancy.id, row_id=user_id)


async def accept_totp_step(conn: Connection, tenancy: Tenancy, user_id: str, step: int, *, latest_step: int) -> bool:
    """Notes that the password of a time step was used; False when it or a later one was before (RFC 6238 §5.2).

    A note beyond `latest_step`, the last that can be right now, was made before a clock was set back: it means nothing.
    """
    accepted = await conn.execute(queries.ACCEPT_TOTP_STEP, tenancy_id=tenancy.id, user_id=user_id, step=step, latest_step=latest_step)
    return accepted == 1
