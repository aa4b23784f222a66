"""Statements on single users. Reading one is a single statement: it is the hottest path of the server.

Tables of other features are named as foreign keys name them, by their names; their features' services are imported so that they exist.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Label,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from hexclave_server.contact_channels import service as _contact_channels  # noqa: F401 - registers its table
from hexclave_server.core.db import Query, holds, json_array_of, metadata
from hexclave_server.oauth import service as _oauth  # noqa: F401 - registers its table
from hexclave_server.passkeys import service as _passkeys  # noqa: F401 - registers its table
from hexclave_server.teams import service as _teams  # noqa: F401 - registers its table
from hexclave_server.users.tables import users

EMAIL = "email"

contact_channels = metadata.tables["contact_channels"]
team_memberships = metadata.tables["team_memberships"]
_accounts = metadata.tables["oauth_accounts"]
_passkey = metadata.tables["passkeys"]
_primary = contact_channels.alias("primary_channel")
_team = metadata.tables["teams"].alias("selected_team")

_IS_PRIMARY_OF_USER = and_(
    _primary.c.tenancy_id == users.c.tenancy_id, _primary.c.user_id == users.c.id, _primary.c.type == EMAIL, holds(_primary.c.is_primary)
)


def with_primary_and_team(source: FromClause) -> FromClause:
    """The source of users with what `USER_COLUMNS` takes from other tables."""
    is_selected = and_(_team.c.tenancy_id == users.c.tenancy_id, _team.c.id == users.c.selected_team_id)
    return source.outerjoin(_primary, _IS_PRIMARY_OF_USER).outerjoin(_team, is_selected)


_THIS_USER = and_(users.c.tenancy_id == bindparam("tenancy_id"), users.c.id == bindparam("user_id"))


def _linked_accounts() -> ColumnElement[Any]:
    """The user's accounts at OAuth providers as a JSON array, oldest first."""
    return json_array_of(
        _accounts.c.provider_id.label("id"),
        _accounts.c.account_id,
        _accounts.c.email,
        where=and_(_accounts.c.tenancy_id == users.c.tenancy_id, _accounts.c.user_id == users.c.id),
        order_by=[_accounts.c.created_at, _accounts.c.id],
        within=_accounts,
    )


def _has_passkey() -> ColumnElement[bool]:
    """Whether the user has a passkey. Not EXISTS: for that, PostgreSQL would read all passkeys once and keep them in a hash."""
    of_user = and_(_passkey.c.tenancy_id == users.c.tenancy_id, _passkey.c.user_id == users.c.id)
    return select(_passkey.c.credential_id).where(of_user).limit(1).scalar_subquery().is_not(None)


USER_COLUMNS: tuple[ColumnElement[Any] | Label[Any], ...] = (
    users.c.id,
    users.c.display_name,
    _primary.c.value.label("primary_email"),
    _primary.c.is_verified.label("primary_email_verified"),
    _primary.c.used_for_auth.label("primary_email_auth_enabled"),
    users.c.profile_image_url,
    users.c.signed_up_at,
    users.c.last_active_at,
    users.c.password_hash.is_not(None).label("has_password"),
    users.c.otp_auth_enabled,
    _has_passkey().label("passkey_auth_enabled"),
    users.c.requires_totp_mfa,
    users.c.client_metadata,
    users.c.client_read_only_metadata,
    users.c.server_metadata,
    _linked_accounts().label("linked_accounts"),
    users.c.is_anonymous,
    users.c.restricted_by_admin,
    users.c.restricted_by_admin_reason,
    users.c.restricted_by_admin_private_details,
    users.c.country_code,
    users.c.risk_bot,
    users.c.risk_free_trial_abuse,
    _team.c.id.label("team_id"),
    _team.c.display_name.label("team_display_name"),
    _team.c.profile_image_url.label("team_profile_image_url"),
    _team.c.client_metadata.label("team_client_metadata"),
    _team.c.client_read_only_metadata.label("team_client_read_only_metadata"),
    _team.c.server_metadata.label("team_server_metadata"),
    _team.c.created_at.label("team_created_at"),
)

FIND_USER = Query(select(*USER_COLUMNS).select_from(with_primary_and_team(users)).where(_THIS_USER))
USER_EXISTS = Query(select(users.c.id).where(_THIS_USER))

FIND_TOKEN_SUBJECT = Query(
    select(
        users.c.id,
        users.c.display_name,
        _primary.c.value.label("primary_email"),
        _primary.c.is_verified.label("primary_email_verified"),
        users.c.selected_team_id,
        users.c.signed_up_at,
        users.c.is_anonymous,
        users.c.restricted_by_admin,
        users.c.requires_totp_mfa,
    )
    .select_from(users.outerjoin(_primary, _IS_PRIMARY_OF_USER))
    .where(_THIS_USER)
)
MARK_ACTIVE = Query(update(users).where(_THIS_USER).values(last_active_at=bindparam("now")))

_CREDENTIAL = (users.c.id.label("user_id"), users.c.password_hash, users.c.requires_totp_mfa)
FIND_CREDENTIAL = Query(select(*_CREDENTIAL).where(_THIS_USER))
FIND_CREDENTIAL_BY_EMAIL = Query(
    select(*_CREDENTIAL)
    .select_from(
        contact_channels.join(users, and_(users.c.tenancy_id == contact_channels.c.tenancy_id, users.c.id == contact_channels.c.user_id))
    )
    .where(
        contact_channels.c.tenancy_id == bindparam("tenancy_id"),
        contact_channels.c.type == EMAIL,
        contact_channels.c.value == bindparam("email"),
        holds(contact_channels.c.used_for_auth),
    )
)
SET_FIRST_PASSWORD = Query(
    update(users).where(_THIS_USER, users.c.password_hash.is_(None)).values(password_hash=bindparam("password_hash"))
)
REPLACE_PASSWORD = Query(
    update(users).where(_THIS_USER, users.c.password_hash == bindparam("former_hash")).values(password_hash=bindparam("password_hash"))
)


def _of_primary(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """By parameters, not by the user's row: in RETURNING SQLite's columns have no table's name, and would be those of the subquery."""
    of_user = and_(_primary.c.tenancy_id == bindparam("tenancy_id"), _primary.c.user_id == bindparam("user_id"))
    return select(column).where(of_user, _primary.c.type == EMAIL, holds(_primary.c.is_primary)).scalar_subquery()


USE_PASSWORD = Query(
    update(users)
    .where(_THIS_USER, users.c.password_hash == bindparam("former_hash"))
    .values(
        password_hash=bindparam("password_hash"),
        last_active_at=case((holds(users.c.requires_totp_mfa), users.c.last_active_at), else_=bindparam("now", type_=BigInteger())),
    )
    .returning(
        users.c.id,
        users.c.display_name,
        _of_primary(_primary.c.value).label("primary_email"),
        _of_primary(_primary.c.is_verified).label("primary_email_verified"),
        users.c.selected_team_id,
        users.c.signed_up_at,
        users.c.is_anonymous,
        users.c.restricted_by_admin,
        users.c.requires_totp_mfa,
    )
)

INSERT_USER = Query(insert(users))

LOCK_USER = Query(
    select(
        users.c.is_anonymous, users.c.password_hash.is_not(None).label("has_password"), users.c.otp_auth_enabled, users.c.requires_totp_mfa
    )
    .where(_THIS_USER)
    .with_for_update(of=users)
)
LOCK_SECOND_FACTOR = Query(
    select(users.c.totp_secret).where(_THIS_USER, users.c.requires_totp_mfa, users.c.totp_secret.is_not(None)).with_for_update(of=users)
)
ACCEPT_TOTP_STEP = Query(
    update(users)
    .where(
        _THIS_USER,
        or_(
            users.c.totp_last_step.is_(None),
            users.c.totp_last_step < bindparam("step"),
            users.c.totp_last_step > bindparam("latest_step"),
        ),
    )
    .values(totp_last_step=bindparam("step"))
)
DELETE_USER = Query(delete(users).where(_THIS_USER))


@lru_cache(maxsize=512)
def update_user(columns: frozenset[str]) -> Query:
    """The statement that sets these columns of one user."""
    return Query(update(users).where(_THIS_USER).values({name: bindparam(name) for name in sorted(columns)}))


SELECT_TEAM = Query(
    update(users)
    .where(
        _THIS_USER,
        select(team_memberships.c.team_id)
        .where(
            team_memberships.c.tenancy_id == bindparam("tenancy_id"),
            team_memberships.c.team_id == bindparam("team_id"),
            team_memberships.c.user_id == bindparam("user_id"),
        )
        .exists(),
    )
    .values(selected_team_id=bindparam("team_id"))
)

UPGRADE_ANONYMOUS = Query(
    update(users)
    .where(_THIS_USER, users.c.is_anonymous)
    .values(
        is_anonymous=false(),
        signed_up_at=bindparam("now"),
        country_code=func.coalesce(users.c.country_code, bindparam("country_code")),
        risk_bot=bindparam("risk_bot"),
        risk_free_trial_abuse=bindparam("risk_free_trial_abuse"),
    )
)
_DETAILS = users.c.restricted_by_admin_private_details
RESTRICT = Query(
    update(users)
    .where(_THIS_USER)
    .values(
        restricted_by_admin=true(),
        restricted_by_admin_private_details=func.coalesce(_DETAILS + "\n\n", "") + bindparam("details", type_=_DETAILS.type),
    )
)
