"""Clients act for their own user alone."""

from __future__ import annotations

from msgspec import UnsetType

from hexclave_server.core.context import Access, Call
from hexclave_server.core.errors import PlainError
from hexclave_server.core.known_errors import CannotGetOwnUserWithoutUser


async def require_own_user(call: Call, user_id: str | UnsetType) -> None:
    """Raises CannotGetOwnUserWithoutUser or PlainError 403 for a client that does not act for its own user."""
    if call.access is not Access.CLIENT:
        return
    own_id = await call.live_user_id()
    if own_id is None:
        raise CannotGetOwnUserWithoutUser
    if user_id != own_id:
        raise PlainError(403, "Clients may only use what belongs to their own user.")
