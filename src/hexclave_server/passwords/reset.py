"""Forgotten passwords: a code by mail, and a new password for it (contract 02 §2.3, §2.4).

Asking tells nobody whether an account exists: same answer, same writes, and no work that others could notice. A code is bound to the user
and to the address it was sent to, and resets nothing once he does not sign in with that address any more: its reader may be another then.
"""

from __future__ import annotations

from hexclave_server.contact_channels.service import NormalEmail, find_sign_in_owner, normalise_address
from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import Unavailable
from hexclave_server.core.known_errors import RedirectUrlNotWhitelisted, UserNotFound, VerificationCodeNotFound
from hexclave_server.core.throttles import PASSWORD, SIGN_IN_CODE
from hexclave_server.emails.service import Template, queue_email, take_back_email, to_user_at
from hexclave_server.passwords.rules import require_good_password, require_password_sign_in
from hexclave_server.projects.trusted_urls import is_trusted
from hexclave_server.security_notices.service import Event, notify
from hexclave_server.sessions.service import end_all_sessions
from hexclave_server.users.service import NOBODY, reset_password
from hexclave_server.verification_codes.links import with_code
from hexclave_server.verification_codes.sends import count_send
from hexclave_server.verification_codes.service import CodeKind, create_code, give_back, redeem_code


async def send_reset_code(call: Call, email: str, callback_url: str) -> None:
    """Sends a link to the address if somebody signs in with it.

    Raises PasswordAuthenticationNotEnabled, RedirectUrlNotWhitelisted, RateLimited.
    """
    require_password_sign_in(call.config)
    if not is_trusted(callback_url, call.config):
        raise RedirectUrlNotWhitelisted
    address = normalise_address(email)
    await count_send(call, address, purpose="reset")

    async def send(conn: Connection) -> None:
        keyring, tenancy = call.parts.keyring, call.tenancy
        user_id = await find_sign_in_owner(conn, tenancy, address)
        code = await create_code(conn, keyring, tenancy, CodeKind.PASSWORD_RESET, user_id=user_id, payload={"address": address})
        variables, recipient = {"passwordResetLink": with_code(callback_url, code)}, to_user_at(user_id or NOBODY, email)
        email_id = await queue_email(conn, keyring, tenancy, Template.PASSWORD_RESET, recipient, variables)
        # An unknown address costs the same statements; its code resets nothing, and nobody gets to know it.
        await take_back_email(conn, tenancy, email_id if user_id is None else NOBODY)

    # The worker is not woken: rendering would slow down whoever asks next, and only known addresses cause it. It looks every second.
    await call.db.write(send)


async def reset_password_with_code(call: Call, text: str, password: str) -> None:
    """Gives the user of the code this password and ends all his sessions. The code is used up by everything but a server that is too busy.

    Raises what `redeem_code` raises, also when the user does not sign in with the address of the code any more;
    PasswordAuthenticationNotEnabled, PasswordTooShort, SchemaError for a common password, UserNotFound for one who is gone.
    """
    code = await redeem_code(call, CodeKind.PASSWORD_RESET, text)
    require_password_sign_in(call.config)
    require_good_password(password, call.config)
    user_id = code.user_id
    if user_id is None:
        raise VerificationCodeNotFound
    if code.payload is None:
        raise UserNotFound
    address = NormalEmail(code.payload["address"])
    try:
        password_hash = await call.parts.hasher.hash(password, call.tenancy.id)
    except Unavailable:
        await call.db.write(lambda conn: give_back(conn, call.tenancy, code))
        raise
    await call.db.write(lambda conn: _reset(call, conn, user_id, address, password_hash))
    call.parts.outbox.wake()


async def _reset(call: Call, conn: Connection, user_id: str, address: NormalEmail, password_hash: str) -> None:
    tenancy, parts = call.tenancy, call.parts
    if not await reset_password(conn, tenancy, user_id, password_hash):
        raise UserNotFound
    if await find_sign_in_owner(conn, tenancy, address) != user_id:  # asked under the lock of the user's row
        raise VerificationCodeNotFound
    await end_all_sessions(conn, tenancy, user_id)
    await parts.throttles.clear(conn, tenancy.id, PASSWORD.of(address), PASSWORD.of(user_id), SIGN_IN_CODE.of(address))
    await notify(conn, parts, tenancy, user_id, Event.PASSWORD)
