"""`POST /users`: a server creates a user with any state it likes (contract 05 §1.3 to §1.9, §2.5)."""

from __future__ import annotations

from msgspec import UNSET, structs

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Access, Parts, Project
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import PlainError
from hexclave_server.users.create import NewAccount, NewUser, create_user
from hexclave_server.users.primary_email import change_of, decide_primary_email
from hexclave_server.users.profile_image import accept_profile_image
from hexclave_server.users.read import get_user, server_user
from hexclave_server.users.restriction import verification_required
from hexclave_server.users.wire import ServerUserRead, UserCreate
from hexclave_server.users.write_rules import (
    encrypted_totp_secret,
    given,
    new_password_hash,
    require_consistent,
    require_otp_allowed,
    require_password_allowed,
    stored_json,
)


async def create_user_by_server(parts: Parts, project: Project, access: Access, body: UserCreate) -> ServerUserRead:
    """Creates a user and returns him as he was before he got his personal team (contract 05 §2.5).

    Raises SchemaError, PlainError 400 and UserEmailAlreadyExists by the rules of contract 05 §1.3 to §1.9.
    """
    require_consistent(body)
    new = await _new_user(parts, project, access, body)
    now = clock.now_millis()

    async def create(conn: Connection) -> ServerUserRead:
        user_id = await create_user(conn, project, new, now=now)
        row = await get_user(conn, project.tenancy, user_id)
        user = server_user(row, email_must_be_verified=verification_required(project.config))
        return structs.replace(user, selected_team_id=None, selected_team=None)

    return await parts.db.write(create)


async def _new_user(parts: Parts, project: Project, access: Access, body: UserCreate) -> NewUser:
    user_id = randomness.new_uuid()
    primary = decide_primary_email(None, change_of(body))
    accounts = _accounts(project, body)
    if body.otp_auth_enabled is True:
        require_otp_allowed(project.config)
    if body.password_hash is not UNSET or isinstance(body.password, str):
        require_password_allowed(project.config)
    image = body.profile_image_url
    secret = body.totp_secret_base64
    risk = None if body.risk_scores is UNSET else body.risk_scores.sign_up
    return NewUser(
        id=user_id,
        display_name=given(body.display_name),
        profile_image_url=None if image is UNSET else accept_profile_image(image, access),
        primary_email=None if primary is None else primary.address,
        primary_email_verified=primary is not None and primary.verified is True,
        primary_email_auth_enabled=primary is not None and primary.used_for_auth,
        password_hash=await new_password_hash(parts, project.tenancy, body),
        otp_auth_enabled=body.otp_auth_enabled is True,
        totp_secret=None if secret is UNSET else encrypted_totp_secret(parts, project.tenancy, user_id, secret),
        client_metadata=stored_json(body.client_metadata),
        client_read_only_metadata=stored_json(body.client_read_only_metadata),
        server_metadata=stored_json(body.server_metadata),
        is_anonymous=body.is_anonymous is True,
        restricted_by_admin=body.restricted_by_admin is True,
        restricted_by_admin_reason=given(body.restricted_by_admin_reason),
        restricted_by_admin_private_details=given(body.restricted_by_admin_private_details),
        country_code=given(body.country_code),
        risk_bot=0 if risk is None else risk.bot,
        risk_free_trial_abuse=0 if risk is None else risk.free_trial_abuse,
        accounts=accounts,
    )


def _accounts(project: Project, body: UserCreate) -> tuple[NewAccount, ...]:
    """The accounts to link. Raises PlainError 400 for a provider that the project has not, or one named twice."""
    if body.oauth_providers is UNSET:
        return ()
    configured = project.config["auth"]["oauth"]["providers"]
    named = [entry.id for entry in body.oauth_providers]
    for provider_id in named:
        if provider_id not in configured:
            raise PlainError(400, f"The project has no OAuth provider {provider_id!r}.")
        if named.count(provider_id) > 1:
            raise PlainError(400, f"A user can have one account at {provider_id!r} when created.")
    return tuple(NewAccount(entry.id, entry.account_id, entry.email) for entry in body.oauth_providers)
