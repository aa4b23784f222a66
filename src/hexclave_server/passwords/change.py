"""Replacing a password, and giving one to a user who has none (contract 02 §2.5, §2.6)."""

from __future__ import annotations

from hexclave_server.core.context import Call
from hexclave_server.core.crypto import hash_secret
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import PasswordConfirmationMismatch, UserDoesNotHavePassword
from hexclave_server.passwords.guesses import counted_guess
from hexclave_server.passwords.rules import require_good_password, require_password_sign_in
from hexclave_server.security_notices.service import Event, notify
from hexclave_server.sessions.service import end_all_sessions, is_signed_in
from hexclave_server.users.service import find_credential_of_user, replace_password, set_first_password
from hexclave_server.verification_codes.service import CodeKind, void_codes


async def update_password(call: Call, user_id: str, old_password: str, new_password: str) -> None:
    """Replaces the user's password and ends all his sessions but the one whose refresh token is in the request's header.

    Codes that were sent to reset the former password end, too, and the user gets a notice. Raises PasswordAuthenticationNotEnabled,
    PasswordTooShort, SchemaError for a common password, UserDoesNotHavePassword, RateLimited, PasswordConfirmationMismatch.
    """
    require_password_sign_in(call.config)
    require_good_password(new_password, call.config)
    tenancy, hasher = call.tenancy, call.parts.hasher
    credential = await find_credential_of_user(call.db, tenancy, user_id)
    stored_hash = None if credential is None else credential.password_hash
    if stored_hash is None:
        raise UserDoesNotHavePassword
    refresh_token = call.request.protocol.get(b"refresh-token")
    kept_hash = None if refresh_token is None else hash_secret(refresh_token)
    async with counted_guess(call, user_id) as guess:
        if not (await hasher.verify(old_password, stored_hash, tenancy.id)).ok:
            raise PasswordConfirmationMismatch
        new_hash = await hasher.hash(new_password, tenancy.id)

        async def change(conn: Connection) -> None:
            if not await replace_password(conn, tenancy, user_id, stored_hash, new_hash):
                raise PasswordConfirmationMismatch
            await end_all_sessions(conn, tenancy, user_id, kept_hash)
            await _conclude(call, conn, user_id)
            await guess.give_back(conn)

        await call.db.write(change)
    call.parts.outbox.wake()


async def set_password(call: Call, user_id: str, password: str) -> None:
    """Gives the user his first password; his sessions stay, codes to reset it end, and he gets a notice.

    Raises PasswordAuthenticationNotEnabled, PasswordTooShort, SchemaError for a common password, PlainError 400 when he has one or
    his session has ended, RateLimited.
    """
    require_password_sign_in(call.config)
    require_good_password(password, call.config)
    tenancy = call.tenancy
    credential = await find_credential_of_user(call.db, tenancy, user_id)
    if credential is not None and credential.password_hash is not None:
        raise _has_one()
    async with counted_guess(call, None) as guess:
        password_hash = await call.parts.hasher.hash(password, call.tenancy.id)

        async def change(conn: Connection) -> None:
            if not await set_first_password(conn, tenancy, user_id, password_hash):
                raise _has_one()
            if not await is_signed_in(conn, call):
                raise PlainError(400, "You are signed out. Sign in and set the password again.")
            await _conclude(call, conn, user_id)
            await guess.give_back(conn)

        await call.db.write(change)
    call.parts.outbox.wake()


async def _conclude(call: Call, conn: Connection, user_id: str) -> None:
    """What follows the change of a password by its user: no code for the former one is good, and he is told."""
    await void_codes(conn, call.tenancy, CodeKind.PASSWORD_RESET, user_id)
    await notify(conn, call.parts, call.tenancy, user_id, Event.PASSWORD)


def _has_one() -> PlainError:
    return PlainError(400, "The user has a password already. Use the update endpoint to replace it.")
