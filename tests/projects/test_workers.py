"""A change is seen by every worker of the node with the very next request (DESIGN 4.2)."""

from __future__ import annotations

import httpx

from tests.server import DatabaseKind, Project, RunningServer

REQUESTS = 30


def _answers(project: Project, headers: dict[str, str]) -> set[tuple[int, bool | None]]:
    """Status and `sign_up_enabled` of many requests, each on a connection of its own so that every worker answers some."""
    seen = set()
    for _ in range(REQUESTS):
        answer = httpx.get(f"{project.server.api_url}/projects/current", headers=headers)
        seen.add((answer.status_code, answer.json().get("config", {}).get("sign_up_enabled")))
    return seen


def test_revocation_and_configuration_reach_all_workers_at_once(database: DatabaseKind) -> None:
    with RunningServer(database, workers=2) as server:
        project = server.new_project()
        headers = project.headers("server")
        assert _answers(project, headers) == {(200, True)}
        for enabled in (False, True, False):
            project.configure(sign_up_enabled=enabled)
            assert _answers(project, headers) == {(200, enabled)}
        with project.http("admin") as client:
            (key_set,) = client.get("/internal/api-keys").json()["items"]
            assert client.patch(f"/internal/api-keys/{key_set['id']}", json={"revoked": True}).status_code == 200
        assert _answers(project, headers) == {(401, None)}
