"""`GET /users`: one page, or everything in pages that memory never holds at once (contract 05 §2.4)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import msgspec
from msgspec import UNSET

from hexclave_server.core.constraints import is_uuid
from hexclave_server.core.context import Project
from hexclave_server.core.db import Database
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import Response, streamed_json_response
from hexclave_server.users import list_queries
from hexclave_server.users.list_queries import ListShape, Who
from hexclave_server.users.read import UserRow, server_user
from hexclave_server.users.restriction import verification_required
from hexclave_server.users.wire import Pagination, ServerUserList, ServerUserRead, UserListQuery

MAX_PAGE_IN_MEMORY = 1000
STREAMED_PAGE = 100

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_.-]")
_UUID_VERSION = 14


class _Position(msgspec.Struct, frozen=True):
    signed_up_at: int
    last_active_at: int


async def list_users(db: Database, project: Project, query: UserListQuery) -> ServerUserList | Response:
    """The users that match, from the cursor on. Raises PlainError 400 for `only_anonymous` without `include_anonymous`."""
    if query.only_anonymous == "true" and query.include_anonymous != "true":
        raise PlainError(400, "only_anonymous=true needs include_anonymous=true.")
    reader = _Reader(db, project, query)
    if not await reader.find_position():
        return _page([], None)
    limit = reader.limit
    if limit is None or limit > MAX_PAGE_IN_MEMORY:
        return await reader.read_long()
    return _page(*reader.cut(await reader.read_short()))


def _page(items: list[ServerUserRead], next_cursor: str | None) -> ServerUserList:
    return ServerUserList(items=items, is_paginated=True, pagination=Pagination(next_cursor=next_cursor))


class _Reader:
    """One list being read."""

    def __init__(self, db: Database, project: Project, query: UserListQuery) -> None:
        self._db = db
        self._query = query
        self._must_be_verified = verification_required(project.config)
        self._params: dict[str, Any] = {"tenancy_id": project.tenancy.id}
        self.limit: int | None = None if query.limit is UNSET else query.limit

    async def find_position(self) -> bool:
        """Where the cursor stands now; False for a cursor that is no user's id."""
        if self._query.cursor is UNSET:
            return True
        found = await self._db.first(
            _Position, list_queries.FIND_POSITION, tenancy_id=self._params["tenancy_id"], cursor=self._query.cursor
        )
        if found is None:
            return False
        time = found.signed_up_at if self._query.order_by == "signed_up_at" else found.last_active_at
        self._params |= {"position_time": time, "position_id": self._query.cursor}
        return True

    async def read_short(self) -> list[UserRow]:
        """The rows of a page and the one after it. A search reads much to find little, so it leaves the event loop."""
        shape = self._shape(short=True)
        statement = list_queries.list_users(shape)
        if not shape.searched:
            return await self._db.all(UserRow, statement, **self._params)
        return [row async for rows in self._db.pages(UserRow, statement, **self._params) for row in rows]

    async def read_long(self) -> ServerUserList | Response:
        """Everything that matches: at once when it is little, else written while it is read."""
        pages = self._db.pages(UserRow, list_queries.list_users(self._shape(short=False)), page=STREAMED_PAGE, **self._params)
        first = await anext(pages, None)
        second = await anext(pages, None) if first is not None else None
        if second is None:
            return _page(*self.cut(first or []))
        return streamed_json_response(self._written([first or [], second], pages))

    def cut(self, rows: list[UserRow]) -> tuple[list[ServerUserRead], str | None]:
        """The users of a page whose rows may hold the first of the next one, and that one's id."""
        next_cursor = rows[self.limit].id if self.limit is not None and len(rows) > self.limit else None
        return [server_user(row, email_must_be_verified=self._must_be_verified) for row in rows[: self.limit]], next_cursor

    async def _written(self, begun: list[list[UserRow]], pages: AsyncIterator[list[UserRow]]) -> AsyncGenerator[bytes]:
        """The JSON of the answer, a page at a time."""
        left = self.limit
        next_cursor = None
        separator = b'{"items":['
        async for rows in _chained(begun, pages):
            if left is not None and len(rows) > left:
                next_cursor = rows[left].id
            users = [server_user(row, email_must_be_verified=self._must_be_verified) for row in rows[:left]]
            if left is not None:
                left -= len(users)
            if users:
                yield separator + msgspec.json.encode(users)[1:-1]
                separator = b","
        yield b'],"is_paginated":true,"pagination":' + msgspec.json.encode(Pagination(next_cursor=next_cursor)) + b"}"

    def _shape(self, *, short: bool) -> ListShape:
        query = self._query
        who = _who(query)
        text = query.query.casefold()
        searched_id = _as_user_id(query.query)
        if self.limit is not None:
            self._params["limit"] = self.limit + 1
        if query.team_id is not UNSET:
            self._params["team_id"] = query.team_id
        if text:
            self._params["text"] = text
            if searched_id is not None:
                self._params["searched_id"] = searched_id
        return ListShape(
            order_by=query.order_by,
            descending=query.desc == "true",
            who=who,
            verified_only=who is Who.NORMAL and self._must_be_verified,
            in_team=query.team_id is not UNSET,
            searched=bool(text),
            searched_id=bool(text) and searched_id is not None,
            from_position=query.cursor is not UNSET,
            limited=self.limit is not None,
            short=short,
        )


async def _chained(begun: list[list[UserRow]], pages: AsyncIterator[list[UserRow]]) -> AsyncGenerator[list[UserRow]]:
    while begun:  # and let go of each
        yield begun.pop(0)
    async for rows in pages:
        yield rows


def _who(query: UserListQuery) -> Who:
    if query.only_anonymous == "true":
        return Who.ANONYMOUS
    if query.include_anonymous == "true":
        return Who.EVERYONE
    return Who.WITH_RESTRICTED if query.include_restricted == "true" else Who.NORMAL


def _as_user_id(text: str) -> str | None:
    """The user id that a search text is, once everything but letters, digits, `-`, `_` and `.` is taken out; else None."""
    bare = _NOT_IN_AN_ID.sub("", text)
    return bare if is_uuid(bare) and bare[_UUID_VERSION] == "4" else None
