"""Reading contact channels (contract 05 §3.1, §3.2): one, those of a user, or all of a project in pages that memory never holds at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

import msgspec

from hexclave_server.contact_channels import list_queries, queries
from hexclave_server.contact_channels.wire import ContactChannelList, ContactChannelRead
from hexclave_server.core.context import Tenancy
from hexclave_server.core.db import Connection, Database
from hexclave_server.core.http import Response, streamed_json_response

_PAGE = 100


class ChannelRow(msgspec.Struct, frozen=True):
    """A contact channel with its user."""

    id: str
    user_id: str
    value: str
    is_primary: bool
    is_verified: bool
    used_for_auth: bool


def channel_on_wire(row: ChannelRow) -> ContactChannelRead:
    """The channel as everybody reads it."""
    return ContactChannelRead(
        id=row.id,
        user_id=row.user_id,
        type="email",
        value=row.value,
        is_primary=row.is_primary,
        is_verified=row.is_verified,
        used_for_auth=row.used_for_auth,
    )


async def find_channel(conn: Connection, tenancy: Tenancy, user_id: str, channel_id: str) -> ChannelRow | None:
    """The channel if it belongs to this user, else None."""
    return await conn.first(ChannelRow, queries.FIND_OF_USER, tenancy_id=tenancy.id, user_id=user_id, id=channel_id)


async def list_channels(db: Database, tenancy: Tenancy, user_id: str | None, channel_id: str | None) -> ContactChannelList | Response:
    """The channels of the user, of everybody if None, oldest first; of them only the one with this id, if it is given."""
    if channel_id is not None:
        row = await db.first(ChannelRow, queries.FIND, tenancy_id=tenancy.id, id=channel_id)
        return _list([] if row is None or user_id not in (None, row.user_id) else [row])
    if user_id is not None:
        return _list(await db.all(ChannelRow, queries.LIST_OF_USER, tenancy_id=tenancy.id, user_id=user_id))
    pages = db.pages(ChannelRow, list_queries.LIST_ALL, page=_PAGE, tenancy_id=tenancy.id)
    first = await anext(pages, None)
    return _list([]) if first is None else streamed_json_response(_written(first, pages))


def _list(rows: list[ChannelRow]) -> ContactChannelList:
    return ContactChannelList(items=[channel_on_wire(row) for row in rows])


async def _written(first: list[ChannelRow], pages: AsyncIterator[list[ChannelRow]]) -> AsyncGenerator[bytes]:
    """The JSON of a long list, a page at a time."""
    yield b'{"items":[' + _items(first)
    async for rows in pages:
        yield b"," + _items(rows)
    yield b'],"is_paginated":false}'


def _items(rows: list[ChannelRow]) -> bytes:
    return msgspec.json.encode([channel_on_wire(row) for row in rows])[1:-1]
