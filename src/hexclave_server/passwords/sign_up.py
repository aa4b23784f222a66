"""Signing up with a password: a new user, or an anonymous one who stays who he is (contract 02 §1.5, §2.1).

Everything of a sign-up is one transaction, and the unique index on sign-in addresses decides who was first. The answer tells whether an
address is taken, by contract; tries are counted per client address so that nobody asks for a whole list.
"""

from __future__ import annotations

from hexclave_server.contact_channels.service import NormalEmail, find_sign_in_owner, normalise_address
from hexclave_server.contact_channels.verification import queue_verification
from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection, UniqueViolation
from hexclave_server.core.known_errors import RedirectUrlNotWhitelisted
from hexclave_server.passwords.guesses import counted_guess
from hexclave_server.passwords.rules import require_good_password, require_password_sign_in
from hexclave_server.projects.trusted_urls import is_trusted
from hexclave_server.sessions.first_factor import SecondFactorDue, SignedIn, finish_first_factor
from hexclave_server.users.primary_email import address_is_taken
from hexclave_server.users.sign_up import SignUp, create_or_upgrade, require_sign_up_enabled
from hexclave_server.verification_codes.sends import count_send


async def sign_up_with_password(call: Call, email: str, password: str, verification_callback_url: str | None) -> SignedIn | SecondFactorDue:
    """Creates a user with this address and password, or upgrades the anonymous user of the access token, and signs him in.

    With a callback URL the address gets a link that verifies it. Raises PasswordAuthenticationNotEnabled, RedirectUrlNotWhitelisted,
    SignUpNotEnabled, PasswordTooShort, SchemaError for a password that everybody knows, RateLimited, UserEmailAlreadyExists.
    """
    require_password_sign_in(call.config)
    if verification_callback_url is not None and not is_trusted(verification_callback_url, call.config):
        raise RedirectUrlNotWhitelisted
    require_sign_up_enabled(call.config)
    require_good_password(password, call.config)
    address = normalise_address(email)
    async with counted_guess(call, None) as guess:
        if await find_sign_in_owner(call.db, call.tenancy, address) is not None:
            raise address_is_taken(address)
        if verification_callback_url is not None:
            await count_send(call, address)
        new = SignUp(email=address, password_hash=await call.parts.hasher.hash(password, call.tenancy.id), end_user=call.end_user)

        async def sign_up(conn: Connection) -> SignedIn | SecondFactorDue | None:
            user_id = await create_or_upgrade(call, conn, new)
            if verification_callback_url is not None:
                await _queue_link(call, conn, user_id, address, verification_callback_url)
            outcome = await finish_first_factor(conn, call.parts.keyring, call.tenancy, user_id, call.end_user, is_new_user=True)
            await guess.give_back(conn)
            return outcome

        try:
            outcome = await call.db.write(sign_up)
        except UniqueViolation:
            raise address_is_taken(address) from None
    if outcome is None:
        msg = "a user is gone in the transaction that made him"
        raise RuntimeError(msg)
    call.parts.outbox.wake()
    return outcome


async def _queue_link(call: Call, conn: Connection, user_id: str, address: NormalEmail, callback_url: str) -> None:
    await queue_verification(conn, call.parts.keyring, call.tenancy, user_id=user_id, address=address, callback_url=callback_url)
