"""The page that turns a set-up code into an administrator. It is for people: every answer is a page.

Nobody can be made to send the form from elsewhere: it needs the code, and a browser says where a form comes from.
"""

from __future__ import annotations

from typing import Annotated

from hexclave_server.administrators import page, service
from hexclave_server.core.constraints import StrictEmail, at_most
from hexclave_server.core.context import Call
from hexclave_server.core.endpoint import AUTH_BODY_LIMIT, PUBLIC, endpoint
from hexclave_server.core.errors import RateLimited
from hexclave_server.core.html import comes_from_this_page
from hexclave_server.core.http import Response
from hexclave_server.core.known_errors import PasswordTooShort, UserEmailAlreadyExists
from hexclave_server.core.limits import CHECK_SECRET
from hexclave_server.core.schema import Body, Defects, decode_value
from hexclave_server.core.throttles import PASSWORD
from hexclave_server.passwords.rules import MAX_LENGTH, MIN_LENGTH

_LENGTH = f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters."


class SetupLink(Body):
    """The query of the page."""

    code: str = ""


class SetupForm(Body):
    """The form as it comes; what is wrong with it is told on the page."""

    code: str = ""
    email: str = ""
    password: str = ""


class _SetupFields(Body):
    """The form as it must be."""

    email: StrictEmail
    password: Annotated[str, at_most(MAX_LENGTH)]


@endpoint("GET /setup", access=PUBLIC, limit=CHECK_SECRET, throttle=PASSWORD, media_type="text/html", shown=False)
async def show_setup(call: Call, query: SetupLink) -> Response:
    """The form on which the first administrator chooses email address and password"""
    if not await service.setup_code_is_good(call.db, call.parts.keyring, query.code):
        return page.link_is_over()
    return page.setup_form(query.code)


@endpoint(
    "POST /setup", access=PUBLIC, limit=CHECK_SECRET, throttle=PASSWORD, media_type="text/html", shown=False, body_limit=AUTH_BODY_LIMIT
)
async def complete_setup(call: Call, body: SetupForm) -> Response:
    """Makes the sender of the form an administrator"""
    if not comes_from_this_page(call.request, call.settings.public_url):
        return page.refused(403, "The form was sent from another site. Open the link again.")
    try:
        fields = decode_value(_SetupFields, {"email": body.email.strip(), "password": body.password}, "form")
    except Defects:
        problem = "Give an email address such as you@example.com. " + _LENGTH
        return page.setup_form(body.code, email=body.email, problem=problem, status=400)
    try:
        await service.redeem_setup_code(call.parts, body.code, fields.email, fields.password, call.request.address)
    except service.SetupCodeInvalid:
        return page.link_is_over()
    except RateLimited as error:
        problem = f"Too many tries. Wait {error.retry_after_seconds} seconds."
        return page.setup_form(body.code, email=body.email, problem=problem, status=429, retry_after=error.retry_after_seconds)
    except PasswordTooShort:
        return page.setup_form(body.code, email=body.email, problem=_LENGTH, status=400)
    except (service.SetupPasswordMismatch, UserEmailAlreadyExists):
        problem = "This address has an account already, and this is not its password."
        return page.setup_form(body.code, email=body.email, problem=problem, status=400)
    return page.setup_done(fields.email)


ENDPOINTS = [show_setup, complete_setup]
