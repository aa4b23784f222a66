"""Who signs in with an account of a provider: the facts of `resolution`, gathered under locks, and what its decisions do (contract 03 §4).

Part of the transaction of the callback. Users are locked before what is theirs is believed; unique indexes decide between two sign-ins that
meet: the one that comes second fails with UniqueViolation or UserEmailAlreadyExists, and finds the other's work when it is run again.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hexclave_server.contact_channels.service import NormalEmail, SignInChannel, find_sign_in_channel
from hexclave_server.core.client_address import EndUser
from hexclave_server.core.context import Project
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import (
    ContactChannelAlreadyUsedForAuthBySomeoneElse,
    OAuthConnectionAlreadyConnectedToAnotherUser,
    SignUpNotEnabled,
)
from hexclave_server.oauth import accounts, resolution
from hexclave_server.oauth.person import Person
from hexclave_server.oauth.queries import SignInAccount
from hexclave_server.oauth.resolution import EmailOwner, SignIn
from hexclave_server.sessions.service import find_user_of_session
from hexclave_server.users.lock import lock_user
from hexclave_server.users.sign_up import SignUp, add_user
from hexclave_server.users.token_subject import find_token_subject
from hexclave_server.users.upgrade import Profile

ATTEMPTS: Final = 3
"""How often a caller runs the transaction: the second run finds what the first one lost a race against."""


class Resolved(msgspec.Struct, frozen=True):
    """The user who signs in, and the account that he does it with."""

    user_id: str
    oauth_account_id: str
    is_new_user: bool


class Waiting(msgspec.Struct, frozen=True):
    """Nothing is done yet: the user with this id would gain by it, and nobody has proved that it is he who came (see `arrivals`)."""

    user_id: str


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has shown that an account at a provider is his. `begun_by`, `begun_in`: user and session of the token his way began with."""

    provider_id: str
    person: Person
    end_user: EndUser | None
    begun_by: str | None = None
    begun_in: str | None = None


async def sign_in(conn: Connection, project: Project, claim: Claim, *, is_proven: bool) -> Resolved | Waiting:
    """The user whom the account signs in: its own, the one with the same email, or a new one. His row is locked.

    An anonymous user who would become the new one waits until it `is_proven` that he began this.
    Raises ContactChannelAlreadyUsedForAuthBySomeoneElse, SignUpNotEnabled; UniqueViolation and UserEmailAlreadyExists in a race.
    """
    person = claim.person
    account = await _lock_owner_of_account(conn, project, claim)
    channel = None if account is not None or person.email is None else await _lock_owner_of_email(conn, project, person.email)
    if channel is not None:  # he may have come by this account a moment ago: another sign-in of the same person
        account = await _lock_owner_of_account(conn, project, claim)
    decision = resolution.decide_sign_in(
        account_has_owner=account is not None,
        has_email=person.email is not None,
        email_is_verified=person.email_verified,
        email_owner=None if channel is None else await _email_owner(conn, project, claim, channel),
        strategy=project.config["auth"]["oauth"]["accountMergeStrategy"],
        sign_up_is_enabled=project.config["auth"]["allowSignUp"] is True,
    )
    if decision is SignIn.AS_OWNER_OF_ACCOUNT and account is not None:
        return Resolved(account.user_id, account.id, is_new_user=False)
    if decision is SignIn.AS_OWNER_OF_EMAIL and channel is not None:
        return Resolved(channel.user_id, await _link(conn, project, channel.user_id, claim), is_new_user=False)
    if decision is SignIn.AS_NEW_USER or decision is SignIn.AS_NEW_USER_WITH_SAME_EMAIL:
        visitor_id = await _find_visitor(conn, project, claim)
        if visitor_id is not None and not is_proven:
            return Waiting(visitor_id)
        new = _sign_up(claim, email_used_for_auth=decision is SignIn.AS_NEW_USER)
        user_id = await add_user(conn, project, new, visitor_id)
        return Resolved(user_id, await _link(conn, project, user_id, claim), is_new_user=True)
    raise _refusal(decision, person)


async def connect(conn: Connection, project: Project, claim: Claim, *, is_proven: bool) -> Resolved | Waiting:
    """The account becomes one of the signed-in user's, for sign-in too, once it `is_proven` that he began this. His row is locked.

    Raises OAuthConnectionAlreadyConnectedToAnotherUser, PlainError 400 for a user or session that is gone; UniqueViolation in a race.
    """
    user_id = claim.begun_by
    if user_id is None or not await lock_user(conn, project.tenancy, user_id):
        raise PlainError(400, "The user to link the account to does not exist any more.")
    if not await _is_signed_in(conn, project, claim):
        # Else whoever stole a session could leave himself a way in after it was ended.
        raise PlainError(400, "You are signed out. Sign in and link the account again.")
    account = await _find_account(conn, project, claim)
    decision = resolution.decide_connection(owner_id=None if account is None else account.user_id, user_id=user_id)
    if decision is resolution.Connection.REFUSED:
        raise OAuthConnectionAlreadyConnectedToAnotherUser
    if decision is resolution.Connection.ADDED and not is_proven:
        return Waiting(user_id)
    account_id = account.id if account is not None else await _link(conn, project, user_id, claim)
    return Resolved(user_id, account_id, is_new_user=False)


async def _lock_owner_of_account(conn: Connection, project: Project, claim: Claim) -> SignInAccount | None:
    """The account as it is when its user's row is held: it may have changed hands while the lock was waited for."""
    account = await _find_account(conn, project, claim)
    while account is not None:
        await lock_user(conn, project.tenancy, account.user_id)
        now = await _find_account(conn, project, claim)
        if now == account:
            break
        account = now
    return account


async def _lock_owner_of_email(conn: Connection, project: Project, address: NormalEmail) -> SignInChannel | None:
    """Who signs in with the address, seen again under the lock of his row."""
    channel = await find_sign_in_channel(conn, project.tenancy, address)
    while channel is not None:
        await lock_user(conn, project.tenancy, channel.user_id)
        now = await find_sign_in_channel(conn, project.tenancy, address)
        if now == channel:
            break
        channel = now
    return channel


async def _find_visitor(conn: Connection, project: Project, claim: Claim) -> str | None:
    """The anonymous user who began this and would become the new one, if he is still signed in."""
    if claim.begun_by is None or not await _is_signed_in(conn, project, claim):
        return None
    subject = await find_token_subject(conn, project.tenancy, claim.begun_by)
    return subject.id if subject is not None and subject.is_anonymous else None


async def _is_signed_in(conn: Connection, project: Project, claim: Claim) -> bool:
    """Whether the session that this was begun in goes on."""
    return claim.begun_in is not None and await find_user_of_session(conn, project.tenancy, claim.begun_in) == claim.begun_by


async def _email_owner(conn: Connection, project: Project, claim: Claim, channel: SignInChannel) -> EmailOwner:
    uses_provider = await accounts.signs_in_with(conn, project.tenancy, channel.user_id, claim.provider_id)
    return EmailOwner(is_verified=channel.is_verified, uses_provider=uses_provider)


async def _find_account(conn: Connection, project: Project, claim: Claim) -> SignInAccount | None:
    person = claim.person
    return await accounts.find_for_sign_in(
        conn, project.tenancy, provider_id=claim.provider_id, account_id=person.account_id, issuer=person.issuer
    )


async def _link(conn: Connection, project: Project, user_id: str, claim: Claim) -> str:
    person = claim.person
    return await accounts.link(
        conn,
        project.tenancy,
        user_id,
        provider_id=claim.provider_id,
        account_id=person.account_id,
        issuer=person.issuer,
        email=person.email,
    )


def _sign_up(claim: Claim, *, email_used_for_auth: bool) -> SignUp:
    person = claim.person
    return SignUp(
        email=person.email,
        email_verified=person.email_verified,
        email_used_for_auth=email_used_for_auth,
        profile=Profile(person.display_name, person.profile_image_url),
        end_user=claim.end_user,
    )


def _refusal(decision: SignIn, person: Person) -> ContactChannelAlreadyUsedForAuthBySomeoneElse | SignUpNotEnabled:
    if decision is SignIn.REFUSED_NO_SIGN_UP:
        return SignUpNotEnabled()
    return ContactChannelAlreadyUsedForAuthBySomeoneElse(
        type="email",
        contact_channel_value=person.email,
        would_work_if_email_was_verified=decision is SignIn.REFUSED_UNTIL_OWNER_VERIFIES,
    )
