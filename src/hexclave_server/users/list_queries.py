"""Statements on lists of users, one per combination of filters, each compiled once (contract 05 §2.4).

A page is read by position (time, id) from an index in the order asked for, so that it costs the same among a thousand and a million users.
Two things would make the planner sort instead, and are written so that it need not: a filter on one of the two columns before the time in
the index becomes two short pages, merged; members of a team are read from the memberships, and only they are sorted.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, and_, bindparam, false, literal, or_, select, true, tuple_, union_all

from hexclave_server.core.db import Query, contains, holds, join_in_order
from hexclave_server.users.queries import EMAIL, USER_COLUMNS, contact_channels, team_memberships, with_primary_and_team
from hexclave_server.users.tables import users

_NO_LIMIT = 2**62


class Who(enum.Enum):
    """Which users a list shows, by their state."""

    NORMAL = "normal"
    WITH_RESTRICTED = "with restricted"
    EVERYONE = "everyone"
    ANONYMOUS = "anonymous"


class ListShape(msgspec.Struct, frozen=True):
    """What decides the statement: everything but the values."""

    order_by: Literal["signed_up_at", "last_active_at"]
    descending: bool
    who: Who
    verified_only: bool
    in_team: bool
    searched: bool
    searched_id: bool
    from_position: bool
    limited: bool
    short: bool
    """Whether the page is short enough to be merged from two."""


FIND_POSITION = Query(
    select(users.c.signed_up_at, users.c.last_active_at).where(
        users.c.tenancy_id == bindparam("tenancy_id"), users.c.id == bindparam("cursor")
    )
)


@lru_cache(maxsize=1024)
def list_users(shape: ListShape) -> Query:
    """The statement for a combination of filters."""
    return Query(_merged(shape) if _needs_merging(shape) else _direct(shape))


def _needs_merging(shape: ListShape) -> bool:
    one_sided = shape.who in (Who.WITH_RESTRICTED, Who.ANONYMOUS)
    return one_sided and shape.short and not shape.in_team and not shape.searched


def _direct(shape: ListShape) -> Select[Any]:
    time: ColumnElement[int] = users.c[shape.order_by]
    source: FromClause = users
    conditions = [users.c.tenancy_id == bindparam("tenancy_id"), *_state(shape), *_search(shape), *_position(shape, time)]
    if shape.in_team:
        is_member = and_(team_memberships.c.tenancy_id == users.c.tenancy_id, team_memberships.c.user_id == users.c.id)
        source = join_in_order(team_memberships, users, is_member)
        conditions += [team_memberships.c.tenancy_id == bindparam("tenancy_id"), team_memberships.c.team_id == bindparam("team_id")]
        time = time + 0  # an expression: no index has this order, so the planner starts with the members
    statement = select(*USER_COLUMNS).select_from(with_primary_and_team(source)).where(*conditions)
    return _ordered(statement, shape, time, users.c.id)


def _merged(shape: ListShape) -> Select[Any]:
    """The first of those who are restricted by an administrator and of those who are not, merged in order."""
    time = users.c[shape.order_by]

    def one_side(restricted: ColumnElement[bool]) -> Select[Any]:
        side = select(users.c.id, time.label("time")).where(
            users.c.tenancy_id == bindparam("tenancy_id"),
            *_state(shape),
            users.c.restricted_by_admin == restricted,
            *_position(shape, time),
        )
        return select(_ordered(side, shape, time, users.c.id).subquery())

    keys = union_all(one_side(false()), one_side(true())).subquery("keys")
    source = join_in_order(keys, users, and_(users.c.tenancy_id == bindparam("tenancy_id"), users.c.id == keys.c.id))
    return _ordered(select(*USER_COLUMNS).select_from(with_primary_and_team(source)), shape, keys.c.time, keys.c.id)


def _ordered(statement: Select[Any], shape: ListShape, *order: ColumnElement[Any]) -> Select[Any]:
    statement = statement.order_by(*(column.desc() if shape.descending else column.asc() for column in order))
    return statement.limit(bindparam("limit", type_=BigInteger)) if shape.limited else statement


def _state(shape: ListShape) -> list[ColumnElement[bool]]:
    if shape.who is Who.EVERYONE:
        return []
    if shape.who is Who.ANONYMOUS:
        return [users.c.is_anonymous == true()]
    if shape.who is Who.WITH_RESTRICTED:
        return [users.c.is_anonymous == false()]
    conditions = [users.c.is_anonymous == false(), users.c.restricted_by_admin == false()]
    return [*conditions, _has_verified_email()] if shape.verified_only else conditions


def _has_verified_email() -> ColumnElement[bool]:
    channel = contact_channels.alias("verified_channel")
    return (
        select(channel.c.id)
        .where(
            channel.c.tenancy_id == users.c.tenancy_id,
            channel.c.user_id == users.c.id,
            channel.c.type == EMAIL,
            holds(channel.c.is_primary),
            channel.c.is_verified,
        )
        .exists()
    )


def _search(shape: ListShape) -> list[ColumnElement[bool]]:
    if not shape.searched:
        return []
    channel = contact_channels.alias("searched_channel")
    # Matching channels are collected first, in one pass. PostgreSQL expects a third of all to match, which it would not keep in a hash, but
    # look for anew for each user; of what a limit that it cannot see lets through it expects a tenth.
    with_channel = (
        select(channel.c.user_id)
        .where(channel.c.tenancy_id == bindparam("tenancy_id"), contains(channel.c.value, "text"))
        .limit(select(literal(_NO_LIMIT, BigInteger)).scalar_subquery())
    )
    ways = [contains(users.c.display_name_folded, "text"), users.c.id.in_(with_channel)]
    if shape.searched_id:
        ways.append(users.c.id == bindparam("searched_id"))
    return [or_(*ways)]


def _position(shape: ListShape, time: ColumnElement[int]) -> list[ColumnElement[bool]]:
    if not shape.from_position:
        return []
    here = tuple_(time, users.c.id)
    position = tuple_(bindparam("position_time", type_=BigInteger), bindparam("position_id", type_=users.c.id.type))
    return [here <= position if shape.descending else here >= position]
