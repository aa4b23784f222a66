"""Administrators: users of `internal` who are members of the team that owns it, with `team_admin` (contract 15 §1).

They are made by a one-time code (`hexclave admin link`), by the command line, or by settings; sign-ups of `internal` may be off. A code is
redeemed by one conditional statement in the transaction that makes the administrator, so it works once or not at all.
"""

from __future__ import annotations

import msgspec

from hexclave_server.administrators import queries
from hexclave_server.contact_channels.service import NormalEmail, normalise_address
from hexclave_server.core import clock, randomness
from hexclave_server.core.context import INTERNAL_PROJECT_ID, Parts, Project
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS, PASSWORD
from hexclave_server.passwords.rules import require_long_enough
from hexclave_server.permissions import service as permissions
from hexclave_server.settings import Settings
from hexclave_server.teams import service as teams
from hexclave_server.users import service as users

CODE_TTL_MILLIS = 60 * 60 * 1000
TEAM_ADMIN = "team_admin"
_PURPOSE = "admin-setup-code"


class SetupCodeInvalid(Exception):
    """The code does not exist, was used, or is older than an hour."""


class SetupPasswordMismatch(Exception):
    """Somebody has this address already, and the password is not his."""


class _Account(msgspec.Struct, frozen=True):
    """Who becomes administrator: a user whose password was right, or a new one with the hash of his password."""

    user_id: str | None
    email: NormalEmail
    password_hash: str


def setup_link(settings: Settings, code: str) -> str:
    """The page on which the code is redeemed."""
    return f"{settings.public_url}/setup?code={code}"


async def create_setup_code(parts: Parts) -> str:
    """A new code, good for an hour and once; only its HMAC is kept."""
    code = randomness.new_token()
    now = clock.now_millis()

    async def work(conn: Connection) -> None:
        await conn.execute(queries.DELETE_OUTDATED_CODES, now=now)
        await conn.execute(queries.INSERT_CODE, code_hash=_hash(parts.keyring, code), now=now, expires_at=now + CODE_TTL_MILLIS)

    await parts.db.write(work)
    return code


async def setup_code_is_good(conn: Connection, keyring: Keyring, code: str) -> bool:
    """Whether the code can still be redeemed."""
    return await conn.value(queries.FIND_GOOD_CODE, hash=_hash(keyring, code), now=clock.now_millis()) is not None


def _hash(keyring: Keyring, code: str) -> str:
    return keyring.hmac(_PURPOSE, code.strip().lower())


async def redeem_setup_code(parts: Parts, code: str, email: str, password: str, address: str) -> str:
    """Makes the user of `internal` with this email and password an administrator, creating him if need be; his id.

    Raises SetupCodeInvalid, SetupPasswordMismatch, PasswordTooShort, RateLimited, Unavailable. `address` is the client's, for the throttle.
    """
    if not await setup_code_is_good(parts.db, parts.keyring, code):
        raise SetupCodeInvalid
    internal = await internal_project(parts)
    normal = normalise_address(email)
    tries = [PASSWORD.of(normal), GUESSES_BY_ADDRESS.of(address)]
    await parts.throttles.count(parts.db, internal.tenancy.id, *tries)
    account = await _prove(parts, internal, normal, password)

    async def work(conn: Connection) -> str:
        if not await conn.execute(queries.REDEEM_CODE, hash=_hash(parts.keyring, code), now=clock.now_millis()):
            raise SetupCodeInvalid
        user_id = await _ensure_administrator(conn, internal, account)
        await parts.throttles.give_back(conn, internal.tenancy.id, *tries)
        return user_id

    return await parts.db.write(work)


async def _prove(parts: Parts, internal: Project, email: NormalEmail, password: str) -> _Account:
    """The existing user whose password this is, or what a new one needs; hashing takes place outside of transactions."""
    known = await users.find_credential(parts.db, internal.tenancy, email)
    if known is None:
        require_long_enough(password)
        return _Account(None, email, await parts.hasher.hash(password))
    if not (await parts.hasher.verify(password, known.password_hash)).ok or known.password_hash is None:
        raise SetupPasswordMismatch
    return _Account(known.user_id, email, known.password_hash)


async def _ensure_administrator(conn: Connection, internal: Project, account: _Account) -> str:
    user_id = account.user_id
    if user_id is None:
        new = users.NewUser(primary_email=account.email, primary_email_auth_enabled=True, password_hash=account.password_hash)
        user_id = await users.create_user(conn, internal, new, now=clock.now_millis())
    elif not await users.replace_password(conn, internal.tenancy, user_id, account.password_hash, account.password_hash):
        raise SetupPasswordMismatch  # it was changed, or he was deleted, since it was verified
    await make_administrator(conn, internal, user_id)
    return user_id


async def make_administrator(conn: Connection, internal: Project, user_id: str) -> None:
    """Makes a user of `internal` an administrator; nothing changes for one who is. Part of a write transaction."""
    now = clock.now_millis()
    team_id = _team_of(internal)
    await teams.add_membership(conn, internal, team_id, user_id, now=now)
    await permissions.grant_team_permission(conn, internal.tenancy, team_id, user_id, TEAM_ADMIN, now=now)


async def seed_administrator(parts: Parts) -> bool:
    """Makes the administrator that settings name, unless there is one already; whether it did. Never resets a password.

    Somebody who signed up with this address beforehand has not proved that it is his: he must have this password (contract 15 §1).
    Raises SetupPasswordMismatch where he has not.
    """
    settings = parts.settings
    if settings.seed_admin_email is None or settings.seed_admin_password is None:
        return False
    internal = await internal_project(parts)
    if await teams.has_members(parts.db, internal.tenancy, _team_of(internal)):
        return False
    email = normalise_address(settings.seed_admin_email)
    known = await users.find_credential(parts.db, internal.tenancy, email)
    if known is None:
        account = _Account(None, email, await parts.hasher.hash(settings.seed_admin_password))
    else:
        account = await _prove(parts, internal, email, settings.seed_admin_password)
    await parts.db.write(lambda conn: _ensure_administrator(conn, internal, account))
    return True


async def internal_project(parts: Parts) -> Project:
    """The project whose users are the administrators; it is there since the first start."""
    internal = await parts.directory.find_project(INTERNAL_PROJECT_ID)
    if internal is None:
        msg = "the project internal is missing: start the server once"
        raise RuntimeError(msg)
    return internal


def _team_of(internal: Project) -> str:
    if internal.owner_team_id is None:
        msg = "the project internal has no owner team"
        raise RuntimeError(msg)
    return internal.owner_team_id
