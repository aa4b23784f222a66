"""Verifying an address: a link is sent to it, and the code of the link proves that its owner got it (contract 05 §3.6 to §3.9).

A code is bound to the user and to the address it was sent to. It verifies the channel that has this address then, and nothing else: not
what the channel was changed to meanwhile, and not the same address at another user.
"""

from __future__ import annotations

from hexclave_server.contact_channels.address import NormalEmail
from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.emails.service import Template, queue_email, to_user_at
from hexclave_server.verification_codes.links import with_code
from hexclave_server.verification_codes.service import CodeKind, create_code


async def queue_verification(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, *, user_id: str, address: NormalEmail, callback_url: str
) -> None:
    """Queues the email with a new verification link to this address of the user. Part of the caller's transaction.

    The callback URL must have been found trusted; wake `parts.outbox` after the commit. Earlier codes stay good.
    """
    code = await create_code(conn, keyring, tenancy, CodeKind.CONTACT_CHANNEL, user_id=user_id, payload={"address": address})
    variables = {"emailVerificationLink": with_code(callback_url, code)}
    await queue_email(conn, keyring, tenancy, Template.EMAIL_VERIFICATION, to_user_at(user_id, address), variables)
