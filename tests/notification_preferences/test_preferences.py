"""Notification preferences over HTTP (contract 05 §4)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.server import Project
from tests.users.answers import known_error, ok, plain_error

TRANSACTIONAL = "7bb82d33-2f54-4a3d-9d23-82739e0d66ef"
MARKETING = "4f6f8873-3d04-46bd-8bef-18338b1a1b4c"
PATH = "/emails/notification-preference"


def preference(category_id: str, *, enabled: bool) -> dict[str, Any]:
    name, can_disable = {TRANSACTIONAL: ("Transactional", False), MARKETING: ("Marketing", True)}[category_id]
    return {"notification_category_id": category_id, "notification_category_name": name, "enabled": enabled, "can_disable": can_disable}


def both(transactional: bool, marketing: bool) -> dict[str, Any]:
    items = [preference(TRANSACTIONAL, enabled=transactional), preference(MARKETING, enabled=marketing)]
    return {"items": items, "is_paginated": False}


def test_a_user_gets_everything_until_he_says_otherwise(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client, project.http("server") as server:
        assert ok(client.get(f"{PATH}/me")) == both(True, True)
        assert ok(client.patch(f"{PATH}/me/{MARKETING}", json={"enabled": False})) == preference(MARKETING, enabled=False)
        assert ok(server.get(f"{PATH}/{user['user_id']}")) == both(True, False)
        assert ok(server.patch(f"{PATH}/{user['user_id']}/{MARKETING}", json={"enabled": True})) == preference(MARKETING, enabled=True)
        assert ok(client.get(f"{PATH}/{user['user_id']}")) == both(True, True)


def test_that_transactional_cannot_be_disabled_is_information_only(project: Project) -> None:
    user = project.create_user()
    with project.http("admin") as admin:
        changed = ok(admin.patch(f"{PATH}/{user['id']}/{TRANSACTIONAL}", json={"enabled": False}))
        assert changed == preference(TRANSACTIONAL, enabled=False)
        assert ok(admin.get(f"{PATH}/{user['id']}")) == both(False, True)


def test_preferences_end_with_their_user(project: Project) -> None:
    user = project.create_user()
    with project.http("server") as server:
        ok(server.patch(f"{PATH}/{user['id']}/{MARKETING}", json={"enabled": False}))
        ok(server.delete(f"/users/{user['id']}"))
        known_error(server.get(f"{PATH}/{user['id']}"), 404, "USER_NOT_FOUND")


def test_nobodys_preferences(project: Project) -> None:
    nobody = uuid.uuid4()
    with project.http("server") as server:
        known_error(server.get(f"{PATH}/{nobody}"), 404, "USER_NOT_FOUND")
        known_error(server.patch(f"{PATH}/{nobody}/{MARKETING}", json={"enabled": True}), 404, "USER_NOT_FOUND")
        known_error(server.get(f"{PATH}/me"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


def test_a_client_sees_its_own_users_preferences_only(project: Project) -> None:
    user, other = project.sign_up(), project.create_user()
    with project.http("client", user["access_token"]) as client:
        plain_error(client.get(f"{PATH}/{other['id']}"), 403)
        plain_error(client.patch(f"{PATH}/{other['id']}/{MARKETING}", json={"enabled": False}), 403)
    with project.http("client") as client:
        known_error(client.get(f"{PATH}/{other['id']}"), 401, "USER_AUTHENTICATION_REQUIRED")
        known_error(client.patch(f"{PATH}/{other['id']}/{MARKETING}", json={"enabled": False}), 401, "USER_AUTHENTICATION_REQUIRED")
        known_error(client.get(f"{PATH}/me"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
        known_error(client.patch(f"{PATH}/me/{MARKETING}", json={"enabled": False}), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
    with project.http("server") as server:
        assert ok(server.get(f"{PATH}/{other['id']}")) == both(True, True)


def test_an_unknown_category_comes_before_whose_it_is(project: Project) -> None:
    user, other = project.sign_up(), project.create_user()
    with project.http("client", user["access_token"]) as client:
        plain_error(client.patch(f"{PATH}/me/{uuid.uuid4()}", json={"enabled": False}), 404)
        plain_error(client.patch(f"{PATH}/{other['id']}/{uuid.uuid4()}", json={"enabled": False}), 404)
        known_error(client.patch(f"{PATH}/me/marketing", json={"enabled": False}), 400, "SCHEMA_ERROR")


@pytest.mark.parametrize("body", [{}, {"enabled": None}, {"enabled": "perhaps"}, {"enabled": True, "can_disable": True}])
def test_malformed_bodies(project: Project, body: dict[str, Any]) -> None:
    with project.http("server") as server:
        known_error(server.patch(f"{PATH}/{project.create_user()['id']}/{MARKETING}", json=body), 400, "SCHEMA_ERROR")
