"""The primary email: the table of contract 05 §1.5, over HTTP."""

from __future__ import annotations

from typing import Any

import anyio
import httpx

from tests.server import Project, new_email
from tests.users.answers import known_error, ok, plain_error


def email_of(user: dict[str, Any]) -> tuple[str | None, bool, bool]:
    return user["primary_email"], user["primary_email_verified"], user["primary_email_auth_enabled"]


def test_a_new_address_takes_over_sign_in_but_not_verification(project: Project) -> None:
    user = project.sign_up()
    second = new_email()
    with project.http("client", user["access_token"]) as client, project.http("server") as server:
        ok(server.patch(f"/users/{user['user_id']}", json={"primary_email_verified": True}))
        changed = ok(client.patch("/users/me", json={"primary_email": second.upper()}))
        assert (changed["primary_email"], changed["primary_email_verified"]) == (second, False)
        assert email_of(ok(server.get(f"/users/{user['user_id']}"))) == (second, False, True)
        for address in (second, user["email"]):  # the old one stays a channel and keeps its flags
            ok(client.post("/auth/password/sign-in", json={"email": address, "password": user["password"]}))
        back = ok(server.patch(f"/users/{user['user_id']}", json={"primary_email": user["email"]}))
        assert email_of(back) == (user["email"], True, True)


def test_naming_the_present_address_again_changes_nothing(project: Project, as_server: httpx.Client) -> None:
    email = new_email()
    user = project.create_user(primary_email=email, primary_email_verified=True, primary_email_auth_enabled=True)
    assert ok(as_server.patch(f"/users/{user['id']}", json={"primary_email": email.upper()})) == user


def test_null_demotes_and_ignores_flags(project: Project, as_server: httpx.Client) -> None:
    email = new_email()
    user = project.create_user(primary_email=email, primary_email_verified=True, primary_email_auth_enabled=True)
    body = {"primary_email": None, "primary_email_verified": True, "primary_email_auth_enabled": True}
    assert email_of(ok(as_server.patch(f"/users/{user['id']}", json=body))) == (None, False, False)
    assert email_of(ok(as_server.patch(f"/users/{user['id']}", json={"primary_email": None}))) == (None, False, False)
    # the demoted channel kept its verification; sign-in follows the old primary, and there is none
    assert email_of(ok(as_server.patch(f"/users/{user['id']}", json={"primary_email": email}))) == (email, True, False)


def test_flags_alone_concern_the_present_address(project: Project, as_server: httpx.Client) -> None:
    path = f"/users/{project.create_user(primary_email='flags@x')['id']}"
    assert email_of(ok(as_server.patch(path, json={"primary_email_verified": True}))) == ("flags@x", True, False)
    assert email_of(ok(as_server.patch(path, json={"primary_email_verified": False}))) == ("flags@x", False, False)


def test_flags_without_an_address(project: Project, as_server: httpx.Client) -> None:
    user = project.create_user()
    for flag in ("primary_email_verified", "primary_email_auth_enabled"):
        plain_error(as_server.patch(f"/users/{user['id']}", json={flag: True}), 400)
        assert ok(as_server.patch(f"/users/{user['id']}", json={flag: False})) == user


def test_somebody_elses_sign_in_address_is_refused(project: Project, as_server: httpx.Client) -> None:
    taken, own = new_email(), new_email()
    project.create_user(primary_email=taken, primary_email_auth_enabled=True)
    details = {"email": taken, "would_work_if_email_was_verified": False}
    signing_in = project.create_user(primary_email=own, primary_email_auth_enabled=True)
    known_error(as_server.patch(f"/users/{signing_in['id']}", json={"primary_email": taken}), 409, "USER_EMAIL_ALREADY_EXISTS", details)
    assert ok(as_server.get(f"/users/{signing_in['id']}")) == signing_in
    without = ok(as_server.patch(f"/users/{signing_in['id']}", json={"primary_email": taken, "primary_email_auth_enabled": False}))
    assert email_of(without) == (taken, False, False)
    turned_on = as_server.patch(f"/users/{signing_in['id']}", json={"primary_email_auth_enabled": True})
    known_error(turned_on, 409, "USER_EMAIL_ALREADY_EXISTS", details)


def test_an_own_second_sign_in_address_can_be_promoted(project: Project, as_server: httpx.Client) -> None:
    first, second = new_email(), new_email()
    user = project.create_user(primary_email=first, primary_email_auth_enabled=True)
    path = f"/users/{user['id']}"
    ok(as_server.patch(path, json={"primary_email": second}))
    assert email_of(ok(as_server.patch(path, json={"primary_email": first}))) == (first, False, True)
    assert email_of(ok(as_server.patch(path, json={"primary_email": second, "primary_email_verified": True}))) == (second, True, True)


def test_an_address_not_used_for_sign_in_is_shared(project: Project) -> None:
    email = new_email()
    ids = {project.create_user(primary_email=email)["id"] for _ in range(3)}
    assert len(ids) == 3


async def test_of_many_who_want_one_address_one_gets_it(project: Project) -> None:
    email = new_email()
    users = [project.create_user(primary_email=new_email(), primary_email_auth_enabled=True) for _ in range(8)]
    answers: list[httpx.Response] = []
    async with project.async_http("server") as client:

        async def want(path: str, body: dict[str, Any], method: str) -> None:
            answers.append(await client.request(method, path, json=body))

        async with anyio.create_task_group() as group:
            for user in users:
                group.start_soon(want, f"/users/{user['id']}", {"primary_email": email}, "PATCH")
                group.start_soon(want, "/users", {"primary_email": email, "primary_email_auth_enabled": True}, "POST")
    assert sorted(answer.status_code for answer in answers)[1:] == [409] * 15
    for answer in answers:
        if answer.status_code == 409:
            known_error(answer, 409, "USER_EMAIL_ALREADY_EXISTS", {"email": email, "would_work_if_email_was_verified": False})
