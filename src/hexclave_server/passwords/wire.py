"""What requests and answers of the password endpoints look like (contract 02 §2)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.constraints import LenientEmail, NonEmpty, StrictEmail, Url, at_most
from hexclave_server.core.schema import Body, Wire
from hexclave_server.passwords.rules import MAX_LENGTH
from hexclave_server.verification_codes.wire import CodeBody

Password = Annotated[str, at_most(MAX_LENGTH)]


class PasswordSignUp(Body):
    """A new account. The challenge fields are for projects that challenge bots; others ignore them."""

    email: StrictEmail
    password: Password
    verification_callback_url: Url | UnsetType = UNSET
    bot_challenge_token: str | UnsetType = UNSET
    bot_challenge_phase: Literal["invisible", "visible"] | UnsetType = UNSET
    bot_challenge_unavailable: Literal["true"] | UnsetType = UNSET


class PasswordSignIn(Body):
    """An account and its password."""

    email: Annotated[LenientEmail, NonEmpty]
    password: Password


class PasswordUpdate(Body):
    """The password so far, and the one that replaces it."""

    old_password: Password
    new_password: Password


class PasswordSet(Body):
    """The first password of a user."""

    password: Password


class ResetCodeRequest(Body):
    """Whose password was forgotten, and the page that the link in the email leads to."""

    email: Annotated[LenientEmail, NonEmpty]
    callback_url: Url


class MaybeSent(Wire):
    """The same for known and unknown addresses."""

    success: Literal["maybe, only if user with e-mail exists"] = "maybe, only if user with e-mail exists"


class PasswordReset(CodeBody):
    """The code of the email, and the password that replaces the forgotten one."""

    password: Password


class SignedIn(Wire):
    """The tokens of a new session, and whose it is."""

    access_token: str
    refresh_token: str
    user_id: str
