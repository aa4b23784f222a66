"""The endpoints of passwords (contract 02 §2). Those that send mail (reset, verification) come with the mail."""

from __future__ import annotations

import typing

from msgspec import UNSET

from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import CLIENT, endpoint
from hexclave_server.core.known_errors import (
    EmailPasswordMismatch,
    MultiFactorAuthenticationRequired,
    PasswordAuthenticationNotEnabled,
    PasswordConfirmationMismatch,
    PasswordTooShort,
    RedirectUrlNotWhitelisted,
    SignUpNotEnabled,
    UserDoesNotHavePassword,
    UserEmailAlreadyExists,
)
from hexclave_server.core.limits import CHECK_SECRET
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS, PASSWORD
from hexclave_server.passwords import change
from hexclave_server.passwords.sign_in import sign_in_with_password
from hexclave_server.passwords.sign_up import sign_up_with_password
from hexclave_server.passwords.wire import PasswordSet, PasswordSignIn, PasswordSignUp, PasswordUpdate, SignedIn
from hexclave_server.sessions import first_factor
from hexclave_server.sessions.wire import Success


@endpoint(
    "POST /auth/password/sign-up",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=GUESSES_BY_ADDRESS,
    tags=["Password"],
    errors=[
        PasswordAuthenticationNotEnabled,
        RedirectUrlNotWhitelisted,
        SignUpNotEnabled,
        PasswordTooShort,
        UserEmailAlreadyExists,
        MultiFactorAuthenticationRequired,
    ],
)
async def sign_up(call: Call, body: PasswordSignUp) -> SignedIn:
    """Signs a new user up with an email address and a password"""
    callback_url = None if body.verification_callback_url is UNSET else body.verification_callback_url
    return await _signed_in(call, await sign_up_with_password(call, body.email, body.password, callback_url))


@endpoint(
    "POST /auth/password/sign-in",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=PASSWORD,
    tags=["Password"],
    errors=[PasswordAuthenticationNotEnabled, EmailPasswordMismatch, MultiFactorAuthenticationRequired],
)
async def sign_in(call: Call, body: PasswordSignIn) -> SignedIn:
    """Signs a user in with email address and password"""
    return await _signed_in(call, await sign_in_with_password(call, body.email, body.password))


async def _signed_in(call: Call, outcome: first_factor.SignedIn | first_factor.SecondFactorDue) -> SignedIn:
    tokens = await first_factor.tokens_of(call.parts, call.project, outcome)
    user_id = typing.cast("first_factor.SignedIn", outcome).subject.id
    return SignedIn(access_token=tokens.access_token, refresh_token=tokens.refresh_token, user_id=user_id)


@endpoint(
    "POST /auth/password/update",
    access=CLIENT,
    user_required=True,
    limit=CHECK_SECRET,
    throttle=PASSWORD,
    tags=["Password"],
    errors=[PasswordAuthenticationNotEnabled, PasswordTooShort, UserDoesNotHavePassword, PasswordConfirmationMismatch],
)
async def update_password(call: Call, body: PasswordUpdate) -> Success:
    """Replaces the user's password and ends his other sessions"""
    await change.update_password(call, call.required_user_id, body.old_password, body.new_password)
    return Success()


@endpoint(
    "POST /auth/password/set",
    access=CLIENT,
    user_required=True,
    limit=CHECK_SECRET,
    throttle=GUESSES_BY_ADDRESS,
    tags=["Password"],
    errors=[PasswordAuthenticationNotEnabled, PasswordTooShort],
)
async def set_password(call: Call, body: PasswordSet) -> Success:
    """Gives the user his first password"""
    await change.set_password(call, call.required_user_id, body.password)
    return Success()


ENDPOINTS = [sign_up, sign_in, update_password, set_password]
