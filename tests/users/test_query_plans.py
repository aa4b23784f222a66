"""No statement on users looks at more rows than it gives: plans refuse scans, and costs do not grow with the number of users."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from hexclave_server.contact_channels import queries as contact_channel_queries
from hexclave_server.core.db import Query
from hexclave_server.teams import queries as team_queries
from hexclave_server.users import list_queries
from hexclave_server.users import queries as user_queries
from hexclave_server.users.list_queries import ListShape, Who
from tests.server import DatabaseKind
from tests.users.crowds import MEMBERS, TENANCY, Planner, SqliteCrowd, postgres_crowd, uuid

FEW, MANY = 600, 12_000
ENOUGH_FOR_STATISTICS = 40_000
"""PostgreSQL scans what is small, and rightly so."""

ORDERS: tuple[Literal["signed_up_at", "last_active_at"], ...] = ("signed_up_at", "last_active_at")

PARAMS: dict[str, Any] = {
    "tenancy_id": TENANCY,
    "user_id": uuid(30),
    "team_id": uuid(30),
    "id": uuid(30),
    "cursor": uuid(30),
    "email": "user30@example.com",
    "value": "user30@example.com",
    "limit": 101,
    "step": 1,
    "latest_step": 2,
    "position_time": 100_000,
    "position_id": uuid(300),
    "text": "nobody",
    "searched_id": uuid(30),
}

STATEMENTS = {
    f"{module.__name__.split('.')[1]}.{name}": query
    for module in (user_queries, contact_channel_queries, team_queries, list_queries)
    for name, query in vars(module).items()
    if isinstance(query, Query) and not query.for_sqlite().sql.startswith("INSERT")
} | {"users.update_user": user_queries.update_user(frozenset(("display_name", "server_metadata")))}


def shapes(**fixed: bool) -> list[ListShape]:
    """Every combination of filters of a list that is not a search."""
    states = [(who, False) for who in Who] + [(Who.NORMAL, True)]
    return [
        ListShape(
            order_by=order,
            descending=descending,
            who=who,
            verified_only=verified,
            in_team=fixed.get("in_team", False),
            searched=fixed.get("searched", False),
            searched_id=fixed.get("searched", False),
            from_position=position,
            limited=fixed.get("limited", True),
            short=fixed.get("limited", True),
        )
        for order, descending, (who, verified), position in itertools.product(ORDERS, (False, True), states, (False, True))
    ]


def arguments(query: Query) -> dict[str, Any]:
    """A value for each parameter of the statement."""
    compiled = query.for_sqlite()
    kinds = {"is_": False, "risk_": 1, "used_for_auth": False, "now": 1}

    def value(name: str) -> Any:
        return PARAMS.get(name, next((kind for prefix, kind in kinds.items() if name.startswith(prefix)), "x"))

    names = compiled._given
    return {name: '"x"' if name.endswith("metadata") else value(name) for name in names}


@pytest.fixture(scope="module")
def crowd(database: DatabaseKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planner]:
    """A database of many users."""
    if database == "sqlite":
        yield SqliteCrowd(tmp_path_factory.mktemp("crowd"), MANY)
    else:
        with postgres_crowd(ENOUGH_FOR_STATISTICS) as filled:
            yield filled


def refuse_scans(plan: list[str]) -> None:
    """No step of the plan reads a whole table or index."""
    text = "\n".join(plan)
    tables = (
        "users",
        "contact_channels",
        "primary_channel",
        "verified_channel",
        "teams",
        "team_memberships",
        "oauth_accounts",
        "passkeys",
        "selected_team",
    )
    for line in plan:
        words = line.strip().removeprefix("->").strip()
        assert not words.startswith(("Seq Scan", "Parallel", "Bitmap")), text
        assert not any(words.startswith(f"SCAN {table}") for table in tables), text
        assert "AUTOMATIC" not in words, text
        if words.startswith("Index Cond"):
            assert "tenancy_id" in words or "id = " in words, text
        if words.startswith("SEARCH ") and "USING" in words:
            assert (
                "(tenancy_id=? AND" in words or "ix_users_signed_up_at (tenancy_id=?)" in words or "last_active_at (tenancy_id=?" in words
            ), text


@pytest.mark.parametrize("name", STATEMENTS)
def test_single_users_are_found_by_an_index(crowd: Planner, name: str) -> None:
    refuse_scans(crowd.plan(STATEMENTS[name], **arguments(STATEMENTS[name])))


def test_pages_are_read_in_the_order_of_an_index(crowd: Planner) -> None:
    for shape in shapes():
        query = list_queries.list_users(shape)
        plan = crowd.plan(query, **arguments(query))
        refuse_scans(plan)
        if shape.who in (Who.NORMAL, Who.EVERYONE):
            assert not any("TEMP B-TREE FOR ORDER BY" in line for line in plan), plan
            assert not plan[0].startswith(("Sort", "Incremental Sort")), plan
            assert not plan[1].strip().startswith("->  Sort"), plan


def test_a_team_is_read_from_its_memberships(crowd: Planner) -> None:
    for shape in shapes(in_team=True):
        query = list_queries.list_users(shape)
        plan = crowd.plan(query, **arguments(query))
        refuse_scans(plan)
        assert any("team_memberships" in line and ("(tenancy_id=? AND team_id=?)" in line or "Scan" in line) for line in plan), plan


def test_lists_without_a_limit_are_not_sorted(crowd: Planner) -> None:
    for shape in shapes(limited=False):
        query = list_queries.list_users(shape)
        plan = crowd.plan(query, **arguments(query))
        if isinstance(crowd, SqliteCrowd):
            assert not any("TEMP B-TREE FOR ORDER BY" in line for line in plan), plan


def test_a_search_collects_matching_channels_once(crowd: Planner) -> None:
    for shape in shapes(searched=True):
        query = list_queries.list_users(shape)
        plan = "\n".join(crowd.plan(query, **arguments(query)))
        assert "LIST SUBQUERY" in plan or "hashed SubPlan" in plan, plan


def test_cost_does_not_grow_with_the_number_of_users(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    few, many = SqliteCrowd(tmp_path / "few", FEW), SqliteCrowd(tmp_path / "many", MANY)
    lists = [list_queries.list_users(shape) for shape in (*shapes(), *shapes(in_team=True))]
    reads = [user_queries.FIND_USER, user_queries.FIND_TOKEN_SUBJECT, user_queries.FIND_CREDENTIAL_BY_EMAIL]
    for query in (*lists, *reads):
        params = arguments(query) | {"limit": 21} if "limit" in arguments(query) else arguments(query)
        rows, cost = few.steps(query, **params)
        rows_of_many, cost_of_many = many.steps(query, **params)
        assert 0 <= rows <= rows_of_many <= max(21, MEMBERS)
        allowed = cost * 1.15 + 300 if rows == rows_of_many else cost * 1.15 + (rows_of_many - rows) * 500 + 300
        assert cost_of_many <= allowed, (rows, cost, rows_of_many, cost_of_many, query.for_sqlite().sql)
