"""Replacing a password, and giving one to a user who has none (contract 02 §2.5, §2.6)."""

from __future__ import annotations

from hexclave_server.core.context import Call
from hexclave_server.core.crypto import hash_secret
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import PasswordConfirmationMismatch, UserDoesNotHavePassword
from hexclave_server.passwords.guesses import counted_guess
from hexclave_server.passwords.rules import require_long_enough, require_password_sign_in
from hexclave_server.sessions.service import end_all_sessions
from hexclave_server.users.service import find_credential_of_user, replace_password, set_first_password


async def update_password(call: Call, user_id: str, old_password: str, new_password: str) -> None:
    """Replaces the user's password and ends all his sessions but the one whose refresh token is in the request's header.

    Raises PasswordAuthenticationNotEnabled, PasswordTooShort, UserDoesNotHavePassword, RateLimited, PasswordConfirmationMismatch.
    """
    require_password_sign_in(call.config)
    require_long_enough(new_password)
    tenancy, hasher = call.tenancy, call.parts.hasher
    credential = await find_credential_of_user(call.db, tenancy, user_id)
    stored_hash = None if credential is None else credential.password_hash
    if stored_hash is None:
        raise UserDoesNotHavePassword
    refresh_token = call.request.protocol.get(b"refresh-token")
    kept_hash = None if refresh_token is None else hash_secret(refresh_token)
    async with counted_guess(call, user_id) as guess:
        if not (await hasher.verify(old_password, stored_hash)).ok:
            raise PasswordConfirmationMismatch
        new_hash = await hasher.hash(new_password)

        async def change(conn: Connection) -> None:
            if not await replace_password(conn, tenancy, user_id, stored_hash, new_hash):
                raise PasswordConfirmationMismatch
            await end_all_sessions(conn, tenancy, user_id, kept_hash)
            await guess.give_back(conn)

        await call.db.write(change)


async def set_password(call: Call, user_id: str, password: str) -> None:
    """Gives the user his first password; his sessions stay.

    Raises PasswordAuthenticationNotEnabled, PasswordTooShort, PlainError 400 when he has one, RateLimited.
    """
    require_password_sign_in(call.config)
    require_long_enough(password)
    tenancy = call.tenancy
    credential = await find_credential_of_user(call.db, tenancy, user_id)
    if credential is not None and credential.password_hash is not None:
        raise _has_one()
    async with counted_guess(call, None) as guess:
        password_hash = await call.parts.hasher.hash(password)

        async def change(conn: Connection) -> None:
            if not await set_first_password(conn, tenancy, user_id, password_hash):
                raise _has_one()
            await guess.give_back(conn)

        await call.db.write(change)


def _has_one() -> PlainError:
    return PlainError(400, "The user has a password already. Use the update endpoint to replace it.")
