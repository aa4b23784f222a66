"""The endpoints of passwords (contract 02 §2)."""

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
    UserNotFound,
)
from hexclave_server.core.limits import CHECK_SECRET, SEND_MESSAGE
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS, MESSAGES, PASSWORD, WRONG_TOKENS_BY_ADDRESS
from hexclave_server.passwords import change
from hexclave_server.passwords.reset import reset_password_with_code, send_reset_code
from hexclave_server.passwords.sign_in import sign_in_with_password
from hexclave_server.passwords.sign_up import sign_up_with_password
from hexclave_server.passwords.wire import (
    MaybeSent,
    PasswordReset,
    PasswordSet,
    PasswordSignIn,
    PasswordSignUp,
    PasswordUpdate,
    ResetCodeRequest,
    SignedIn,
)
from hexclave_server.sessions import first_factor
from hexclave_server.sessions.wire import Success
from hexclave_server.verification_codes.service import CODE_ERRORS, CodeKind, try_code
from hexclave_server.verification_codes.wire import CodeBody, CodeIsValid


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


@endpoint(
    "POST /auth/password/send-reset-code",
    access=CLIENT,
    limit=SEND_MESSAGE,
    throttle=MESSAGES,
    tags=["Password"],
    errors=[PasswordAuthenticationNotEnabled, RedirectUrlNotWhitelisted],
)
async def send_code(call: Call, body: ResetCodeRequest) -> MaybeSent:
    """Sends a link to reset the password to the address, if somebody signs in with it"""
    await send_reset_code(call, body.email, body.callback_url)
    return MaybeSent()


@endpoint(
    "POST /auth/password/reset",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=["Password"],
    errors=[*CODE_ERRORS, PasswordAuthenticationNotEnabled, PasswordTooShort, UserNotFound],
)
async def reset(call: Call, body: PasswordReset) -> Success:
    """Sets a new password with the code of an email and ends all sessions of the user"""
    await reset_password_with_code(call, body.code, body.password)
    return Success()


@endpoint(
    "POST /auth/password/reset/check-code",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=["Password"],
    errors=CODE_ERRORS,
)
async def check_reset_code(call: Call, body: CodeBody) -> CodeIsValid:
    """Says whether a code to reset a password is good, without using it up"""
    await try_code(call, CodeKind.PASSWORD_RESET, body.code)
    return CodeIsValid()


ENDPOINTS = [sign_up, sign_in, update_password, set_password, send_code, reset, check_reset_code]
