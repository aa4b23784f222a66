"""The page on which a user of a project lets a command line in, for applications that have none of their own.

He signs in there with the same service, throttles and second factor as everywhere, and the new session goes to the command line. Nothing
of it stays in the browser: no cookie, so no other site can act in his name, and a form that another site sends is refused besides.
"""

from __future__ import annotations

from hexclave_server.cli_login import page
from hexclave_server.cli_login.complete import complete_login, find_open_login
from hexclave_server.cli_login.page import Asking
from hexclave_server.core.context import Access, Call, Caller
from hexclave_server.core.endpoint import AUTH_BODY_LIMIT, PUBLIC, endpoint
from hexclave_server.core.errors import PlainError, RateLimited
from hexclave_server.core.html import comes_from_this_page
from hexclave_server.core.http import Response
from hexclave_server.core.known_errors import (
    EmailPasswordMismatch,
    InvalidTotpCode,
    PasswordAuthenticationNotEnabled,
    VerificationCodeAlreadyUsed,
    VerificationCodeExpired,
    VerificationCodeMaxAttemptsReached,
    VerificationCodeNotFound,
)
from hexclave_server.core.limits import CHECK_SECRET
from hexclave_server.core.schema import Body, Defects, decode_value
from hexclave_server.core.throttles import PASSWORD
from hexclave_server.mfa.sign_in import sign_in_with_second_factor
from hexclave_server.mfa.wire import SecondFactorSignIn
from hexclave_server.passwords.sign_in import sign_in_with_password
from hexclave_server.passwords.wire import PasswordSignIn
from hexclave_server.sessions.first_factor import SecondFactorDue, SignedIn
from hexclave_server.sessions.service import end_session

_TOTP_DIGITS = 6
_ATTEMPT_IS_OVER = (
    VerificationCodeNotFound,
    VerificationCodeExpired,
    VerificationCodeAlreadyUsed,
    VerificationCodeMaxAttemptsReached,
    Defects,
)


class CliLoginLink(Body):
    """The query of the page."""

    project_id: str = ""
    login_code: str = ""


class CliLoginForm(CliLoginLink):
    """The form of either step as it comes; what is wrong with it is told on the page."""

    email: str = ""
    password: str = ""
    attempt_code: str = ""
    second_factor: str = ""


@endpoint("GET /cli-login", access=PUBLIC, limit=CHECK_SECRET, throttle=PASSWORD, media_type="text/html", shown=False)
async def show_cli_login(call: Call, query: CliLoginLink) -> Response:
    """The form on which a user lets a command line in"""
    try:
        asking = await _find(call, query)
    except RateLimited as error:
        return _too_many(error)
    return page.login_is_over() if asking is None else asking.password_form()


@endpoint(
    "POST /cli-login", access=PUBLIC, limit=CHECK_SECRET, throttle=PASSWORD, media_type="text/html", shown=False, body_limit=AUTH_BODY_LIMIT
)
async def confirm_cli_login(call: Call, body: CliLoginForm) -> Response:
    """Signs the sender of the form in and hands the session to the command line"""
    if not comes_from_this_page(call.request, call.settings.public_url):
        return page.refused("The form was sent from another site. Open the link again.", 403)
    try:
        asking = await _find(call, body)
    except RateLimited as error:
        return _too_many(error)
    if asking is None:
        return page.login_is_over()
    outcome = await (_second_step(asking, body) if body.attempt_code else _first_step(asking, body))
    return outcome if isinstance(outcome, Response) else await _hand_over(asking, outcome)


async def _find(call: Call, link: CliLoginLink) -> Asking | None:
    """The login that the link names, in the name of its project; None for one that does not wait. Raises RateLimited."""
    project = await call.parts.directory.find_project(link.project_id.lower())
    if project is None:
        return None
    inside = Call(call.parts, call.request, Caller(Access.CLIENT, project))
    login = await find_open_login(inside, link.login_code)
    return None if login is None else Asking(inside, login, link.login_code)


async def _first_step(asking: Asking, form: CliLoginForm) -> SignedIn | Response:
    email = form.email.strip()
    try:
        fields = decode_value(PasswordSignIn, {"email": email, "password": form.password}, "form")
        outcome = await sign_in_with_password(asking.call, fields.email, fields.password)
    except (Defects, EmailPasswordMismatch):
        return asking.password_form(email=email, problem="The email address or the password is wrong.", status=400)
    except PasswordAuthenticationNotEnabled:
        return asking.no_passwords()
    except RateLimited as error:
        seconds = error.retry_after_seconds
        return asking.password_form(email=email, problem=_wait(seconds), status=429, retry_after_seconds=seconds)
    return asking.second_factor_form(outcome.attempt_code) if isinstance(outcome, SecondFactorDue) else outcome


async def _second_step(asking: Asking, form: CliLoginForm) -> SignedIn | Response:
    given = form.second_factor.strip().replace(" ", "")
    kind = "totp" if len(given) == _TOTP_DIGITS and given.isdigit() else "recovery_code"
    try:
        fields = decode_value(SecondFactorSignIn, {"code": form.attempt_code, "type": kind, kind: given}, "form")
        signed_in, _ = await sign_in_with_second_factor(asking.call, fields)
    except InvalidTotpCode:
        return asking.second_factor_form(form.attempt_code, problem="The code is wrong. Enter the current one.", status=400)
    except _ATTEMPT_IS_OVER:
        return asking.password_form(problem="That took too long, or too many tries. Sign in again.", status=400)
    except RateLimited as error:
        seconds = error.retry_after_seconds
        return asking.second_factor_form(form.attempt_code, problem=_wait(seconds), status=429, retry_after_seconds=seconds)
    return signed_in


async def _hand_over(asking: Asking, signed_in: SignedIn) -> Response:
    """Gives the new session to the command line; a session that comes too late for that ends."""
    call = asking.call
    try:
        await complete_login(call, asking.login, signed_in.session.refresh_token)
    except PlainError:
        await call.db.write(lambda conn: end_session(conn, call.tenancy, signed_in.session.id))
        return page.login_is_over()
    return asking.done()


def _too_many(error: RateLimited) -> Response:
    return page.refused(_wait(error.retry_after_seconds), 429, retry_after_seconds=error.retry_after_seconds)


def _wait(seconds: int) -> str:
    return f"Too many tries. Wait {seconds} seconds."


ENDPOINTS = [show_cli_login, confirm_cli_login]
