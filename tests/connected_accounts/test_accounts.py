"""The list of connected accounts, and who may have a token for one, in the order of contract 03 §10."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from msgspec import structs

from hexclave_server.connected_accounts.service import is_usable
from hexclave_server.oauth.accounts import AccountRow
from tests.connected_accounts.accounts import NOT_CONNECTED, Connected
from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, new_project
from tests.oauth_providers.links import add
from tests.server import DatabaseKind, Project, RunningServer, running_server
from tests.users.answers import NOBODY, known_error, names_field, ok, plain_error

NOT_ENABLED = "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED"
SHARED = "OAUTH_ACCESS_TOKEN_NOT_AVAILABLE_WITH_SHARED_OAUTH_KEYS"


# --- the list ---


def test_connected_accounts_oldest_first(shop: Project) -> None:
    user = shop.sign_up()
    links = [add(shop, user["user_id"], provider_config_id=provider, allow_sign_in=False) for provider in ("google", "discord", "google")]
    add(shop, user["user_id"], provider_config_id="discord", allow_connected_accounts=False)
    wanted = [
        {"user_id": user["user_id"], "provider": one["provider_config_id"], "provider_account_id": one["account_id"]} for one in links
    ]
    for access, whose in (("client", "me"), ("client", user["user_id"]), ("server", user["user_id"]), ("admin", "me")):
        with shop.http(access, user["access_token"]) as client:
            assert ok(client.get(f"/connected-accounts/{whose}")) == {"items": wanted, "is_paginated": False}


def test_accounts_of_a_provider_that_is_gone_are_listed(oauth_server: RunningServer) -> None:
    project = new_project(oauth_server)
    user = project.create_user()
    link = add(project, user["id"], provider_config_id="discord")
    project.override("environment", **{"auth.oauth.providers.discord": None})
    with project.http("server") as server:
        (item,) = ok(server.get(f"/connected-accounts/{user['id']}"))["items"]
        assert item["provider_account_id"] == link["account_id"]
        answer = server.post(f"/connected-accounts/{user['id']}/discord/{link['account_id']}/access-token", json={})
        known_error(answer, 400, NOT_ENABLED)


def test_whose_accounts(shop: Project) -> None:
    user, other = shop.sign_up(), shop.create_user()
    with shop.http("client", user["access_token"]) as client:
        plain_error(client.get(f"/connected-accounts/{other['id']}"), 403)
        names_field(client.get("/connected-accounts/you"), "user_id")
        names_field(client.get("/connected-accounts/me", params={"user_id": "me"}), "query")
    with shop.http("client") as client:
        known_error(client.get("/connected-accounts/me"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
        known_error(client.get(f"/connected-accounts/{other['id']}"), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
    with shop.http("server") as server:
        assert ok(server.get(f"/connected-accounts/{other['id']}")) == {"items": [], "is_paginated": False}
        known_error(server.get(f"/connected-accounts/{NOBODY}"), 404, "USER_NOT_FOUND")


# --- who may have a token ---


@pytest.mark.parametrize("access", ["client", "server", "admin"])
def test_every_path_leads_to_a_token(shop: Project, idp: IdentityProvider, access: str) -> None:
    ada = Connected(shop, idp)
    token = ada.token()
    assert token.startswith("access-")
    for path in (
        f"/connected-accounts/me/discord/{ada.account_id}/access-token",
        "/connected-accounts/me/discord/access-token",
        f"/connected-accounts/{ada.user_id}/discord/access-token",
        "/auth/oauth/connected-accounts/discord/access-token",
    ):
        assert ok(ada.ask(path=path, access=access), 201) == {"access_token": token}


def test_an_account_id_with_odd_characters(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    odd = f"a/b?c#d%2F e@{ada.account_id}"
    with shop.http("server") as server:
        link = ada.link()
        ok(server.patch(f"/oauth-providers/{ada.user_id}/{link['id']}", json={"account_id": odd}))
        path = f"/connected-accounts/{ada.user_id}/discord/{quote(odd, safe='')}/access-token"
        known_error(
            server.post(path, json={}), 400, "OAUTH_CONNECTION_DOES_NOT_HAVE_REQUIRED_SCOPE"
        )  # found, but the tokens were another's


def test_the_order_of_refusals(shop: Project, idp: IdentityProvider) -> None:
    ada, eve = Connected(shop, idp), shop.sign_up()
    with shop.http("client", eve["access_token"]) as client:
        for path in (ada.path, f"/connected-accounts/{ada.user_id}/unknown/access-token"):
            plain_error(client.post(path, json={}), 403)
        for whose in ("me", eve["user_id"]):
            for account in ("", f"/{ada.account_id}"):
                known_error(client.post(f"/connected-accounts/{whose}/unknown{account}/access-token", json={}), 400, NOT_ENABLED)
                known_error(client.post(f"/connected-accounts/{whose}/google{account}/access-token", json={}), 400, SHARED)
                known_error(client.post(f"/connected-accounts/{whose}/discord{account}/access-token", json={}), 400, NOT_CONNECTED)
        known_error(client.post("/auth/oauth/connected-accounts/unknown/access-token", json={}), 400, NOT_ENABLED)
        known_error(client.post("/auth/oauth/connected-accounts/google/access-token", json={}), 400, SHARED)
        known_error(client.post("/auth/oauth/connected-accounts/discord/access-token", json={}), 400, NOT_CONNECTED)
    with shop.http("server") as server:
        for provider, status, code in (("unknown", 400, NOT_ENABLED), ("google", 400, SHARED), ("discord", 404, "USER_NOT_FOUND")):
            known_error(server.post(f"/connected-accounts/{NOBODY}/{provider}/access-token", json={}), status, code)
            known_error(server.post(f"/connected-accounts/{NOBODY}/{provider}/1/access-token", json={}), status, code)
    assert idp.asked == []


def test_without_a_user(shop: Project) -> None:
    with shop.http("client") as client:
        for path in ("/connected-accounts/me/discord/access-token", "/auth/oauth/connected-accounts/discord/access-token"):
            known_error(client.post(path, json={}), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER")


@pytest.mark.parametrize("body", [{"scope": None}, {"scope": 1.5}, {"scopes": "email"}, {"scope": ["email"]}])
def test_malformed_bodies(shop: Project, idp: IdentityProvider, body: dict[str, object]) -> None:
    ada = Connected(shop, idp)
    with shop.http("client", ada.access_token) as client:
        answer = client.post(ada.path, json=body)
        if body == {"scope": 1.5}:
            assert answer.status_code in (400, 201)  # numbers may be cast to strings (contract 00 §5)
        else:
            known_error(answer, 400, "SCHEMA_ERROR")
        known_error(client.post(ada.path), 400, "SCHEMA_ERROR")


def test_an_account_that_is_not_connected_serves_only_who_names_none(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    token = ada.token()
    with shop.http("client", ada.access_token) as client:
        ok(client.patch(f"/oauth-providers/me/{ada.link()['id']}", json={"allow_connected_accounts": False}))
    known_error(ada.ask(), 400, NOT_CONNECTED)
    assert ok(ada.ask(path="/connected-accounts/me/discord/access-token"), 201) == {"access_token": token}


def test_shared_keys_serve_where_the_operator_says_so(database: DatabaseKind, idp: IdentityProvider) -> None:
    settings = {
        "HEXCLAVE_OAUTH_GOOGLE_CLIENT_ID": "MOCK",
        "HEXCLAVE_OAUTH_GOOGLE_CLIENT_SECRET": "MOCK",
        "HEXCLAVE_OAUTH_MOCK_URL": idp.url,
        "HEXCLAVE_ALLOW_SHARED_OAUTH_ACCESS_TOKENS": "true",
        **idp.settings_for("discord"),
    }
    with running_server(database, settings, mail=False) as server:
        project = new_project(server)
        user = project.sign_up()
        with project.http("client", user["access_token"]) as client:
            known_error(client.post("/connected-accounts/me/google/access-token", json={}), 400, NOT_CONNECTED)
        signed_in = Application(project).sign_in(idp, {"sub": "shared@example.com"}, "google")
        with project.http("client", signed_in["access_token"]) as client:
            assert ok(client.post("/connected-accounts/me/google/access-token", json={"scope": "openid"}), 201)["access_token"]


@pytest.mark.parametrize(
    ("changed", "named", "usable"),
    [
        ({}, None, True),
        ({}, "1", True),
        ({}, "2", False),
        ({"allow_connected_accounts": False}, None, True),
        ({"allow_connected_accounts": False}, "1", False),
        ({"provider_id": "other"}, None, False),
        ({"provider_id": "other"}, "1", False),
        ({"issuer": "https://former.example.com"}, None, False),
        ({"issuer": "https://former.example.com"}, "1", False),
        ({"issuer": ""}, "1", False),
    ],
)
def test_which_accounts_serve(changed: dict[str, Any], named: str | None, usable: bool) -> None:
    row = AccountRow("id", "user", "corporate", "1", "https://issuer.example.com", None, allow_sign_in=False, allow_connected_accounts=True)
    assert is_usable(structs.replace(row, **changed), "corporate", "https://issuer.example.com", named) is usable
