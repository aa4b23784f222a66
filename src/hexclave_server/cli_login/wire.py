"""What requests and answers of the login of command lines look like (contract 02 §7)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.constraints import between
from hexclave_server.core.schema import Body, Wire

MAX_LIFETIME_MILLIS = 86_400_000
DEFAULT_LIFETIME_MILLIS = 7_200_000

LoginState = Literal["waiting", "success", "used", "expired"]


class CliLoginStart(Body):
    """A command line wants to sign in; it may have the session of an anonymous user already."""

    expires_in_millis: Annotated[float, between(most=MAX_LIFETIME_MILLIS)] = DEFAULT_LIFETIME_MILLIS
    anon_refresh_token: str | UnsetType = UNSET


class CliLoginCodes(Wire):
    """The command line keeps the polling code to itself and opens a page with the login code. `expires_at` is ISO 8601."""

    polling_code: str
    login_code: str
    expires_at: str


class CliLoginPoll(Body):
    """The command line asks whether somebody has confirmed."""

    polling_code: str


class CliLoginState(Wire):
    """How far a login is; with `success` comes the refresh token, once."""

    status: LoginState
    refresh_token: str | UnsetType = UNSET


class CliLoginCompletion(Body):
    """A page looks at a login, takes over its anonymous session, or hands its own session to the command line."""

    login_code: str
    mode: Literal["check", "claim-anon-session", "complete"] = "complete"
    refresh_token: str | UnsetType = UNSET


class CliLoginCompleted(Wire):
    """By mode: the state of the anonymous session; its tokens; success."""

    cli_session_state: Literal["anonymous", "none"] | UnsetType = UNSET
    access_token: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    success: bool | UnsetType = UNSET
