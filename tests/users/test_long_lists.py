"""Lists longer than a page in memory: complete, in order, valid JSON, and no more memory than short ones (D12)."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import httpx
import psutil
import pytest

from tests.server import DatabaseKind, Project, RunningServer
from tests.users.answers import ok

COUNT = 2000
PADDING = "x" * 20_000
FLAT = (
    28 * 1024 * 1024
)  # of 40 MB that are sent: a few pages of 2 MB each, in the forms that they pass through, and what an allocator keeps


@pytest.fixture(scope="module")
def alone(database: DatabaseKind) -> Iterator[RunningServer]:
    """A server that nothing else was asked of, whose memory says something."""
    with RunningServer(database) as server:
        yield server


@pytest.fixture(scope="module")
def many(alone: RunningServer) -> Project:
    project = alone.new_project()

    async def create() -> None:
        async with project.async_http("server") as client, anyio.create_task_group() as group:
            limiter = anyio.CapacityLimiter(32)

            async def one(i: int) -> None:
                async with limiter:
                    ok(await client.post("/users", json={"display_name": f"User {i}", "client_metadata": PADDING}), 201)

            for i in range(COUNT):
                group.start_soon(one, i)

    anyio.run(create)
    return project


def resident(server: RunningServer) -> int:
    """Resident memory of the server's processes without what they share with each other, in bytes."""
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    return sum(process.memory_full_info().uss for process in [parent, *parent.children(recursive=True)])


def test_everything_comes_in_order(many: Project) -> None:
    with many.http("server") as client:
        body = ok(client.get("/users"))
        assert body["is_paginated"] is True
        assert body["pagination"] == {"next_cursor": None}
        keys = [(user["signed_up_at_millis"], user["id"]) for user in body["items"]]
        assert len(keys) == COUNT
        assert keys == sorted(keys)
        by_limit = ok(client.get("/users", params={"limit": "1200", "desc": "true", "query": "user"}))
        assert [user["id"] for user in by_limit["items"]] == [id_ for _, id_ in reversed(keys)][:1200]
        assert by_limit["pagination"]["next_cursor"] == keys[COUNT - 1200 - 1][1]
        exact = ok(client.get("/users", params={"limit": str(COUNT)}))
        assert (len(exact["items"]), exact["pagination"]["next_cursor"]) == (COUNT, None)


def test_memory_stays_flat(many: Project) -> None:
    with many.http("server") as client:
        ok(client.get("/users", params={"limit": "100"}))
        before = resident(many.server)
        highest = before
        with client.stream("GET", "/users", params={"include_anonymous": "true"}) as answer:
            assert "content-length" not in answer.headers
            size = 0
            for chunk in answer.iter_bytes(1 << 20):
                size += len(chunk)
                highest = max(highest, resident(many.server))
    assert size > COUNT * len(PADDING)
    print(f"{before // 1024} KiB before, {(highest - before) // 1024} KiB more")
    assert highest - before < FLAT


def test_a_reader_who_leaves_costs_nothing(many: Project) -> None:
    for _ in range(12):
        with many.http("server") as client, client.stream("GET", "/users") as answer:
            assert answer.status_code == 200
            next(answer.iter_bytes(1024))
    with many.http("server") as client:
        assert len(ok(client.get("/users"))["items"]) == COUNT


def test_other_requests_are_answered_meanwhile(many: Project) -> None:
    with many.http("server") as slow, many.http("server") as quick:
        user_id = ok(quick.get("/users", params={"limit": "1"}))["items"][0]["id"]
        with slow.stream("GET", "/users") as answer:
            chunks = answer.iter_bytes(1024)
            next(chunks)
            for _ in range(5):
                ok(quick.get(f"/users/{user_id}"))
                assert quick.patch(f"/users/{user_id}", json={"country_code": "AT"}).status_code == 200
            assert isinstance(httpx.Response(200, content=b"".join(chunks)).content, bytes)
