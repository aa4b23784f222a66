"""What a link is good for at sign-in: servers give accounts to users, and sign-in is switched on, off and away (contract 03 §11)."""

from __future__ import annotations

from tests.connected_accounts.accounts import Connected
from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import person, refused, sign_in
from tests.oauth_providers.links import add, path_of
from tests.server import Project
from tests.users.answers import ok


def test_an_account_that_a_server_linked_signs_its_user_in(shop: Project, idp: IdentityProvider) -> None:
    user, profile = shop.create_user(), person()
    add(shop, user["id"], provider_config_id="discord", account_id=profile["id"])
    signed_in = sign_in(shop, idp, profile)
    assert (signed_in["user"]["id"], signed_in["is_new_user"]) == (user["id"], False)


def test_an_account_that_is_for_nothing_but_its_tokens_signs_nobody_in(shop: Project, idp: IdentityProvider) -> None:
    user, profile = shop.create_user(), person()
    link = add(shop, user["id"], provider_config_id="discord", account_id=profile["id"], allow_sign_in=False)
    stranger = sign_in(shop, idp, profile)
    assert stranger["is_new_user"]
    assert stranger["user"]["id"] != user["id"]
    with shop.http("server") as server:
        answer = server.patch(path_of(link), json={"allow_sign_in": True})
    assert answer.headers["x-stack-known-error"] == "OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN"


def test_sign_in_that_is_switched_off_ends_at_once_and_comes_back(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    link = ada.link()
    shown = {"id": "discord", "account_id": ada.account_id, "email": ada.profile["email"]}
    with shop.http("client", ada.access_token) as client:
        ok(client.patch(f"/oauth-providers/me/{link['id']}", json={"allow_sign_in": False}))
        assert ok(client.get("/users/me"))["oauth_providers"] == [shown]
    told = refused(shop, idp, {**ada.profile, "verified": False})
    assert told["errorCode"] == "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"
    with shop.http("client", ada.access_token) as client:
        ok(client.patch(f"/oauth-providers/me/{link['id']}", json={"allow_sign_in": True}))
    assert sign_in(shop, idp, ada.profile)["user"]["id"] == ada.user_id


def test_an_account_that_was_unlinked_is_free_for_somebody_else(shop: Project, idp: IdentityProvider) -> None:
    ada, heir = Connected(shop, idp), shop.create_user()
    with shop.http("server") as server:
        ok(server.delete(path_of(ada.link())))
    add(shop, heir["id"], provider_config_id="discord", account_id=ada.account_id)
    assert sign_in(shop, idp, ada.profile)["user"]["id"] == heir["id"]
