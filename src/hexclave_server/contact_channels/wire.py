"""Contact channels on the wire (contract 05 §3): read by all alike, but only servers say that an address is verified."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.constraints import LenientEmail, NonEmpty, StrictEmail, Url, UserIdOrMe, Uuid, at_most
from hexclave_server.core.schema import Body, Wire

Address = Annotated[LenientEmail, NonEmpty, at_most(1024)]
"""An address to be stored: four times as long as any that can get mail, and short enough for the indexes of both databases."""


class ContactChannelRead(Wire):
    """An email address of a user."""

    id: str
    user_id: str
    type: Literal["email"]
    value: str
    is_primary: bool
    is_verified: bool
    used_for_auth: bool


class ContactChannelList(Wire):
    """Contact channels, oldest first."""

    items: list[ContactChannelRead]
    is_paginated: Literal[False] = False


class ClientContactChannelCreate(Body):
    """An address to add to a user."""

    user_id: UserIdOrMe
    type: Literal["email"]
    value: Address
    used_for_auth: bool
    is_primary: bool = False


class ServerContactChannelCreate(Body):
    """An address to add to a user."""

    user_id: UserIdOrMe
    type: Literal["email"]
    value: Address
    used_for_auth: bool
    is_primary: bool = False
    is_verified: bool = False


class ClientContactChannelUpdate(Body):
    """What a client may change of a contact channel; a new value, or the same again, is unverified."""

    type: Literal["email"] | UnsetType = UNSET
    value: Address | UnsetType = UNSET
    used_for_auth: bool | UnsetType = UNSET
    is_primary: bool | UnsetType = UNSET


class ServerContactChannelUpdate(Body):
    """What servers may change of a contact channel; a value without `is_verified` is unverified."""

    type: Literal["email"] | UnsetType = UNSET
    value: Address | UnsetType = UNSET
    used_for_auth: bool | UnsetType = UNSET
    is_primary: bool | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET


class ContactChannelPath(Body):
    """The user and his channel that the path names."""

    user_id: UserIdOrMe
    contact_channel_id: Uuid


class ContactChannelsQuery(Body):
    """Whose channels, and which. Endpoints on single channels accept and ignore both."""

    user_id: UserIdOrMe | UnsetType = UNSET
    contact_channel_id: Uuid | UnsetType = UNSET


class VerificationRequest(Body):
    """Where the link in the email leads; the code is added to it."""

    callback_url: Url


class PrimaryVerificationRequest(Body):
    """The older form: names the primary email instead of its channel."""

    email: StrictEmail
    callback_url: Url
