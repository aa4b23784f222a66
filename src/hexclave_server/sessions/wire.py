"""What requests and answers about sessions look like (contract 01 §1.2, §3 to §7)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Raw, UnsetType

from hexclave_server.core.constraints import UserIdOrMe, Uuid, between
from hexclave_server.core.jws import PublicJwk
from hexclave_server.core.schema import Body, Wire

MAX_LIFETIME_MILLIS = 31_708_800_000
DEFAULT_LIFETIME_MILLIS = 31_536_000_000

Switch = Literal["true", "false"]


class KeySetPath(Body):
    """The project whose key set is asked for."""

    project_id: str


class KeySetQuery(Body):
    """Which user types' keys are asked for besides those of normal users."""

    include_restricted: Switch = "false"
    include_anonymous: Switch = "false"


class KeySet(Wire):
    """A JWK set (RFC 7517 §5)."""

    keys: list[PublicJwk]


class WellKnownPath(Body):
    """A document under the well-known path of a project's anonymous users."""

    project_id: str
    path: str


class SessionsQuery(Body):
    """Whose sessions are asked for."""

    user_id: UserIdOrMe


class SessionPath(Body):
    """One session."""

    id: Uuid


class SessionQuery(Body):
    """Accepted for older clients; the value means nothing."""

    user_id: UserIdOrMe | UnsetType = UNSET


class SessionCreate(Body):
    """A session that a server creates for a user."""

    user_id: UserIdOrMe
    expires_in_millis: Annotated[float, between(1, MAX_LIFETIME_MILLIS)] = DEFAULT_LIFETIME_MILLIS
    is_impersonation: bool = False


class SessionRead(Wire):
    """A session as its user and administrators see it; times in epoch milliseconds, although the names do not say so."""

    id: str
    user_id: str
    created_at: int
    last_used_at: int
    is_impersonation: bool
    is_current_session: bool
    last_used_at_end_user_ip_info: Raw | UnsetType = UNSET


class SessionList(Wire):
    """All sessions of a user, the newest first."""

    items: list[SessionRead]
    is_paginated: bool = False


class Tokens(Wire):
    """The two tokens of a new session."""

    refresh_token: str
    access_token: str


class SignedInUser(Tokens):
    """The tokens of a new session, whose it is, and whether the user was created for it."""

    is_new_user: bool
    user_id: str


class AccessToken(Wire):
    """A fresh access token."""

    access_token: str


class Success(Wire):
    """The answer of what succeeded and has nothing to say."""

    success: bool = True
