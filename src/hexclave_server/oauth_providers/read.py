"""Reading links to accounts at providers (contract 03 §11): one, those of a user, or all of a project in pages that memory never holds at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import msgspec
from msgspec import UNSET

from hexclave_server.core.context import Access, Call, Project
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Response, json_response, streamed_json_response
from hexclave_server.core.known_errors import UserNotFound
from hexclave_server.oauth import accounts
from hexclave_server.oauth.accounts import AccountRow
from hexclave_server.oauth_providers.wire import ClientOAuthProviderRead, ServerOAuthProviderRead
from hexclave_server.providers.oauth.registry import KNOWN_TYPES
from hexclave_server.users.token_subject import user_exists


def no_such_link() -> PlainError:
    """A link that is not there, or is another user's."""
    return PlainError(404, "The user has no such OAuth provider.")


def find_type(project: Project, provider_id: str) -> str | None:
    """The type of a provider: as configured, else the id itself where it is a type, so that links outlive the configuration."""
    entry = project.config["auth"]["oauth"]["providers"].get(provider_id)
    if entry is not None:
        return str(entry["type"])
    return provider_id if provider_id in KNOWN_TYPES else None


def require_type(project: Project, row: AccountRow) -> str:
    """Raises PlainError 404 for a link to a provider that is not configured any more, and of no known type."""
    kind = find_type(project, row.provider_id)
    if kind is None:
        raise PlainError(404, "The project does not have the provider of this link any more.")
    return kind


def link_on_wire(project: Project, access: Access, row: AccountRow) -> ClientOAuthProviderRead:
    """The link as the caller may see it. Raises PlainError 404 (`require_type`)."""
    return _on_wire(access, row, require_type(project, row))


async def get_link(call: Call, user_id: str, link_id: str) -> ClientOAuthProviderRead:
    """The user's link. Raises UserNotFound, PlainError 404."""
    row = await accounts.find(call.db, call.tenancy, user_id, link_id)
    if row is None:
        await _require_user(call, user_id)
        raise no_such_link()
    return link_on_wire(call.project, call.access, row)


async def list_links(call: Call, user_id: str | None) -> Response:
    """The links of the user, of everybody if None, oldest first; without those whose type is not known. Raises UserNotFound."""
    if user_id is not None:
        rows = await accounts.list_of_user(call.db, call.tenancy, user_id)
        if not rows:
            await _require_user(call, user_id)
        return json_response({"items": _shown(call, rows), "is_paginated": False})
    pages = accounts.pages_of_all(call.db, call.tenancy)
    first: list[AccountRow] = await anext(pages, [])  # before the answer begins, so that it can still be an error
    return streamed_json_response(_written(call, first, pages))


async def _require_user(call: Call, user_id: str) -> None:
    if not await user_exists(call.db, call.tenancy, user_id):
        raise UserNotFound


def _shown(call: Call, rows: Sequence[AccountRow]) -> list[ClientOAuthProviderRead]:
    typed = ((row, find_type(call.project, row.provider_id)) for row in rows)
    return [_on_wire(call.access, row, kind) for row, kind in typed if kind is not None]


def _on_wire(access: Access, row: AccountRow, kind: str) -> ClientOAuthProviderRead:
    if access is Access.CLIENT:
        return ClientOAuthProviderRead(
            id=row.id,
            user_id=row.user_id,
            provider_config_id=row.provider_id,
            type=kind,
            email=UNSET if row.email is None else row.email,
            allow_sign_in=row.allow_sign_in,
            allow_connected_accounts=row.allow_connected_accounts,
        )
    return ServerOAuthProviderRead(
        id=row.id,
        user_id=row.user_id,
        provider_config_id=row.provider_id,
        type=kind,
        email=UNSET if row.email is None else row.email,
        allow_sign_in=row.allow_sign_in,
        allow_connected_accounts=row.allow_connected_accounts,
        account_id=row.account_id,
    )


async def _written(call: Call, first: Sequence[AccountRow], pages: AsyncIterator[list[AccountRow]]) -> AsyncGenerator[bytes]:
    """The JSON of a long list, a page at a time."""
    written = _items(call, first)
    yield b'{"items":[' + written
    async for rows in pages:
        items = _items(call, rows)
        yield b"," + items if written and items else items
        written = written or items
    yield b'],"is_paginated":false}'


def _items(call: Call, rows: Sequence[AccountRow]) -> bytes:
    return msgspec.json.encode(_shown(call, rows))[1:-1]
