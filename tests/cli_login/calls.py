"""The calls of a command line that signs in, and of the page that lets it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.server import Project


def post(project: Project, path: str, body: Any = None, access: str = "client", **headers: str) -> httpx.Response:
    """POST /auth/cli…"""
    with project.http(access, **headers) as client:
        return client.post(f"/auth/cli{path}", json=body) if body is not None else client.post(f"/auth/cli{path}")


def start(project: Project, access: str = "client", **body: Any) -> dict[str, str]:
    """A login just started: `polling_code`, `login_code`, `expires_at`."""
    answer = post(project, "", body or None, access)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def poll(project: Project, login: dict[str, str]) -> httpx.Response:
    """The command line asks."""
    return post(project, "/poll", {"polling_code": login["polling_code"]})


def complete(project: Project, login: dict[str, str], mode: str | None = None, **body: Any) -> httpx.Response:
    """The page acts."""
    return post(project, "/complete", {"login_code": login["login_code"], **({} if mode is None else {"mode": mode}), **body})


def is_plain_400(answer: httpx.Response) -> bool:
    """Whether it is a refusal without a code."""
    assert answer.status_code < 500, answer.text
    return answer.status_code == 400 and "x-stack-known-error" not in answer.headers and answer.headers["content-type"].startswith("text/")


def session_of(project: Project, **user: Any) -> dict[str, Any]:
    """Tokens of a user made for the purpose."""
    made = project.create_user(**user)
    with project.http("server") as client:
        return {**client.post("/auth/sessions", json={"user_id": made["id"]}).json(), "user_id": made["id"]}


def anonymous(project: Project) -> dict[str, Any]:
    """Tokens of an anonymous user."""
    with project.http("client") as client:
        return client.post("/auth/anonymous/sign-up").json()  # type: ignore[no-any-return]
