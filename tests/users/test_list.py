"""`GET /users`: filters, order, cursors (contract 05 §2.4) and tampering with them (D12)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.server import Project, RunningServer
from tests.users.answers import NOBODY, SERVER_FIELDS, known_error, names_field, ok, plain_error

KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"is_anonymous": True},
    {"restricted_by_admin": True},
    {"is_anonymous": True, "restricted_by_admin": True},
)


@pytest.fixture(scope="module")
def crowd(server: RunningServer) -> Project:
    """A project of 24 users: normal, anonymous, restricted, both; each with a name and an address."""
    project = server.new_project()
    for i in range(24):
        project.create_user(display_name=f"User {i:02}", primary_email=f"u{i:02}@crowd.example", **KINDS[i % 4])
    return project


@pytest.fixture
def client(crowd: Project) -> Iterator[httpx.Client]:
    with crowd.http("server") as client:
        yield client


def numbers(body: Any) -> list[int]:
    return [int(user["display_name"][5:]) for user in body["items"]]


def walk(client: httpx.Client, limit: int, **params: str) -> list[int]:
    """All users, page by page."""
    found: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        body = ok(client.get("/users", params={"limit": str(limit), **params, **cursor}))
        assert len(body["items"]) <= limit
        found += numbers(body)
        if body["pagination"]["next_cursor"] is None:
            return found
        assert len(body["items"]) == limit
        cursor = {"cursor": body["pagination"]["next_cursor"]}


FILTERS: list[tuple[dict[str, str], set[int]]] = [
    ({}, {0}),
    ({"include_restricted": "true"}, {0, 2}),
    ({"include_anonymous": "true"}, {0, 1, 2, 3}),
    ({"include_anonymous": "true", "include_restricted": "true"}, {0, 1, 2, 3}),
    ({"include_anonymous": "true", "only_anonymous": "true"}, {1, 3}),
]


@pytest.mark.parametrize(("filters", "kinds"), FILTERS, ids=str)
@pytest.mark.parametrize("order", ["signed_up_at", "last_active_at"])
@pytest.mark.parametrize("desc", ["false", "true"])
def test_each_filter_lists_its_users_in_order(
    client: httpx.Client, filters: dict[str, str], kinds: set[int], order: str, desc: str
) -> None:
    everyone = ok(client.get("/users", params={"include_anonymous": "true", "order_by": order, "desc": desc}))
    assert set(everyone["items"][0]) == SERVER_FIELDS
    keys = [(user[f"{order}_millis"], user["id"]) for user in everyone["items"]]
    assert keys == sorted(keys, reverse=desc == "true")
    expected = [n for n in numbers(everyone) if n % 4 in kinds]
    body = ok(client.get("/users", params={**filters, "order_by": order, "desc": desc}))
    assert (body["is_paginated"], body["pagination"]) == (True, {"next_cursor": None})
    assert numbers(body) == expected
    for limit in (1, 5, 6, 24, 1000):
        assert walk(client, limit, order_by=order, desc=desc, **filters) == expected


def test_the_cursor_is_the_first_user_of_the_page(client: httpx.Client) -> None:
    first = ok(client.get("/users", params={"limit": "2"}))
    second = ok(client.get("/users", params={"limit": "2", "cursor": first["pagination"]["next_cursor"]}))
    assert second["items"][0]["id"] == first["pagination"]["next_cursor"]
    upper = ok(client.get("/users", params={"limit": "2", "cursor": first["pagination"]["next_cursor"].upper()}))
    assert upper == second


def test_a_user_whom_the_filters_exclude_is_a_position_all_the_same(client: httpx.Client) -> None:
    everyone = ok(client.get("/users", params={"include_anonymous": "true"}))["items"]
    for user in everyone:
        n = int(user["display_name"][5:])
        assert numbers(ok(client.get("/users", params={"cursor": user["id"]}))) == [m for m in range(0, 24, 4) if m >= n]
        backwards = ok(client.get("/users", params={"cursor": user["id"], "desc": "true", "limit": "3"}))
        assert numbers(backwards) == [m for m in range(20, -1, -4) if m <= n][:3]


def test_an_unknown_cursor_gives_an_empty_page(client: httpx.Client, project: Project) -> None:
    for cursor in (NOBODY, "00000000-0000-0000-0000-000000000000", project.create_user()["id"]):
        for limit in ({}, {"limit": "5"}):
            body = ok(client.get("/users", params={"cursor": cursor, **limit}))
            assert (body["items"], body["pagination"]["next_cursor"]) == ([], None)


@pytest.mark.parametrize(
    "params",
    [
        *({"limit": limit} for limit in ("0", "-1", "1.5", "x", "", "null", "9" * 400)),
        *({"cursor": cursor} for cursor in ("x", "", "me", "1' OR '1'='1", NOBODY + "0")),
        *({"order_by": order} for order in ("id", "signed_up_at desc", "", "SIGNED_UP_AT")),
        *({"desc": desc} for desc in ("1", "TRUE", "", "yes")),
        *({name: "1"} for name in ("include_restricted", "include_anonymous", "only_anonymous")),
        {"team_id": "x"},
        {"offset": "1"},
    ],
    ids=str,
)
def test_parameters_that_do_not_fit_are_named(client: httpx.Client, params: dict[str, str]) -> None:
    names_field(client.get("/users", params=params), "query")


def test_a_huge_limit_is_fine(client: httpx.Client) -> None:
    assert numbers(ok(client.get("/users", params={"limit": str(10**9)}))) == list(range(0, 24, 4))
    assert numbers(ok(client.get("/users", params={"limit": "1e9"}))) == list(range(0, 24, 4))


def test_only_anonymous_needs_include_anonymous(client: httpx.Client) -> None:
    plain_error(client.get("/users", params={"only_anonymous": "true"}), 400)
    assert len(ok(client.get("/users", params={"only_anonymous": "false"}))["items"]) == 6


def test_search_by_name_address_or_id(client: httpx.Client) -> None:
    everyone = {"include_anonymous": "true"}
    assert numbers(ok(client.get("/users", params={"query": "USER 1", **everyone}))) == list(range(10, 20))
    assert numbers(ok(client.get("/users", params={"query": "U07@Crowd", **everyone}))) == [7]
    assert len(ok(client.get("/users", params={"query": "", **everyone}))["items"]) == 24
    some = ok(client.get("/users", params={"query": "u12@"}))["items"][0]
    for text in (some["id"], f"  ({some['id']})! "):
        assert [user["id"] for user in ok(client.get("/users", params={"query": text}))["items"]] == [some["id"]]
    for text in (some["id"].upper(), some["id"][:-1], "nothing like this"):
        assert ok(client.get("/users", params={"query": text}))["items"] == []
    assert walk(client, 3, query="user", include_anonymous="true") == list(range(24))
    assert walk(client, 2, query="user", desc="true") == [20, 16, 12, 8, 4, 0]


def test_search_finds_channels_that_are_not_primary(own_project: Project) -> None:
    user = own_project.create_user(primary_email="first@x", primary_email_auth_enabled=True)
    with own_project.http("server") as client:
        ok(client.patch(f"/users/{user['id']}", json={"primary_email": "second@x"}))
        assert [each["id"] for each in ok(client.get("/users", params={"query": "first@"}))["items"]] == [user["id"]]


def test_a_team_lists_its_members(own_project: Project) -> None:
    own_project.configure(create_team_on_sign_up=True)
    members = [own_project.sign_up() for _ in range(2)]
    with own_project.http("server") as client:
        teams = [ok(client.get(f"/users/{user['user_id']}"))["selected_team_id"] for user in members]
        for user, team_id in zip(members, teams, strict=True):
            for extra in ({}, {"limit": "1"}, {"include_restricted": "true", "limit": "7"}, {"desc": "true", "query": user["email"]}):
                body = ok(client.get("/users", params={"team_id": team_id, **extra}))
                assert [each["id"] for each in body["items"]] == [user["user_id"]]
                assert body["pagination"]["next_cursor"] is None
        assert ok(client.get("/users", params={"team_id": NOBODY}))["items"] == []
        assert ok(client.get("/users", params={"team_id": teams[0], "query": members[1]["email"]}))["items"] == []
    with own_project.server.project.http("server") as other:
        assert ok(other.get("/users", params={"team_id": teams[0], "include_anonymous": "true"}))["items"] == []


def test_required_verification_hides_who_is_not_verified(own_project: Project) -> None:
    for i, verified in enumerate((True, False)):
        own_project.create_user(display_name=f"User {i}", primary_email=f"{i}@x", primary_email_verified=verified)
    own_project.create_user(display_name="User 2", restricted_by_admin=True, primary_email="2@x", primary_email_verified=True)
    own_project.create_user(display_name="User 3")
    own_project.override("branch", onboarding__requireEmailVerification=True)
    with own_project.http("server") as client:
        assert numbers(ok(client.get("/users"))) == numbers(ok(client.get("/users", params={"limit": "4"}))) == [0]
        assert numbers(ok(client.get("/users", params={"include_restricted": "true"}))) == [0, 1, 2, 3]
        assert numbers(ok(client.get("/users", params={"include_anonymous": "true", "limit": "9"}))) == [0, 1, 2, 3]


def test_users_of_one_millisecond_are_neither_lost_nor_repeated(own_project: Project) -> None:
    server = own_project.server
    ids = sorted(own_project.create_user()["id"] for _ in range(12))
    with own_project.http("server") as client:
        for desc in ("false", "true"):
            for order in ("signed_up_at", "last_active_at"):
                seen: list[str] = []
                cursor: str | None = None
                while cursor is not None or not seen:
                    page = {"limit": "1", "desc": desc, "order_by": order} | ({"cursor": cursor} if cursor else {})
                    body = ok(client.get("/users", params=page))
                    seen += [user["id"] for user in body["items"]]
                    cursor = body["pagination"]["next_cursor"]
                assert sorted(seen) == ids
    assert server.log().count("Traceback") == 0


def test_clients_list_nobody(project: Project) -> None:
    with project.http("client", project.sign_up()["access_token"]) as client:
        details = {"actual_access_type": "client", "allowed_access_types": ["server", "admin"]}
        known_error(client.get("/users", params={"limit": "x"}), 401, "INSUFFICIENT_ACCESS_TYPE", details)


def test_other_projects_users_are_never_listed(crowd: Project, own_project: Project) -> None:
    mine = own_project.create_user(display_name="User 99")
    with own_project.http("server") as client:
        for params in ({}, {"query": "user"}, {"include_anonymous": "true", "limit": "50"}, {"query": str(uuid.uuid4())}):
            items = ok(client.get("/users", params=params))["items"]
            assert [user["id"] for user in items] in ([mine["id"]], [])
