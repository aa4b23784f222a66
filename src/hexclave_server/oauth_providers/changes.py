"""Linking accounts at providers to users, changing and removing such links (contract 03 §11).

Each change is one transaction that holds the user's row, so that what was read of his own links stays true. Between users the unique index
on accounts for sign-in decides: who loses a race for one gets the error of who came later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import UNSET, structs

from hexclave_server.core.context import Parts, Project, Tenancy
from hexclave_server.core.db import Connection, UniqueViolation
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import OAuthProviderAccountIdAlreadyUsedForSignIn, UserNotFound
from hexclave_server.oauth import accounts
from hexclave_server.oauth.accounts import AccountRow
from hexclave_server.oauth_providers.read import no_such_link, require_type
from hexclave_server.oauth_providers.rules import Admission, LinkChange, admit_link
from hexclave_server.users.lock import lock_user

T = TypeVar("T")


async def create_link(parts: Parts, project: Project, wanted: AccountRow) -> AccountRow:
    """Links an account to its user.

    Raises UserNotFound, PlainError 400 when he has it or signs in with the provider already, OAuthProviderAccountIdAlreadyUsedForSignIn.
    """
    tenancy = project.tenancy

    async def create(conn: Connection) -> None:
        if not await lock_user(conn, tenancy, wanted.user_id):
            raise UserNotFound
        await _require_admission(conn, tenancy, wanted)
        await accounts.add(conn, tenancy, wanted)

    await _write(parts, create)
    return wanted


async def update_link(parts: Parts, project: Project, user_id: str, link_id: str, change: LinkChange) -> AccountRow:
    """Changes what is named and returns the link.

    Raises UserNotFound, PlainError 404 for a link that he has not or of a type that is not known, and as `create_link`.
    """
    tenancy = project.tenancy

    async def update(conn: Connection) -> AccountRow:
        if not await lock_user(conn, tenancy, user_id):
            raise UserNotFound
        before = await accounts.find(conn, tenancy, user_id, link_id)
        if before is None:
            raise no_such_link()
        require_type(project, before)
        after = _changed(before, change)
        if change.touches_sign_in:
            await _require_admission(conn, tenancy, after)
        await accounts.change(conn, tenancy, before, after)
        return after

    return await _write(parts, update)


async def delete_link(parts: Parts, tenancy: Tenancy, user_id: str, link_id: str) -> None:
    """Removes a link with its tokens, be it the last way to sign in. Raises UserNotFound, PlainError 404."""

    async def delete(conn: Connection) -> None:
        if not await lock_user(conn, tenancy, user_id):
            raise UserNotFound
        if not await accounts.remove(conn, tenancy, user_id, link_id):
            raise no_such_link()

    await parts.db.write(delete)


async def _require_admission(conn: Connection, tenancy: Tenancy, wanted: AccountRow) -> None:
    others = [
        row
        for row in await accounts.list_of_user(conn, tenancy, wanted.user_id)
        if row.id != wanted.id and row.provider_id == wanted.provider_id
    ]
    admission = admit_link(
        wanted_for_sign_in=wanted.allow_sign_in,
        user_signs_in_with_provider=any(row.allow_sign_in for row in others),
        user_has_account=any((row.account_id, row.issuer) == (wanted.account_id, wanted.issuer) for row in others),
        account_signs_somebody_in=await accounts.signs_anybody_in(conn, tenancy, wanted),
    )
    if admission is Admission.SIGNS_IN_WITH_PROVIDER:
        raise PlainError(400, "The user signs in with another account of this provider already. Switch that off first.")
    if admission is Admission.HAS_ACCOUNT:
        raise PlainError(400, "This account is linked to the user already.")
    if admission is Admission.SIGNS_SOMEBODY_IN:
        raise OAuthProviderAccountIdAlreadyUsedForSignIn


def _changed(before: AccountRow, change: LinkChange) -> AccountRow:
    said = {name: value for name, value in structs.asdict(change).items() if value is not UNSET}
    return structs.replace(before, **said)


async def _write(parts: Parts, work: Callable[[Connection], Awaitable[T]]) -> T:
    try:
        return await parts.db.write(work)
    except UniqueViolation:  # somebody else began to sign in with the account between our look and our write
        raise OAuthProviderAccountIdAlreadyUsedForSignIn from None
