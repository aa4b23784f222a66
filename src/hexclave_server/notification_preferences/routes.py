"""Endpoints of notification preferences (contract 05 §4) and the page behind unsubscribe links (contract 08 §4)."""

from __future__ import annotations

from hexclave_server.core.constraints import utf16_length
from hexclave_server.core.context import Access, Call
from hexclave_server.core.db import Connection
from hexclave_server.core.endpoint import CLIENT, PUBLIC, endpoint
from hexclave_server.core.errors import PlainError
from hexclave_server.core.html import html_page
from hexclave_server.core.http import Response
from hexclave_server.core.known_errors import (
    CannotGetOwnUserWithoutUser,
    UserAuthenticationRequired,
    UserNotFound,
    VerificationCodeExpired,
    VerificationCodeMaxAttemptsReached,
    VerificationCodeNotFound,
)
from hexclave_server.core.limits import CHECK_SECRET, READ, WRITE
from hexclave_server.core.randomness import TOKEN_LENGTH
from hexclave_server.core.schema import NoQuery
from hexclave_server.notification_preferences.categories import find_category
from hexclave_server.notification_preferences.service import list_preferences, preference, store_preference
from hexclave_server.notification_preferences.unsubscribe import unsubscribe
from hexclave_server.notification_preferences.wire import (
    NotificationPreference,
    NotificationPreferenceList,
    NotificationPreferenceUpdate,
    PreferencePath,
    UnsubscribeQuery,
    UserPath,
)
from hexclave_server.users.token_subject import user_exists

_ERRORS = (CannotGetOwnUserWithoutUser, UserAuthenticationRequired, UserNotFound)


async def _require_own_user(call: Call, user_id: str) -> None:
    """Raises UserAuthenticationRequired or PlainError 403 for a client that does not act for its own user."""
    if call.access is not Access.CLIENT:
        return
    own_id = await call.live_user_id()
    if own_id is None:
        raise UserAuthenticationRequired
    if user_id != own_id:
        raise PlainError(403, "Clients may only use the notification preferences of their own user.")


@endpoint("GET /emails/notification-preference/{user_id}", access=CLIENT, limit=READ, tags=["Emails"], errors=_ERRORS)
async def list_notification_preferences(call: Call, path: UserPath, query: NoQuery) -> NotificationPreferenceList:  # noqa: ARG001
    """List which categories of email a user gets."""
    await _require_own_user(call, path.user_id)
    if not await user_exists(call.db, call.tenancy, path.user_id):
        raise UserNotFound
    return NotificationPreferenceList(items=await list_preferences(call.db, call.tenancy, path.user_id))


@endpoint(
    "PATCH /emails/notification-preference/{user_id}/{notification_category_id}",
    access=CLIENT,
    limit=WRITE,
    tags=["Emails"],
    errors=_ERRORS,
)
async def update_notification_preference(
    call: Call,
    path: PreferencePath,
    query: NoQuery,  # noqa: ARG001 - declared so that unknown parameters are refused
    body: NotificationPreferenceUpdate,
) -> NotificationPreference:
    """Switch a category of email on or off for a user."""
    category = find_category(path.notification_category_id)
    if category is None:
        raise PlainError(404, "There is no such notification category.")
    await _require_own_user(call, path.user_id)

    async def store(conn: Connection) -> None:
        await store_preference(conn, call.tenancy, path.user_id, category.id, enabled=body.enabled)

    await call.db.write(store)
    return preference(category, enabled=body.enabled)


@endpoint(
    "GET /emails/unsubscribe-link",
    access=PUBLIC,
    limit=CHECK_SECRET,
    media_type="text/html",
    tags=["Emails"],
    errors=[VerificationCodeNotFound, VerificationCodeExpired, VerificationCodeMaxAttemptsReached],
)
async def unsubscribe_by_link(call: Call, query: UnsubscribeQuery) -> Response:
    """Switch off the category of email that the link is for"""
    if utf16_length(query.code) != TOKEN_LENGTH:
        raise PlainError(400, "The link is incomplete: it needs a code of 45 characters.")
    if await unsubscribe(call, query.code):
        return html_page("Unsubscribed", "<h1>Unsubscribed</h1>\n<p>You will not get such emails any more.</p>")
    return html_page("Already unsubscribed", "<h1>Already unsubscribed</h1>\n<p>This link was used before; nothing has changed.</p>")


ENDPOINTS = [list_notification_preferences, update_notification_preference, unsubscribe_by_link]
