"""Signing up with a password: a new user, or an anonymous one who stays who he is (contract 02 §1.5, §2.1).

Everything of a sign-up is one transaction, and the unique index on sign-in addresses decides who was first. The answer tells whether an
address is taken, by contract; tries are counted per client address so that nobody asks for a whole list.
"""

from __future__ import annotations

from hexclave_server.contact_channels.service import NormalEmail, find_sign_in_owner, normalise_address
from hexclave_server.core import clock
from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection, UniqueViolation
from hexclave_server.core.known_errors import RedirectUrlNotWhitelisted, SignUpNotEnabled, UserEmailAlreadyExists
from hexclave_server.passwords.guesses import counted_guess
from hexclave_server.passwords.rules import require_long_enough, require_password_sign_in
from hexclave_server.projects.trusted_urls import is_trusted
from hexclave_server.sessions.first_factor import SecondFactorDue, SignedIn, finish_first_factor
from hexclave_server.users.service import NewUser, Upgrade, create_user, upgrade_anonymous


async def sign_up_with_password(call: Call, email: str, password: str, verification_callback_url: str | None) -> SignedIn | SecondFactorDue:
    """Creates a user with this address and password, or upgrades the anonymous user of the access token, and signs him in.

    Raises PasswordAuthenticationNotEnabled, RedirectUrlNotWhitelisted, SignUpNotEnabled, PasswordTooShort, RateLimited,
    UserEmailAlreadyExists.
    """
    require_password_sign_in(call.config)
    if verification_callback_url is not None and not is_trusted(verification_callback_url, call.config):
        raise RedirectUrlNotWhitelisted
    if call.config["auth"]["allowSignUp"] is not True:
        raise SignUpNotEnabled
    require_long_enough(password)
    address = normalise_address(email)
    async with counted_guess(call, None) as guess:
        if await find_sign_in_owner(call.db, call.tenancy, address) is not None:
            raise _is_taken(address)
        password_hash = await call.parts.hasher.hash(password)

        async def sign_up(conn: Connection) -> SignedIn | SecondFactorDue | None:
            user_id = await _create_or_upgrade(call, conn, address, password_hash)
            outcome = await finish_first_factor(conn, call.parts.keyring, call.tenancy, user_id, call.end_user, is_new_user=True)
            await guess.give_back(conn)
            return outcome

        try:
            outcome = await call.db.write(sign_up)
        except UniqueViolation:
            raise _is_taken(address) from None
    if outcome is None:
        msg = "a user is gone in the transaction that made him"
        raise RuntimeError(msg)
    return outcome


async def _create_or_upgrade(call: Call, conn: Connection, address: NormalEmail, password_hash: str) -> str:
    """The id of the user who now has this address and password; the sessions of one who was anonymous have ended."""
    now = clock.now_millis()
    country_code = None if call.end_user is None else call.end_user.country_code or None
    if call.claims is not None and call.claims.user_type == "anonymous":
        user_id = call.claims.user_id
        upgrade = Upgrade(email=address, password_hash=password_hash, country_code=country_code)
        if await upgrade_anonymous(conn, call.project, user_id, upgrade, now=now):
            return user_id
    new = NewUser(
        primary_email=address,
        primary_email_auth_enabled=True,
        password_hash=password_hash,
        country_code=country_code,
    )
    return await create_user(conn, call.project, new, now=now)


def _is_taken(address: NormalEmail) -> UserEmailAlreadyExists:
    return UserEmailAlreadyExists(email=address, would_work_if_email_was_verified=False)
