"""`PATCH` of a user, by himself or by a server (contract 05 §1.3 to §1.8): one transaction that holds the user's row from its start."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from hexclave_server.contact_channels import service as contact_channels
from hexclave_server.contact_channels.service import NormalEmail, SignInAddresses
from hexclave_server.core import clock
from hexclave_server.core.context import Access, Parts, Project
from hexclave_server.core.db import Connection, UniqueViolation
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import TeamMembershipNotFound, UserNotFound
from hexclave_server.mfa import service as mfa
from hexclave_server.passkeys import service as passkeys
from hexclave_server.security_notices.addresses import notify_of_addresses
from hexclave_server.security_notices.service import Event, notify
from hexclave_server.sessions import service as sessions
from hexclave_server.teams import service as teams
from hexclave_server.users import queries
from hexclave_server.users.primary_email import PrimaryEmailChange, address_is_taken, change_of, change_primary_email
from hexclave_server.users.profile_image import accept_profile_image
from hexclave_server.users.read import UserRow, get_user, user_on_wire
from hexclave_server.users.wire import ClientUserRead, ClientUserUpdate, ServerUserRead, ServerUserUpdate
from hexclave_server.users.write_rules import (
    encrypted_totp_secret,
    given,
    new_password_hash,
    require_consistent,
    require_otp_allowed,
    require_password_allowed,
    stored_json,
)
from hexclave_server.verification_codes.service import CodeKind, void_codes


class _Locked(msgspec.Struct, frozen=True):
    """What the rules of an update ask of the user as he is."""

    is_anonymous: bool
    has_password: bool
    otp_auth_enabled: bool
    requires_totp_mfa: bool


async def update_user(
    parts: Parts, project: Project, user_id: str, access: Access, body: ClientUserUpdate | ServerUserUpdate
) -> ClientUserRead | ServerUserRead:
    """Changes what the body names and returns the user in the shape of the access type.

    Raises SchemaError, PlainError 400, UserNotFound, UserEmailAlreadyExists and TeamMembershipNotFound by contract 05 §1.3 to §1.8.
    """
    update = await _Update.prepare(parts, project, user_id, access, body)
    try:
        row = await parts.db.write(update.apply)
    except UniqueViolation:  # somebody else got the address between our look and our write
        raise address_is_taken(await update.contested_address()) from None
    parts.outbox.wake()
    return user_on_wire(row, access, project.config)


def _as_server_update(body: ClientUserUpdate | ServerUserUpdate) -> ServerUserUpdate:
    """A client may say less, but what it says means the same."""
    if isinstance(body, ServerUserUpdate):
        return body
    return ServerUserUpdate(**{name: getattr(body, name) for name in body.__struct_fields__})


class _Update:
    """One update on its way: what was computed before the transaction, and the steps inside it."""

    def __init__(self, parts: Parts, project: Project, user_id: str, body: ServerUserUpdate) -> None:
        self._parts = parts
        self._project = project
        self._tenancy = project.tenancy
        self._user_id = user_id
        self._body = body
        self._email: PrimaryEmailChange = change_of(body)
        self._columns: dict[str, Any] = {}
        self._password_hash: str | None = None

    @classmethod
    async def prepare(
        cls, parts: Parts, project: Project, user_id: str, access: Access, body: ClientUserUpdate | ServerUserUpdate
    ) -> _Update:
        """Checks what needs no transaction, and hashes. An unknown user costs no hash."""
        update = cls(parts, project, user_id, _as_server_update(body))
        require_consistent(update._body)
        if update._body.passkey_auth_enabled is True:
            raise PlainError(400, "A passkey can only be added by registering it.")
        update._columns = update._plain_columns(access)
        if update._body.password_hash is not UNSET or isinstance(update._body.password, str):
            if await parts.db.value(queries.USER_EXISTS, tenancy_id=project.tenancy.id, user_id=user_id) is None:
                raise UserNotFound
            update._password_hash = await new_password_hash(parts, project.tenancy, update._body)
        return update

    async def apply(self, conn: Connection) -> UserRow:
        """The transaction."""
        locked = await conn.first(_Locked, queries.LOCK_USER, tenancy_id=self._tenancy.id, user_id=self._user_id)
        if locked is None:
            raise UserNotFound
        now = clock.now_millis()
        columns = dict(self._columns)
        if self._body.otp_auth_enabled is True and not locked.otp_auth_enabled:
            require_otp_allowed(self._project.config)
        await self._change_what_signs_in(conn, locked, columns, now)
        if self._body.is_anonymous is False and locked.is_anonymous:
            columns.update(is_anonymous=False, signed_up_at=now)
            await self._rename_personal_teams(conn)
        await self._select_team(conn, columns)
        if columns:
            await conn.execute(queries.update_user(frozenset(columns)), tenancy_id=self._tenancy.id, user_id=self._user_id, **columns)
        return await get_user(conn, self._tenancy, self._user_id)

    async def _change_what_signs_in(self, conn: Connection, locked: _Locked, columns: dict[str, Any], now: int) -> None:
        """Address, password and factors. All notices of one request go to the address that was primary before it."""
        body = self._body
        credentials = (body.password, body.password_hash, body.totp_secret_base64, body.passkey_auth_enabled)
        if self._email.is_empty and all(value is UNSET for value in credentials):
            return
        before = await contact_channels.find_sign_in_addresses(conn, self._tenancy, self._user_id)
        if not self._email.is_empty:
            await change_primary_email(conn, self._tenancy, self._user_id, self._email, now)
            await notify_of_addresses(conn, self._parts, self._tenancy, self._user_id, before)
        await self._set_password(conn, locked, columns, before)
        await self._end_former_factors(conn, locked, before)

    async def contested_address(self) -> NormalEmail:
        """The address that somebody else took while this update ran."""
        if isinstance(self._email.address, str):
            return self._email.address
        primary = await contact_channels.find_primary(self._parts.db, self._tenancy, self._user_id)
        return NormalEmail("" if primary is None else primary.value)

    def _plain_columns(self, access: Access) -> dict[str, Any]:
        """The columns that take the body's value as it is."""
        body = self._body
        columns: dict[str, Any] = {}
        if body.display_name is not UNSET:
            name = given(body.display_name)
            columns.update(display_name=name, display_name_folded=None if name is None else name.casefold())
        if body.profile_image_url is not UNSET:
            columns["profile_image_url"] = accept_profile_image(body.profile_image_url, access)
        for name in ("client_metadata", "client_read_only_metadata", "server_metadata"):
            value = getattr(body, name)
            if value is not UNSET:
                columns[name] = stored_json(value)
        if body.otp_auth_enabled is not UNSET:
            columns["otp_auth_enabled"] = body.otp_auth_enabled
        if body.totp_secret_base64 is not UNSET:
            columns["totp_secret"] = encrypted_totp_secret(self._parts, self._tenancy, self._user_id, body.totp_secret_base64)
            columns.update(requires_totp_mfa=body.totp_secret_base64 is not None, totp_last_step=None)
        if body.country_code is not UNSET:
            columns["country_code"] = body.country_code
        if body.risk_scores is not UNSET:
            risk = body.risk_scores.sign_up
            columns.update(risk_bot=risk.bot, risk_free_trial_abuse=risk.free_trial_abuse)
        return columns | self._restriction_columns()

    def _restriction_columns(self) -> dict[str, Any]:
        body = self._body
        columns: dict[str, Any] = {}
        if body.restricted_by_admin_reason is not UNSET:
            columns["restricted_by_admin_reason"] = given(body.restricted_by_admin_reason)
        if body.restricted_by_admin_private_details is not UNSET:
            columns["restricted_by_admin_private_details"] = given(body.restricted_by_admin_private_details)
        if body.restricted_by_admin is not UNSET:
            columns["restricted_by_admin"] = body.restricted_by_admin
            if not body.restricted_by_admin:
                columns.update(restricted_by_admin_reason=None, restricted_by_admin_private_details=None)
        return columns

    async def _set_password(self, conn: Connection, locked: _Locked, columns: dict[str, Any], before: SignInAddresses) -> None:
        """Sets, replaces or removes the password; sessions and codes to reset it end, and the user is told (contract 05 §1.6)."""
        if self._body.password is UNSET and self._body.password_hash is UNSET:
            return
        if self._password_hash is not None and not locked.has_password:
            require_password_allowed(self._project.config)
            if await contact_channels.find_primary(conn, self._tenancy, self._user_id) is None:
                raise PlainError(400, "A user needs a primary email before he can have a password.")
        columns["password_hash"] = self._password_hash
        await sessions.end_all_sessions(conn, self._tenancy, self._user_id)
        await void_codes(conn, self._tenancy, CodeKind.PASSWORD_RESET, self._user_id)
        if locked.has_password or self._password_hash is not None:
            await self._tell(conn, Event.PASSWORD, before)

    async def _end_former_factors(self, conn: Connection, locked: _Locked, before: SignInAddresses) -> None:
        """What the former second factor and the former passkeys were good for ends with them, and the user is told."""
        tenancy, user_id, secret = self._tenancy, self._user_id, self._body.totp_secret_base64
        if secret is not UNSET and (secret is not None or locked.requires_totp_mfa):
            await mfa.end_attempts(conn, tenancy, user_id)
            if secret is None:
                await mfa.delete_recovery_codes(conn, tenancy, user_id)
            await self._tell(conn, Event.SECOND_FACTOR, before)
        if self._body.passkey_auth_enabled is False and await passkeys.delete_passkeys(conn, tenancy, user_id):
            await mfa.end_attempts(conn, tenancy, user_id)
            await self._tell(conn, Event.PASSKEY, before)

    async def _tell(self, conn: Connection, event: Event, before: SignInAddresses) -> None:
        """Queues a notice to the address that was primary before, if there was one."""
        address = before.primary
        await notify(conn, self._parts, self._tenancy, self._user_id, event, address=address, is_verified=address in before.verified)

    async def _rename_personal_teams(self, conn: Connection) -> None:
        """After the names in this very body, as the contract says (§1.7); none in it leaves the default name."""
        email = self._email.address if isinstance(self._email.address, str) else None
        name = teams.personal_team_name(given(self._body.display_name), email)
        if name != teams.DEFAULT_PERSONAL_TEAM_NAME:
            await teams.rename_personal_teams(conn, self._tenancy, self._user_id, name)

    async def _select_team(self, conn: Connection, columns: dict[str, Any]) -> None:
        team_id = self._body.selected_team_id
        if team_id is None:
            columns["selected_team_id"] = None
        elif team_id is not UNSET:
            selected = await conn.execute(queries.SELECT_TEAM, tenancy_id=self._tenancy.id, user_id=self._user_id, team_id=team_id)
            if selected == 0:
                raise TeamMembershipNotFound(team_id=team_id, user_id=self._user_id)
