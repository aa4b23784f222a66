"""Whose account a sign-in with a provider is: two pure decisions that guard against taking over other people's accounts (contract 03 §4).

The one rule above all: an account is joined to a user by its email only when both sides have shown that the address is theirs, the user by a
link or code, the person by the provider's word. Whoever registered somebody's address first therefore never gets that person's sign-ins.
"""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

MergeStrategy = Literal["link_method", "raise_error", "allow_duplicates"]


class EmailOwner(msgspec.Struct, frozen=True):
    """Who signs in with the address already: whether he verified it, and whether he signs in with another account of the same provider."""

    is_verified: bool
    uses_provider: bool


class SignIn(enum.Enum):
    """What becomes of a sign-in."""

    AS_OWNER_OF_ACCOUNT = "the account signs in its user"
    AS_OWNER_OF_EMAIL = "the account is linked to the user who has the email, who signs in"
    AS_NEW_USER = "a new user, who signs in with his email, too, if he has one"
    AS_NEW_USER_WITH_SAME_EMAIL = "a new user beside the one who signs in with the email"
    REFUSED_UNTIL_OWNER_VERIFIES = "the email belongs to a user who never verified it"
    REFUSED_EMAIL_IS_TAKEN = "the email belongs to another user"
    REFUSED_NO_SIGN_UP = "the project takes no new users"


class Connection(enum.Enum):
    """What becomes of an account that a signed-in user brings."""

    KNOWN = "it is his already"
    ADDED = "it becomes his"
    REFUSED = "it signs in another user"


def decide_sign_in(
    *,
    account_has_owner: bool,
    has_email: bool,
    email_is_verified: bool,
    email_owner: EmailOwner | None,
    strategy: MergeStrategy,
    sign_up_is_enabled: bool,
) -> SignIn:
    """What becomes of a sign-in with an account of a provider, whose word on the email is `email_is_verified`."""
    if account_has_owner:
        return SignIn.AS_OWNER_OF_ACCOUNT
    if has_email and email_owner is not None and strategy != "allow_duplicates":
        return _decide_for_taken_email(email_is_verified, email_owner, strategy)
    if not sign_up_is_enabled:
        return SignIn.REFUSED_NO_SIGN_UP
    return SignIn.AS_NEW_USER_WITH_SAME_EMAIL if has_email and email_owner is not None else SignIn.AS_NEW_USER


def _decide_for_taken_email(email_is_verified: bool, owner: EmailOwner, strategy: MergeStrategy) -> SignIn:  # noqa: FBT001
    if strategy != "link_method":
        return SignIn.REFUSED_EMAIL_IS_TAKEN
    if not owner.is_verified:
        return SignIn.REFUSED_UNTIL_OWNER_VERIFIES
    if not email_is_verified or owner.uses_provider:
        return SignIn.REFUSED_EMAIL_IS_TAKEN
    return SignIn.AS_OWNER_OF_EMAIL


def decide_connection(*, owner_id: str | None, user_id: str) -> Connection:
    """What becomes of an account that the user brings; `owner_id`: whom it signs in now."""
    if owner_id is None:
        return Connection.ADDED
    return Connection.KNOWN if owner_id == user_id else Connection.REFUSED
