"""Contact channels over HTTP: added, read, changed and removed (contract 05 §3.1 to §3.5)."""

from __future__ import annotations

import secrets
import uuid

import anyio
import httpx
import pytest

from tests.contact_channels.channels import add, body_of, channels_of, flags, path_of
from tests.server import Project, new_email
from tests.users.answers import known_error, ok, plain_error

TAKEN = "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"


def taken(value: str | None) -> dict[str, object]:
    return {"type": "email", "contact_channel_value": value, "would_work_if_email_was_verified": False}


# --- adding ---


def test_a_client_adds_an_address_to_its_own_user(project: Project) -> None:
    user, value = project.sign_up(), new_email()
    with project.http("client", user["access_token"]) as client:
        answer = client.post("/contact-channels", json=body_of("me", value.upper(), used_for_auth=True))
        assert answer.status_code == 201, answer.text
        channel = answer.json()
        wanted = {"user_id": user["user_id"], "type": "email", "value": value, "used_for_auth": True}
        assert channel == {**wanted, "id": channel["id"], "is_primary": False, "is_verified": False}
        assert ok(client.get(path_of(channel))) == channel
        items = ok(client.get("/contact-channels", params={"user_id": "me"}))
        assert items == {"items": [*channels_of(project, user["user_id"])], "is_paginated": False}
        assert [item["value"] for item in items["items"]] == [user["email"], value]
        signed_in = client.post("/auth/password/sign-in", json={"email": value, "password": user["password"]})
        assert ok(signed_in)["user_id"] == user["user_id"]


def test_a_server_says_what_is_verified_and_a_client_may_not(project: Project) -> None:
    user = project.sign_up()
    assert flags(add(project, user["user_id"], new_email(), is_verified=True)) == (False, True, False)
    with project.http("client", user["access_token"]) as client:
        known_error(client.post("/contact-channels", json=body_of("me", new_email(), is_verified=True)), 400, "SCHEMA_ERROR")
        known_error(client.patch(path_of(channels_of(project, user["user_id"])[0]), json={"is_verified": True}), 400, "SCHEMA_ERROR")


def test_a_new_primary_address_takes_the_place_of_the_former(project: Project) -> None:
    user, value = project.sign_up(), new_email()
    add(project, user["user_id"], value, is_primary=True)
    first, second = channels_of(project, user["user_id"])
    assert (flags(first), flags(second)) == ((False, False, True), (True, False, False))
    with project.http("server") as server:
        assert ok(server.get(f"/users/{user['user_id']}"))["primary_email"] == value


def test_not_even_the_first_address_is_primary_by_itself(project: Project) -> None:
    user = project.create_user()
    assert flags(add(project, user["id"], new_email())) == (False, False, False)


@pytest.mark.parametrize("used_for_auth", [True, False])
def test_an_address_is_added_once(project: Project, used_for_auth: bool) -> None:
    user = project.sign_up()
    with project.http("server") as server:
        plain_error(server.post("/contact-channels", json=body_of(user["user_id"], user["email"], used_for_auth=used_for_auth)), 400)


def test_one_address_signs_one_user_in_and_belongs_to_many(project: Project) -> None:
    owner, other = project.sign_up(), project.create_user()
    with project.http("server") as server:
        answer = server.post("/contact-channels", json=body_of(other["id"], owner["email"].upper(), used_for_auth=True))
        known_error(answer, 409, TAKEN, taken(owner["email"]))
    shared = add(project, other["id"], owner["email"])
    with project.http("server") as server:
        known_error(server.patch(path_of(shared), json={"used_for_auth": True}), 409, TAKEN, taken(None))
    assert channels_of(project, other["id"]) == [shared]


@pytest.mark.parametrize(
    "body",
    [
        {"value": ""},
        {"value": "no address"},
        {"value": " padded@example.com"},
        {"value": "ünï@example.com"},
        {"value": None},
        {"type": "phone"},
        {"used_for_auth": None},
        {"user_id": "you"},
    ],
)
def test_malformed_bodies(project: Project, body: dict[str, object]) -> None:
    with project.http("server") as server:
        sent = body_of(str(uuid.uuid4()), new_email()) | body
        known_error(server.post("/contact-channels", json=sent), 400, "SCHEMA_ERROR")


@pytest.mark.parametrize("missing", ["user_id", "type", "value", "used_for_auth"])
def test_missing_fields(project: Project, missing: str) -> None:
    body = body_of(str(uuid.uuid4()), new_email())
    with project.http("server") as server:
        known_error(server.post("/contact-channels", json={k: v for k, v in body.items() if k != missing}), 400, "SCHEMA_ERROR")


def test_nobodys_addresses(project: Project) -> None:
    nobody, channel = str(uuid.uuid4()), str(uuid.uuid4())
    with project.http("server") as server:
        known_error(server.post("/contact-channels", json=body_of(nobody, new_email())), 404, "USER_NOT_FOUND")
        assert ok(server.get("/contact-channels", params={"user_id": nobody}))["items"] == []
        assert ok(server.get("/contact-channels", params={"contact_channel_id": channel}))["items"] == []
        plain_error(server.get(f"/contact-channels/{nobody}/{channel}"), 404)
        plain_error(server.patch(f"/contact-channels/{nobody}/{channel}", json={}), 400)
        plain_error(server.delete(f"/contact-channels/{nobody}/{channel}"), 400)


# --- reading ---


def test_a_server_lists_all_channels_oldest_first(own_project: Project) -> None:
    users = [own_project.create_user(primary_email=new_email()) for _ in range(3)]
    last = add(own_project, users[0]["id"], new_email())
    with own_project.http("server") as server:
        listed = ok(server.get("/contact-channels"))
        assert listed["is_paginated"] is False
        assert [item["value"] for item in listed["items"]] == [*(user["primary_email"] for user in users), last["value"]]
        only = {"contact_channel_id": last["id"]}
        assert ok(server.get("/contact-channels", params=only))["items"] == [last]
        assert ok(server.get("/contact-channels", params={**only, "user_id": users[0]["id"]}))["items"] == [last]
        assert ok(server.get("/contact-channels", params={**only, "user_id": users[1]["id"]}))["items"] == []
        assert ok(server.get("/contact-channels", params={"user_id": users[1]["id"]}))["items"] == [listed["items"][1]]


def test_a_project_without_users_has_no_channels(own_project: Project) -> None:
    with own_project.http("admin") as admin:
        assert ok(admin.get("/contact-channels")) == {"items": [], "is_paginated": False}


def test_addresses_are_as_long_as_every_index_can_hold(project: Project) -> None:
    user, domain = project.create_user(), "@example.com"
    longest = secrets.token_hex(512)[: 1024 - len(domain)] + domain
    assert add(project, user["id"], longest, used_for_auth=True)["value"] == longest
    with project.http("server") as server:
        known_error(server.post("/contact-channels", json=body_of(user["id"], "x" + longest)), 400, "SCHEMA_ERROR")
        known_error(server.post("/users", json={"primary_email": "x" + longest}), 400, "SCHEMA_ERROR")


# --- who may ---


def test_a_client_uses_the_channels_of_its_own_user_only(project: Project) -> None:
    user, other = project.sign_up(), project.sign_up()
    [channel] = channels_of(project, other["user_id"])
    with project.http("client", user["access_token"]) as client:
        plain_error(client.get("/contact-channels"), 403)
        plain_error(client.get("/contact-channels", params={"user_id": other["user_id"]}), 403)
        plain_error(client.post("/contact-channels", json=body_of(other["user_id"], new_email())), 403)
        plain_error(client.get(path_of(channel)), 403)
        plain_error(client.patch(path_of(channel), json={"used_for_auth": False}), 403)
        plain_error(client.delete(path_of(channel)), 403)
        own_path = f"/contact-channels/me/{channel['id']}"
        plain_error(client.get(own_path), 404)
        plain_error(client.patch(own_path, json={"used_for_auth": False}), 400)
        plain_error(client.delete(own_path), 400)
    assert channels_of(project, other["user_id"]) == [channel]


@pytest.mark.parametrize("user_id", ["me", "0c4e1a3b-6f0d-4f1e-9a57-3d2f4b8c9e10"])
def test_a_client_without_a_user(project: Project, user_id: str) -> None:
    code = "CANNOT_GET_OWN_USER_WITHOUT_USER"
    path = f"/contact-channels/{user_id}/{uuid.uuid4()}"
    with project.http("client") as client:
        known_error(client.get("/contact-channels", params={"user_id": user_id}), 400, code)
        known_error(client.post("/contact-channels", json=body_of(user_id, new_email())), 400, code)
        known_error(client.get(path), 400, code)
        known_error(client.patch(path, json={}), 400, code)
        known_error(client.delete(path), 400, code)


def test_a_server_may_say_me_with_an_access_token(project: Project) -> None:
    user = project.sign_up()
    with project.http("server", user["access_token"]) as server:
        assert [item["value"] for item in ok(server.get("/contact-channels", params={"user_id": "me"}))["items"]] == [user["email"]]
    with project.http("server") as server:
        known_error(server.get("/contact-channels", params={"user_id": "me"}), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def test_ids_that_are_none(project: Project) -> None:
    with project.http("server") as server:
        known_error(server.get(f"/contact-channels/{uuid.uuid4()}/me"), 400, "SCHEMA_ERROR")
        known_error(server.get("/contact-channels", params={"user_id": "x"}), 400, "SCHEMA_ERROR")
        known_error(server.get("/contact-channels", params={"limit": 1}), 400, "SCHEMA_ERROR")


# --- changing ---


def test_a_new_value_is_unverified_and_keeps_its_other_flags(project: Project) -> None:
    user = project.create_user(primary_email=new_email(), primary_email_verified=True, primary_email_auth_enabled=True)
    [channel] = channels_of(project, user["id"])
    value = new_email()
    with project.http("server") as server:
        changed = ok(server.patch(path_of(channel), json={"value": value.title()}))
        assert changed == {**channel, "value": value, "is_verified": False}
        assert ok(server.patch(path_of(channel), json={"is_verified": True})) == {**changed, "is_verified": True}
        assert ok(server.patch(path_of(channel), json={"type": "email", "value": value})) == changed
        assert flags(ok(server.patch(path_of(channel), json={"value": value, "is_verified": True}))) == (True, True, True)
        assert flags(ok(server.patch(path_of(channel), json={"used_for_auth": False}))) == (True, True, False)
        assert flags(ok(server.patch(path_of(channel), json={"is_primary": False}))) == (False, True, False)
        assert ok(server.get(f"/users/{user['id']}"))["primary_email"] is None
        assert flags(ok(server.patch(path_of(channel), json={}))) == (False, True, False)


def test_a_client_never_keeps_a_verification_while_it_names_a_value(project: Project) -> None:
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    with project.http("server") as server, project.http("client", user["access_token"]) as client:
        ok(server.patch(path_of(channel), json={"is_verified": True}))
        assert ok(client.patch(path_of(channel), json={"value": user["email"]}))["is_verified"] is False


def test_one_channel_is_primary_whatever_is_promoted(project: Project) -> None:
    user = project.sign_up()
    second, third = (add(project, user["user_id"], new_email()) for _ in range(2))
    with project.http("client", user["access_token"]) as client:
        for channel in (second, third, third, second):
            assert ok(client.patch(path_of(channel), json={"is_primary": True})) == {**channel, "is_primary": True}
            assert [c["id"] for c in channels_of(project, user["user_id"]) if c["is_primary"]] == [channel["id"]]


def test_no_two_channels_of_a_user_have_one_value(project: Project) -> None:
    user = project.sign_up()
    second = add(project, user["user_id"], new_email())
    with project.http("server") as server:
        plain_error(server.patch(path_of(second), json={"value": user["email"]}), 400)
        plain_error(server.patch(path_of(second), json={"value": user["email"].upper(), "used_for_auth": True}), 400)


def test_a_sign_in_channel_cannot_be_moved_to_somebody_elses_sign_in_address(project: Project) -> None:
    owner, user = project.sign_up(), project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    with project.http("client", user["access_token"]) as client:
        known_error(client.patch(path_of(channel), json={"value": owner["email"]}), 409, TAKEN, taken(None))
        moved = ok(client.patch(path_of(channel), json={"value": owner["email"], "used_for_auth": False}))
        assert (moved["value"], moved["used_for_auth"]) == (owner["email"], False)


@pytest.mark.parametrize("body", [{"value": ""}, {"value": "no address"}, {"type": "phone"}, {"user_id": str(uuid.uuid4())}, {"id": "x"}])
def test_malformed_changes(project: Project, body: dict[str, object]) -> None:
    [channel] = channels_of(project, project.sign_up()["user_id"])
    with project.http("server") as server:
        known_error(server.patch(path_of(channel), json=body), 400, "SCHEMA_ERROR")


# --- removing ---


def test_the_primary_and_last_address_can_be_removed(project: Project) -> None:
    user = project.sign_up()
    [channel] = channels_of(project, user["user_id"])
    with project.http("client", user["access_token"]) as client:
        assert ok(client.delete(path_of(channel))) == {"success": True}
        assert channels_of(project, user["user_id"]) == []
        me = ok(client.get("/users/me"))
        assert (me["primary_email"], me["has_password"]) == (None, True)
        plain_error(client.delete(path_of(channel)), 400)
    assert project.sign_up(user["email"])["user_id"] != user["user_id"]  # the address is free again


# --- races ---


async def test_of_many_who_want_one_sign_in_address_one_gets_it(project: Project) -> None:
    users, value = [project.create_user() for _ in range(10)], new_email()
    spare = [add(project, user["id"], new_email()) for user in users[5:]]
    answers: list[httpx.Response] = []
    async with project.async_http("server") as server, anyio.create_task_group() as tasks:

        async def create(user_id: str) -> None:
            answers.append(await server.post("/contact-channels", json=body_of(user_id, value, used_for_auth=True)))

        async def change(path: str) -> None:
            answers.append(await server.patch(path, json={"value": value, "used_for_auth": True}))

        for user in users[:5]:
            tasks.start_soon(create, user["id"])
        for channel in spare:
            tasks.start_soon(change, path_of(channel))
    refused = [answer for answer in answers if not answer.is_success]
    assert len(refused) == len(answers) - 1
    for answer in refused:
        assert (answer.status_code, answer.headers["x-stack-known-error"]) == (409, TAKEN)


async def test_two_promotions_at_once_leave_one_primary(project: Project) -> None:
    user = project.sign_up()
    channels = [add(project, user["user_id"], new_email()) for _ in range(8)]
    async with project.async_http("server") as server, anyio.create_task_group() as tasks:

        async def promote(path: str) -> None:
            ok(await server.patch(path, json={"is_primary": True}))

        for channel in channels:
            tasks.start_soon(promote, path_of(channel))
    assert [channel["is_primary"] for channel in channels_of(project, user["user_id"])].count(True) == 1
