"""Links between users and accounts at providers over HTTP: added, read, changed and removed (contract 03 §11)."""

from __future__ import annotations

import uuid

import pytest

from tests.oauth_providers.links import add, body_of, links_of, new_shop, path_of
from tests.server import Project, RunningServer
from tests.users.answers import NOBODY, known_error, names_field, ok, plain_error

# --- adding ---


def test_a_server_links_an_account(shop: Project) -> None:
    user = shop.create_user()
    link = add(shop, user["id"], email="ada@example.com", account_id="583231")
    wanted = {"user_id": user["id"], "provider_config_id": "github", "type": "github", "email": "ada@example.com"}
    assert link == {**wanted, "id": link["id"], "account_id": "583231", "allow_sign_in": True, "allow_connected_accounts": True}
    with shop.http("admin") as admin:
        assert ok(admin.get(path_of(link))) == link
        assert ok(admin.get("/oauth-providers", params={"user_id": user["id"]})) == {"items": [link], "is_paginated": False}
        linked = ok(admin.get(f"/users/{user['id']}"))["oauth_providers"]
    assert linked == [{"id": "github", "account_id": "583231", "email": "ada@example.com"}]


def test_a_link_without_an_email_has_none(shop: Project) -> None:
    assert "email" not in add(shop, shop.create_user()["id"])


def test_me_is_the_user_of_the_access_token(shop: Project) -> None:
    user = shop.sign_up()
    with shop.http("server", user["access_token"]) as server:
        link = ok(server.post("/oauth-providers", json=body_of("me")), 201)
        assert ok(server.get("/oauth-providers", params={"user_id": "me"}))["items"] == [link]
    assert link["user_id"] == user["user_id"]


def test_a_client_links_nothing(shop: Project) -> None:
    user = shop.sign_up()
    with shop.http("client", user["access_token"]) as client:
        known_error(
            client.post("/oauth-providers", json=body_of("me")),
            401,
            "INSUFFICIENT_ACCESS_TYPE",
            {"actual_access_type": "client", "allowed_access_types": ["server", "admin"]},
        )


@pytest.mark.parametrize("provider", ["gitlab", "unknown", ""])
def test_a_provider_that_is_not_configured(shop: Project, provider: str) -> None:
    with shop.http("server") as server:
        plain_error(server.post("/oauth-providers", json=body_of(NOBODY, provider_config_id=provider)), 404)


def test_an_unknown_user_gets_no_link(shop: Project) -> None:
    with shop.http("server") as server:
        known_error(server.post("/oauth-providers", json=body_of(NOBODY)), 404, "USER_NOT_FOUND")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", "you"),
        ("provider_config_id", None),
        ("account_id", ""),
        ("account_id", None),
        ("account_id", "x" * 1025),
        ("account_id", "nul\0"),
        ("allow_sign_in", None),
        ("allow_connected_accounts", "perhaps"),
        ("email", "no address"),
        ("email", None),
        ("type", "github"),
        ("issuer", "https://example.com"),
    ],
)
def test_malformed_bodies(shop: Project, field: str, value: object) -> None:
    with shop.http("server") as server:
        names_field(server.post("/oauth-providers", json=body_of(NOBODY) | {field: value}), field)


@pytest.mark.parametrize("field", ["user_id", "provider_config_id", "account_id", "allow_sign_in", "allow_connected_accounts"])
def test_what_a_link_needs(shop: Project, field: str) -> None:
    body = body_of(NOBODY)
    del body[field]
    with shop.http("server") as server:
        names_field(server.post("/oauth-providers", json=body), field)


# --- reading ---


def test_a_user_reads_his_own_links_without_account_ids(shop: Project) -> None:
    user = shop.sign_up()
    off = {"allow_sign_in": False, "allow_connected_accounts": False}
    links = [add(shop, user["user_id"], email="a@example.com"), add(shop, user["user_id"], **off)]
    shown = [{name: value for name, value in link.items() if name != "account_id"} for link in links]
    with shop.http("client", user["access_token"]) as client:
        for whose in ("me", user["user_id"]):
            assert ok(client.get("/oauth-providers", params={"user_id": whose})) == {"items": shown, "is_paginated": False}
        for link, seen in zip(links, shown, strict=True):
            assert ok(client.get(path_of(link))) == seen


def test_nobody_uses_another_users_links(shop: Project) -> None:
    user, other = shop.sign_up(), shop.create_user()
    link = add(shop, other["id"])
    with shop.http("client", user["access_token"]) as client:
        plain_error(client.get("/oauth-providers"), 403)
        plain_error(client.get("/oauth-providers", params={"user_id": other["id"]}), 403)
        plain_error(client.get(path_of(link)), 403)
        plain_error(client.patch(path_of(link), json={"allow_sign_in": False}), 403)
        plain_error(client.delete(path_of(link)), 403)
        plain_error(client.get(f"/oauth-providers/me/{link['id']}"), 404)
        plain_error(client.patch(f"/oauth-providers/me/{link['id']}", json={"allow_sign_in": False}), 404)
        plain_error(client.delete(f"/oauth-providers/me/{link['id']}"), 404)
    with shop.http("client") as client:
        for answer in (client.get("/oauth-providers"), client.get(path_of(link)), client.get("/oauth-providers", params={"user_id": "me"})):
            known_error(answer, 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
    assert links_of(shop, other["id"]) == [link]


def test_unknown_users_links_and_ids(shop: Project) -> None:
    user = shop.create_user()
    link = add(shop, shop.create_user()["id"])
    with shop.http("server") as server:
        known_error(server.get("/oauth-providers", params={"user_id": NOBODY}), 404, "USER_NOT_FOUND")
        for whose in (NOBODY, user["id"]):
            path = f"/oauth-providers/{whose}/{link['id']}"
            for answer in (server.get(path), server.patch(path, json={"email": "x@example.com"}), server.delete(path)):
                if whose == NOBODY:
                    known_error(answer, 404, "USER_NOT_FOUND")
                else:
                    plain_error(answer, 404)
        names_field(server.get("/oauth-providers", params={"user_id": "you"}), "user_id")
        names_field(server.get(f"/oauth-providers/{user['id']}/github"), "provider_id")
    assert links_of(shop, user["id"]) == []


def test_servers_list_everybodys_links_in_order(server: RunningServer) -> None:
    project = new_shop(server)
    users = [project.create_user()["id"] for _ in range(3)]
    links = [
        add(project, users[number % 3], allow_sign_in=False, provider_config_id=("github", "discord")[number % 2]) for number in range(9)
    ]
    with project.http("server") as client:
        listed = ok(client.get("/oauth-providers"))
        assert listed["is_paginated"] is False
        assert sorted(item["id"] for item in listed["items"]) == sorted(link["id"] for link in links)
        for user_id in users:
            assert links_of(project, user_id) == [item for item in listed["items"] if item["user_id"] == user_id]
    with server.new_project().http("server") as client:
        assert ok(client.get("/oauth-providers")) == {"items": [], "is_paginated": False}


def test_links_outlive_their_provider_where_its_type_is_known(server: RunningServer) -> None:
    project = new_shop(server)
    project.override("environment", **{"auth.oauth.providers.corporate": {"type": "github", "isShared": True}})
    user = project.create_user()
    known, unknown = add(project, user["id"]), add(project, user["id"], provider_config_id="corporate")
    assert unknown["type"] == "github"
    project.override("environment", **{"auth.oauth.providers.corporate": None, "auth.oauth.providers.github": None})
    assert links_of(project, user["id"]) == [known]
    with project.http("server") as client:
        assert ok(client.get(path_of(known))) == known
        assert ok(client.patch(path_of(known), json={"email": "kept@example.com"}))["email"] == "kept@example.com"
        assert [item["id"] for item in ok(client.get("/oauth-providers"))["items"]] == [known["id"]]
        plain_error(client.get(path_of(unknown)), 404)
        plain_error(client.patch(path_of(unknown), json={"allow_sign_in": False}), 404)
        assert ok(client.delete(path_of(unknown))) == {"success": True}


# --- changing and removing ---


def test_users_switch_what_a_link_is_good_for(shop: Project) -> None:
    user = shop.sign_up()
    link = add(shop, user["user_id"])
    with shop.http("client", user["access_token"]) as client:
        for change in ({"allow_sign_in": False}, {"allow_connected_accounts": False}, {"allow_sign_in": True}, {}):
            link |= change
            assert ok(client.patch(path_of(link), json=change)) == {name: link[name] for name in link if name != "account_id"}
        for field, value in (("account_id", "another"), ("email", "a@example.com"), ("allow_sign_in", None), ("provider_config_id", "x")):
            names_field(client.patch(path_of(link), json={field: value}), field)
    assert links_of(shop, user["user_id"]) == [link]


def test_servers_change_account_and_email(shop: Project) -> None:
    link = add(shop, shop.create_user()["id"])
    change = {"account_id": "another-" + uuid.uuid4().hex, "email": "another@example.com"}
    with shop.http("server") as server:
        assert ok(server.patch(path_of(link), json=change)) == link | change


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_a_link_is_removed_even_if_it_was_the_last_way_in(shop: Project, access: str) -> None:
    user = shop.sign_up()
    link = add(shop, user["user_id"])
    with shop.http(access, user["access_token"]) as client:
        assert ok(client.delete(path_of(link))) == {"success": True}
        plain_error(client.delete(path_of(link)), 404)
    assert links_of(shop, user["user_id"]) == []
    assert add(shop, shop.create_user()["id"], account_id=link["account_id"])["allow_sign_in"] is True
