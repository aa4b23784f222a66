"""The list of all contact channels of a project when it is longer than a page: complete, in order, valid JSON (contract 05 §3.1)."""

from __future__ import annotations

import anyio

from tests.contact_channels.channels import body_of
from tests.server import Project
from tests.users.answers import ok

COUNT = 250
"""More than the server reads at a time, twice over."""


async def test_all_channels_come_in_order(own_project: Project) -> None:
    users = [own_project.create_user()["id"] for _ in range(4)]
    created: list[str] = []
    async with own_project.async_http("server") as server:
        async with anyio.create_task_group() as tasks:
            limiter = anyio.CapacityLimiter(16)

            async def create(number: int) -> None:
                async with limiter:
                    body = body_of(users[number % len(users)], f"{number}@example.com")
                    created.append(ok(await server.post("/contact-channels", json=body), 201)["id"])

            for number in range(COUNT):
                tasks.start_soon(create, number)
        listed = ok(await server.get("/contact-channels"))
        assert listed["is_paginated"] is False
        assert sorted(item["id"] for item in listed["items"]) == sorted(created)
        for user_id in users:
            own = ok(await server.get("/contact-channels", params={"user_id": user_id}))["items"]
            assert own == [item for item in listed["items"] if item["user_id"] == user_id]
