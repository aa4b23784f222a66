"""Endpoints of contact channels (contract 05 §3)."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from hexclave_server.contact_channels import changes
from hexclave_server.contact_channels.address import normalise_address
from hexclave_server.contact_channels.claims import counted_claim, require_room, require_signed_in
from hexclave_server.contact_channels.read import channel_on_wire, find_channel, list_channels
from hexclave_server.contact_channels.rules import ChannelChange, ChannelState
from hexclave_server.contact_channels.verification import send_verification, send_verification_to_primary, verify_address
from hexclave_server.contact_channels.wire import (
    ClientContactChannelCreate,
    ClientContactChannelUpdate,
    ContactChannelList,
    ContactChannelPath,
    ContactChannelRead,
    ContactChannelsQuery,
    PrimaryVerificationRequest,
    ServerContactChannelCreate,
    ServerContactChannelUpdate,
    VerificationRequest,
)
from hexclave_server.core.context import Access, Call
from hexclave_server.core.endpoint import CLIENT, ByAccess, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Response, json_response
from hexclave_server.core.known_errors import (
    CannotGetOwnUserWithoutUser,
    ContactChannelAlreadyUsedForAuthBySomeoneElse,
    EmailAlreadyVerified,
    EmailIsNotPrimaryEmail,
    RedirectUrlNotWhitelisted,
    UserIdDoesNotExist,
    UserNotFound,
)
from hexclave_server.core.limits import CHECK_SECRET, READ, SEND_MESSAGE, WRITE
from hexclave_server.core.schema import Success
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS, MESSAGES, WRONG_TOKENS_BY_ADDRESS
from hexclave_server.users.token_subject import user_exists
from hexclave_server.verification_codes.service import CODE_ERRORS, CodeKind, try_code
from hexclave_server.verification_codes.wire import CodeBody, CodeIsValid

_CREATE = ByAccess(client=ClientContactChannelCreate, server=ServerContactChannelCreate)
_UPDATE = ByAccess(client=ClientContactChannelUpdate, server=ServerContactChannelUpdate)
_TAGS = ("Contact Channels",)
_OWN = (CannotGetOwnUserWithoutUser,)


async def _require_own_user(call: Call, user_id: str | UnsetType, status: int = 403) -> None:
    """Raises CannotGetOwnUserWithoutUser or PlainError for a client that does not act for its own user."""
    if call.access is not Access.CLIENT:
        return
    own_id = await call.live_user_id()
    if own_id is None:
        raise CannotGetOwnUserWithoutUser
    if user_id != own_id:
        raise PlainError(status, "Clients may only use the contact channels of their own user.")


@endpoint("GET /contact-channels", access=CLIENT, limit=READ, tags=_TAGS, returns=ContactChannelList, errors=_OWN)
async def list_contact_channels(call: Call, query: ContactChannelsQuery) -> Response:
    """List contact channels, oldest first."""
    await _require_own_user(call, query.user_id)
    user_id = None if query.user_id is UNSET else query.user_id
    channel_id = None if query.contact_channel_id is UNSET else query.contact_channel_id
    found = await list_channels(call.db, call.tenancy, user_id, channel_id)
    return found if isinstance(found, Response) else json_response(found)


@endpoint(
    "POST /contact-channels",
    access=CLIENT,
    limit=WRITE,
    throttle=GUESSES_BY_ADDRESS,
    tags=_TAGS,
    status=201,
    body=_CREATE,
    errors=[*_OWN, UserNotFound, ContactChannelAlreadyUsedForAuthBySomeoneElse],
)
async def create_contact_channel(
    call: Call,
    query: ContactChannelsQuery,  # noqa: ARG001 - accepted and ignored
    body: ClientContactChannelCreate | ServerContactChannelCreate,
) -> ContactChannelRead:
    """Add an email address to a user."""
    await _require_own_user(call, body.user_id)
    is_verified = isinstance(body, ServerContactChannelCreate) and body.is_verified
    wanted = ChannelState(normalise_address(body.value), body.is_primary, is_verified, body.used_for_auth)
    await require_signed_in(call)
    await require_room(call, body.user_id, body.value)
    async with counted_claim(call, is_claim=body.used_for_auth):
        return channel_on_wire(await changes.create_channel(call.parts, call.tenancy, body.user_id, wanted))


@endpoint("GET /contact-channels/{user_id}/{contact_channel_id}", access=CLIENT, limit=READ, tags=_TAGS, errors=_OWN)
async def read_contact_channel(call: Call, path: ContactChannelPath, query: ContactChannelsQuery) -> ContactChannelRead:  # noqa: ARG001
    """Get a contact channel."""
    await _require_own_user(call, path.user_id)
    row = await find_channel(call.db, call.tenancy, path.user_id, path.contact_channel_id)
    if row is None:
        raise PlainError(404, "The user has no such contact channel.")
    return channel_on_wire(row)


@endpoint(
    "PATCH /contact-channels/{user_id}/{contact_channel_id}",
    access=CLIENT,
    limit=WRITE,
    throttle=GUESSES_BY_ADDRESS,
    tags=_TAGS,
    body=_UPDATE,
    errors=[*_OWN, ContactChannelAlreadyUsedForAuthBySomeoneElse],
)
async def update_contact_channel(
    call: Call,
    path: ContactChannelPath,
    query: ContactChannelsQuery,  # noqa: ARG001 - accepted and ignored
    body: ClientContactChannelUpdate | ServerContactChannelUpdate,
) -> ContactChannelRead:
    """Change a contact channel."""
    await _require_own_user(call, path.user_id)
    value = UNSET if body.value is UNSET else normalise_address(body.value)
    is_verified = body.is_verified if isinstance(body, ServerContactChannelUpdate) else UNSET
    change = ChannelChange(value, body.is_primary, is_verified, body.used_for_auth)
    await require_signed_in(call)
    async with counted_claim(call, is_claim=value is not UNSET or body.used_for_auth is True):
        return channel_on_wire(await changes.update_channel(call.parts, call.tenancy, path.user_id, path.contact_channel_id, change))


@endpoint("DELETE /contact-channels/{user_id}/{contact_channel_id}", access=CLIENT, limit=WRITE, tags=_TAGS, errors=_OWN)
async def delete_contact_channel(call: Call, path: ContactChannelPath, query: ContactChannelsQuery) -> Success:  # noqa: ARG001
    """Remove an email address from a user."""
    await _require_own_user(call, path.user_id)
    await require_signed_in(call)
    await changes.delete_channel(call.parts, call.tenancy, path.user_id, path.contact_channel_id)
    return Success()


@endpoint(
    "POST /contact-channels/{user_id}/{contact_channel_id}/send-verification-code",
    access=CLIENT,
    limit=SEND_MESSAGE,
    throttle=MESSAGES,
    tags=_TAGS,
    errors=[*_OWN, UserIdDoesNotExist, EmailAlreadyVerified, RedirectUrlNotWhitelisted],
)
async def send_verification_code(call: Call, path: ContactChannelPath, body: VerificationRequest) -> Success:
    """Send a verification link to a contact channel"""
    await _require_own_user(call, path.user_id, status=400)
    if call.access is not Access.CLIENT and not await user_exists(call.db, call.tenancy, path.user_id):
        raise UserIdDoesNotExist(user_id=path.user_id)
    await send_verification(call, path.user_id, path.contact_channel_id, body.callback_url)
    return Success()


@endpoint(
    "POST /contact-channels/send-verification-code",
    access=CLIENT,
    user_required=True,
    limit=SEND_MESSAGE,
    throttle=MESSAGES,
    tags=_TAGS,
    errors=[EmailIsNotPrimaryEmail, EmailAlreadyVerified, RedirectUrlNotWhitelisted],
)
async def send_verification_code_to_primary(call: Call, body: PrimaryVerificationRequest) -> Success:
    """Send a verification link to the user's primary email (deprecated)"""
    await send_verification_to_primary(call, call.required_user_id, body.email, body.callback_url)
    return Success()


@endpoint(
    "POST /contact-channels/verify",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=_TAGS,
    errors=CODE_ERRORS,
)
async def verify_contact_channel(call: Call, body: CodeBody) -> Success:
    """Verify an email address with the code that was sent to it"""
    await verify_address(call, body.code)
    return Success()


@endpoint(
    "POST /contact-channels/verify/check-code",
    access=CLIENT,
    limit=CHECK_SECRET,
    throttle=WRONG_TOKENS_BY_ADDRESS,
    tags=_TAGS,
    errors=CODE_ERRORS,
)
async def check_verification_code(call: Call, body: CodeBody) -> CodeIsValid:
    """Check a verification code without using it up"""
    await try_code(call, CodeKind.CONTACT_CHANNEL, body.code)
    return CodeIsValid()


ENDPOINTS = [
    list_contact_channels,
    create_contact_channel,
    read_contact_channel,
    update_contact_channel,
    delete_contact_channel,
    send_verification_code,
    send_verification_code_to_primary,
    verify_contact_channel,
    check_verification_code,
]
