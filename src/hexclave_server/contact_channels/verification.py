"""Verifying an address: a link is sent to it, and the code of the link proves that its owner got it (contract 05 §3.6 to §3.9).

A code is bound to the user and to the address it was sent to. It verifies the channel that has this address then, and nothing else: not
what the channel was changed to meanwhile, and not the same address at another user.
"""

from __future__ import annotations

from hexclave_server.contact_channels import queries
from hexclave_server.contact_channels.address import NormalEmail
from hexclave_server.contact_channels.read import find_channel
from hexclave_server.contact_channels.service import find_primary
from hexclave_server.core.context import Call, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import EmailAlreadyVerified, EmailIsNotPrimaryEmail, RedirectUrlNotWhitelisted
from hexclave_server.emails.service import Template, queue_email, to_user_at
from hexclave_server.projects.trusted_urls import is_trusted
from hexclave_server.users.lock import lock_user
from hexclave_server.verification_codes.links import with_code
from hexclave_server.verification_codes.sends import count_send
from hexclave_server.verification_codes.service import CodeKind, create_code, try_code, use_up


async def queue_verification(
    conn: Connection, keyring: Keyring, tenancy: Tenancy, *, user_id: str, address: NormalEmail, callback_url: str
) -> None:
    """Queues the email with a new verification link to this address of the user. Part of the caller's transaction.

    The callback URL must have been found trusted; wake `parts.outbox` after the commit. Earlier codes stay good.
    """
    code = await create_code(conn, keyring, tenancy, CodeKind.CONTACT_CHANNEL, user_id=user_id, payload={"address": address})
    variables = {"emailVerificationLink": with_code(callback_url, code)}
    await queue_email(conn, keyring, tenancy, Template.EMAIL_VERIFICATION, to_user_at(user_id, address), variables)


async def send_verification(call: Call, user_id: str, channel_id: str, callback_url: str) -> None:
    """Sends a verification link to one of the user's addresses.

    Raises PlainError 404 when he has no such channel, EmailAlreadyVerified, RedirectUrlNotWhitelisted, RateLimited.
    """
    channel = await find_channel(call.db, call.tenancy, user_id, channel_id)
    if channel is None:
        raise PlainError(404, "The user has no such contact channel.")
    await _send(call, user_id, channel.value, callback_url, is_verified=channel.is_verified)


async def send_verification_to_primary(call: Call, user_id: str, email: str, callback_url: str) -> None:
    """The same for the user's primary email, which `email` must name to the letter. Raises EmailIsNotPrimaryEmail, too."""
    primary = await find_primary(call.db, call.tenancy, user_id)
    if primary is None or primary.value != email:
        raise EmailIsNotPrimaryEmail(email=email, primary_email=None if primary is None else primary.value)
    await _send(call, user_id, primary.value, callback_url, is_verified=primary.is_verified)


async def _send(call: Call, user_id: str, address: str, callback_url: str, *, is_verified: bool) -> None:
    if is_verified:
        raise EmailAlreadyVerified
    if not is_trusted(callback_url, call.config):
        raise RedirectUrlNotWhitelisted
    await count_send(call, address, purpose="verification")

    async def queue(conn: Connection) -> None:
        await queue_verification(
            conn, call.parts.keyring, call.tenancy, user_id=user_id, address=NormalEmail(address), callback_url=callback_url
        )

    await call.db.write(queue)
    call.parts.outbox.wake()


async def verify_address(call: Call, code: str) -> None:
    """Marks the address that the code was sent to as verified, and the code as used, whatever became of the address.

    Raises what `try_code` does, VerificationCodeAlreadyUsed, and PlainError 400 when the user has the address no more.
    """
    found = await try_code(call, CodeKind.CONTACT_CHANNEL, code)
    user_id, address, tenancy = found.user_id or "", found.payload["address"], call.tenancy

    async def verify(conn: Connection) -> bool:
        await lock_user(conn, tenancy, user_id)
        await use_up(conn, tenancy, found)
        return await conn.execute(queries.VERIFY, tenancy_id=tenancy.id, user_id=user_id, value=address) == 1

    if not await call.db.write(verify):
        raise PlainError(400, "The address is no contact channel of the user any more.")
