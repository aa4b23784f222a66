"""Unsubscribe links (contract 08 §4): a code, and nothing else, switches off one category for one user, once."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import httpx
import pytest

from hexclave_server.emails.service import Category
from hexclave_server.notification_preferences.unsubscribe import create_unsubscribe_link
from tests.attacks.inside import opened
from tests.notification_preferences.test_preferences import PATH, both
from tests.server import NO_TLS, DatabaseKind, Project, RunningServer, running_server
from tests.users.answers import known_error, ok, plain_error

MONTH_MILLIS = 30 * 24 * 60 * 60 * 1000


async def link_for(project: Project, user_id: str, category: Category = Category.MARKETING) -> str:
    """A link as an email would have it."""
    async with opened(project.server) as inside:
        tenancy = await inside.tenancy(project.id)
        return await inside.database.write(
            lambda conn: create_unsubscribe_link(conn, inside.keyring, project.server.base_url, tenancy, user_id, category)
        )


def follow(link: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """Opens the link as a browser does: no headers of ours."""
    return httpx.get(link, headers=headers, verify=NO_TLS, timeout=60)


def page(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def preferences(project: Project, user_id: str) -> object:
    with project.http("server") as server:
        return ok(server.get(f"{PATH}/{user_id}"))


async def test_a_link_switches_one_category_off_once(project: Project) -> None:
    user_id = project.create_user()["id"]
    link = await link_for(project, user_id)
    assert link.startswith(f"{project.server.base_url}/api/v1/emails/unsubscribe-link?code=")
    assert "<h1>Unsubscribed" in page(follow(link + "&utm_source=mail"))
    assert preferences(project, user_id) == both(True, False)
    with project.http("server") as server:
        ok(server.patch(f"{PATH}/{user_id}/4f6f8873-3d04-46bd-8bef-18338b1a1b4c", json={"enabled": True}))
    assert "<h1>Already unsubscribed" in page(follow(link))
    assert preferences(project, user_id) == both(True, True)


async def test_the_code_is_good_in_any_case_and_with_credentials_of_another_project(project: Project, own_project: Project) -> None:
    user_id = project.create_user()["id"]
    base, _, code = (await link_for(project, user_id)).partition("=")
    assert "<h1>Unsubscribed" in page(follow(f"{base}={code.upper()}", own_project.headers("server")))
    assert preferences(project, user_id) == both(True, False)


async def test_of_many_visits_at_once_one_unsubscribes(project: Project) -> None:
    user_id = project.create_user()["id"]
    link = await link_for(project, user_id)
    pages: list[str] = []
    async with httpx.AsyncClient(verify=NO_TLS, timeout=60) as browser, anyio.create_task_group() as tasks:

        async def visit() -> None:
            pages.append(page(await browser.get(link)))

        for _ in range(10):
            tasks.start_soon(visit)
    assert sum("<h1>Unsubscribed" in text for text in pages) == 1
    assert preferences(project, user_id) == both(True, False)


@pytest.mark.parametrize("query", ["", "?code=", "?code=short", "?code=" + "0" * 46, "?cod=" + "0" * 45])
def test_a_link_without_a_whole_code(server: RunningServer, query: str) -> None:
    plain_error(follow(f"{server.api_url}/emails/unsubscribe-link{query}"), 400)


async def test_codes_that_are_none(project: Project) -> None:
    path = f"{project.server.api_url}/emails/unsubscribe-link?code="
    known_error(follow(path + "0" * 45), 404, "VERIFICATION_CODE_NOT_FOUND")
    user_id = project.create_user()["id"]
    link = await link_for(project, user_id)
    wrong = link[: len(path)] + ("000000" if link[len(path) :][:6] != "000000" else "111111") + link[len(path) + 6 :]
    known_error(follow(wrong), 404, "VERIFICATION_CODE_NOT_FOUND")
    assert preferences(project, user_id) == both(True, True)


async def test_the_code_of_a_deleted_user_is_none(project: Project) -> None:
    user_id = project.create_user()["id"]
    link = await link_for(project, user_id)
    with project.http("server") as server:
        ok(server.delete(f"/users/{user_id}"))
    known_error(follow(link), 404, "VERIFICATION_CODE_NOT_FOUND")


async def test_it_is_no_code_for_anything_else(project: Project) -> None:
    user_id = project.create_user()["id"]
    link = await link_for(project, user_id)
    with project.http("client") as client:
        code = link.partition("=")[2]
        for path in ("/contact-channels/verify", "/contact-channels/verify/check-code"):
            known_error(client.post(path, json={"code": code}), 404, "VERIFICATION_CODE_NOT_FOUND")
    assert preferences(project, user_id) == both(True, True)


@pytest.fixture
def own_server(database: DatabaseKind) -> Iterator[RunningServer]:
    """A server whose clock the test moves."""
    with running_server(database) as running:
        yield running


async def test_a_link_is_good_for_thirty_days(own_server: RunningServer) -> None:
    project = own_server.new_project()
    user_id = project.create_user()["id"]
    late, later = await link_for(project, user_id), await link_for(project, user_id, Category.TRANSACTIONAL)
    own_server.shift_clock(MONTH_MILLIS - 60_000)
    assert "<h1>Unsubscribed" in page(follow(late))
    own_server.shift_clock(MONTH_MILLIS + 1000)
    known_error(follow(later), 400, "VERIFICATION_CODE_EXPIRED")
    assert preferences(project, user_id) == both(True, False)
