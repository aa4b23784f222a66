"""Notices of changes over HTTP: one mail for each, to where the user read before (contract 02 §1.8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contact_channels.channels import add, body_of, channels_of, path_of
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.stored import rows
from tests.users.answers import ok

EMAIL = "Your email address at Test project was changed"
PASSWORD = "Your password at Test project was changed"


def notices_of(project: Project, user_id: str) -> int:
    """How many were queued for the user: without waiting for what must not arrive."""
    statement = f"SELECT count(*) FROM email_outbox WHERE template = 'security_notice' AND user_id = '{user_id}'"
    return int(rows(project.server, statement)[0][0])


def test_the_former_primary_address_learns_of_a_new_one(project: Project) -> None:
    user, new = project.sign_up(), new_email()
    with project.http("client", user["access_token"]) as client:
        ok(client.patch("/users/me", json={"primary_email": new}))
    mail = project.server.mail.wait_for(user["email"])
    assert mail.subject == EMAIL
    assert new not in mail.text
    assert notices_of(project, user["user_id"]) == 1
    project.server.mail.none_for(new)


def test_a_server_that_changes_everything_causes_notices_to_the_former_address(project: Project) -> None:
    user, new = project.sign_up(), new_email()
    with project.http("server") as server:
        ok(server.patch(f"/users/{user['user_id']}", json={"primary_email": new, "password": "another horse battery"}))
    assert {project.server.mail.wait_for(user["email"]).subject for _ in range(2)} == {EMAIL, PASSWORD}
    assert notices_of(project, user["user_id"]) == 2


def test_a_user_who_had_no_address_is_told_at_his_first(project: Project) -> None:
    user, first = project.create_user(), new_email()
    with project.http("server") as server:
        ok(server.patch(f"/users/{user['id']}", json={"primary_email": first}))
    assert project.server.mail.wait_for(first).subject == EMAIL


@pytest.mark.parametrize(
    "change",
    [{"used_for_auth": False}, {"is_primary": False}, {"value": "<new>"}, None],
    ids=["no sign-in", "not primary", "another value", "removed"],
)
def test_changes_of_the_primary_channel(project: Project, change: dict[str, Any] | None) -> None:
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    with project.http("client", user["access_token"]) as client:
        if change is None:
            ok(client.delete(path_of(channel)))
        else:
            body = {name: new_email() if value == "<new>" else value for name, value in change.items()}
            ok(client.patch(path_of(channel), json=body))
    assert project.server.mail.wait_for(user["email"]).subject == EMAIL
    assert notices_of(project, user["user_id"]) == 1


def test_a_further_sign_in_address_is_told_and_a_mere_address_is_not(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        for used_for_auth, notices in ((False, 0), (True, 1)):
            answer = client.post("/contact-channels", json=body_of("me", new_email(), used_for_auth=used_for_auth))
            assert answer.status_code == 201
            assert notices_of(project, user["user_id"]) == notices
    assert project.server.mail.wait_for(user["email"]).subject == EMAIL


def test_what_changes_nothing_of_importance_is_not_told(project: Project) -> None:
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    second = add(project, user["user_id"], new_email())
    with project.http("server") as server:
        ok(server.patch(f"/users/{user['user_id']}", json={"primary_email": user["email"], "display_name": "Ada"}))
        ok(server.patch(f"/users/{user['user_id']}", json={"primary_email_verified": True}))
        ok(server.patch(path_of(channel), json={"value": user["email"], "is_primary": True, "used_for_auth": True}))
        ok(server.patch(path_of(second), json={"value": new_email(), "is_verified": True}))
        ok(server.delete(path_of(second)))
    assert notices_of(project, user["user_id"]) == 0


def test_a_change_that_fails_is_not_told(project: Project) -> None:
    user, other = project.sign_up(), project.sign_up()
    with project.http("client", user["access_token"]) as client:
        assert client.patch("/users/me", json={"primary_email": other["email"]}).status_code == 409
    assert notices_of(project, user["user_id"]) == 0


@pytest.mark.parametrize(("is_verified", "most"), [(True, 20), (False, 10)])
def test_changing_back_and_forth_fills_no_mailbox(project: Project, is_verified: bool, most: int) -> None:
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    with project.http("server") as server:
        ok(server.patch(path_of(channel), json={"is_verified": is_verified}))
    with project.http("client", user["access_token"]) as client:
        for number in range(30):
            ok(client.patch(path_of(channel), json={"is_primary": number % 2 == 1}))
    assert notices_of(project, user["user_id"]) == most


def test_strangers_who_give_themselves_an_address_fill_no_mailbox(project: Project) -> None:
    """Anybody can be a new visitor and name any address as his own: notices there count for the address (as codes do), not for each of them."""
    victim = new_email()
    with project.http("client") as client:
        tokens = [client.post("/auth/anonymous/sign-up").json()["access_token"] for _ in range(4)]
    for token in tokens:
        with project.http("client", token, **{"x-stack-allow-anonymous-user": "true"}) as visitor:
            for address in (victim, None, victim, None):
                ok(visitor.patch("/users/me", json={"primary_email": address}))
    assert len(rows(project.server, f"SELECT id FROM email_outbox WHERE CAST(addresses AS text) LIKE '%{victim}%'")) == 10


@pytest.mark.parametrize("removed", [False, True])
def test_strangers_keep_no_notice_from_whom_has_verified_his_address(project: Project, removed: bool) -> None:
    user = project.create_user(primary_email=new_email(), primary_email_verified=True, primary_email_auth_enabled=True)
    for _ in range(6):
        stranger = project.create_user(primary_email=user["primary_email"])["id"]
        with project.http("server") as server:
            for address in (None, user["primary_email"]):
                ok(server.patch(f"/users/{stranger}", json={"primary_email": address}))
    [channel] = channels_of(project, user["id"])
    with project.http("server") as server:
        if removed:
            ok(server.delete(path_of(channel)))
        else:
            ok(server.patch(f"/users/{user['id']}", json={"totp_secret_base64": "MDEyMzQ1Njc4OTAxMjM0NTY3ODk="}))
    assert notices_of(project, user["id"]) == 1


@pytest.fixture
def silent(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, {"HEXCLAVE_SECURITY_NOTICES": "off"}) as running:
        yield running


def test_an_operator_can_switch_notices_off(silent: RunningServer) -> None:
    project = silent.new_project()
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:
        ok(client.patch("/users/me", json={"primary_email": new_email()}))
    assert notices_of(project, user["user_id"]) == 0
