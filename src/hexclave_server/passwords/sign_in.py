"""Signing in with a password (contract 02 §2.2).

Unknown address, account without password and wrong password are one case: one verification each, one answer, one count. The session is
created only if the password is still the one that was verified.
"""

from __future__ import annotations

from hexclave_server.contact_channels.service import normalise_address
from hexclave_server.core import clock
from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import Unavailable
from hexclave_server.core.known_errors import EmailPasswordMismatch
from hexclave_server.passwords.guesses import Guess, counted_guess
from hexclave_server.passwords.rules import require_password_sign_in
from hexclave_server.sessions.first_factor import SecondFactorDue, SignedIn, finish_password
from hexclave_server.users.service import find_credential, use_password


async def sign_in_with_password(call: Call, email: str, password: str) -> SignedIn | SecondFactorDue:
    """Signs in the user of this address. Raises PasswordAuthenticationNotEnabled, RateLimited, EmailPasswordMismatch or Unavailable."""
    require_password_sign_in(call.config)
    address = normalise_address(email)
    async with counted_guess(call, address) as guess:
        credential = await find_credential(call.db, call.tenancy, address)
        stored_hash = None if credential is None else credential.password_hash
        verified = await call.parts.hasher.verify(password, stored_hash, call.tenancy.id)
        if credential is None or stored_hash is None or not verified.ok:
            raise EmailPasswordMismatch
        current_hash = await _rehashed(call, password, stored_hash) if verified.needs_rehash else stored_hash
        return await _complete(call, guess, credential.user_id, stored_hash, current_hash)


async def _complete(call: Call, guess: Guess, user_id: str, verified_hash: str, current_hash: str) -> SignedIn | SecondFactorDue:
    tenancy, keyring, end_user = call.tenancy, call.parts.keyring, call.end_user

    async def complete(conn: Connection) -> SignedIn | SecondFactorDue:
        now = clock.now_millis()
        subject = await use_password(conn, tenancy, user_id, verified_hash, current_hash, now)
        if subject is None:  # it was changed since it was read
            raise EmailPasswordMismatch
        outcome = await finish_password(conn, keyring, tenancy, subject, end_user, now)
        await guess.give_back(conn)
        return outcome

    return await call.db.write(complete)


async def _rehashed(call: Call, password: str, stored_hash: str) -> str:
    """The password hashed as new ones are. A sign-in does not fail because the server is too busy for that: next time, then."""
    try:
        return await call.parts.hasher.hash(password, call.tenancy.id)
    except Unavailable:
        return stored_hash
