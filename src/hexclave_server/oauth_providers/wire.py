"""Links to accounts at providers on the wire (contract 03 §11): only servers read and write whose account it is at the provider."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.constraints import LenientEmail, NonEmpty, UserIdOrMe, Uuid, at_most
from hexclave_server.core.schema import Body, Wire

AccountId = Annotated[str, NonEmpty, at_most(1024)]
"""Short enough for the indexes of both databases."""
Email = Annotated[LenientEmail, NonEmpty, at_most(1024)]


class ClientOAuthProviderRead(Wire, kw_only=True):
    """A link as users see their own."""

    id: str
    user_id: str
    provider_config_id: str
    type: str
    email: str | UnsetType = UNSET
    allow_sign_in: bool
    allow_connected_accounts: bool


class ServerOAuthProviderRead(ClientOAuthProviderRead, kw_only=True):
    """A link with the account's id at the provider."""

    account_id: str


class ClientOAuthProviderList(Wire):
    """Links, oldest first."""

    items: list[ClientOAuthProviderRead]
    is_paginated: Literal[False] = False


class ServerOAuthProviderList(Wire):
    """Links, oldest first."""

    items: list[ServerOAuthProviderRead]
    is_paginated: Literal[False] = False


class OAuthProviderCreate(Body):
    """An account to link to a user."""

    user_id: UserIdOrMe
    provider_config_id: str
    account_id: AccountId
    allow_sign_in: bool
    allow_connected_accounts: bool
    email: Email | UnsetType = UNSET


class ClientOAuthProviderUpdate(Body):
    """What users may change of their own links."""

    allow_sign_in: bool | UnsetType = UNSET
    allow_connected_accounts: bool | UnsetType = UNSET


class ServerOAuthProviderUpdate(Body):
    """What servers may change of a link."""

    allow_sign_in: bool | UnsetType = UNSET
    allow_connected_accounts: bool | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    account_id: AccountId | UnsetType = UNSET


class OAuthProviderPath(Body):
    """The user and his link, by its own id, that the path names."""

    user_id: UserIdOrMe
    provider_id: Uuid


class OAuthProvidersQuery(Body):
    """Whose links. Endpoints on single links accept and ignore it."""

    user_id: UserIdOrMe | UnsetType = UNSET
