"""The list of all links of a project when it is longer than a page: complete, in order, valid JSON (contract 03 §11)."""

from __future__ import annotations

import anyio
import pytest

from tests.oauth_providers.links import body_of, links_of, new_shop
from tests.server import RunningServer
from tests.users.answers import ok

COUNT = 250
"""More than the server reads at a time, twice over."""


@pytest.mark.parametrize("forgotten", [0, 120])
async def test_all_links_come_in_order(server: RunningServer, forgotten: int) -> None:
    """Of some, the first page and more, the provider is gone, and they are left out."""
    project = new_shop(server)
    project.override("environment", **{"auth.oauth.providers.corporate": {"type": "github", "isShared": True}})
    users = [project.create_user()["id"] for _ in range(4)]
    created: list[str] = []
    async with project.async_http("server") as client:
        limiter = anyio.CapacityLimiter(16)

        async def create(number: int) -> None:
            async with limiter:
                provider = "corporate" if number < forgotten else "github"
                body = body_of(users[number % len(users)], provider_config_id=provider, allow_sign_in=False)
                link = ok(await client.post("/oauth-providers", json=body), 201)
                if number >= forgotten:
                    created.append(link["id"])

        for numbers in (range(forgotten), range(forgotten, COUNT)):
            async with anyio.create_task_group() as tasks:
                for number in numbers:
                    tasks.start_soon(create, number)
        project.override("environment", **{"auth.oauth.providers.corporate": None})
        listed = ok(await client.get("/oauth-providers"))
    assert listed["is_paginated"] is False
    assert sorted(item["id"] for item in listed["items"]) == sorted(created)
    for user_id in users:
        assert links_of(project, user_id) == [item for item in listed["items"] if item["user_id"] == user_id]
