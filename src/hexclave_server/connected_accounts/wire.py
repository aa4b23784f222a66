"""Connected accounts on the wire (contract 03 §10)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.constraints import UserIdOrMe
from hexclave_server.core.schema import Body, Wire


class UserPath(Body):
    """Whose accounts."""

    user_id: UserIdOrMe


class ConnectedProviderPath(Body):
    """A user, and a provider by its id in the project's configuration."""

    user_id: UserIdOrMe
    provider_id: str


class ConnectedAccountPath(Body):
    """A user's account, by its id at the provider."""

    user_id: UserIdOrMe
    provider_id: str
    provider_account_id: str


class OwnProviderPath(Body):
    """A provider by its id in the project's configuration."""

    provider_id: str


class ConnectedAccount(Wire):
    """An account of a user; `provider` is the provider's id in the project's configuration."""

    user_id: str
    provider: str
    provider_account_id: str


class ConnectedAccountList(Wire):
    """Connected accounts, oldest first."""

    items: list[ConnectedAccount]
    is_paginated: Literal[False] = False


class AccessTokenRequest(Body):
    """What the token must be good for: scopes of the provider, separated by spaces."""

    scope: str | UnsetType = UNSET


class ProviderAccessToken(Wire):
    """A token with which the provider may be asked in the user's name."""

    access_token: str
