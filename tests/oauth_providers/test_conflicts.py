"""Links that contradict others are refused, in the order of contract 03 §11; two who want one account at once do not both get it."""

from __future__ import annotations

import anyio
import httpx
import pytest

from hexclave_server.oauth_providers.rules import Admission, admit_link
from tests.oauth_providers.links import add, body_of, links_of, new_shop, path_of
from tests.server import Project, RunningServer
from tests.users.answers import known_error, ok, plain_error

ALREADY_USED = "OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN"


@pytest.mark.parametrize("wanted", [False, True])
@pytest.mark.parametrize("provider", [False, True])
@pytest.mark.parametrize("account", [False, True])
@pytest.mark.parametrize("somebody", [False, True])
def test_every_case(wanted: bool, provider: bool, account: bool, somebody: bool) -> None:
    decision = admit_link(
        wanted_for_sign_in=wanted,
        user_signs_in_with_provider=provider,
        user_has_account=account,
        account_signs_somebody_in=somebody,
    )
    if wanted and provider:
        assert decision is Admission.SIGNS_IN_WITH_PROVIDER
    elif account:
        assert decision is Admission.HAS_ACCOUNT
    elif wanted and somebody:
        assert decision is Admission.SIGNS_SOMEBODY_IN
    else:
        assert decision is Admission.ADMITTED


def test_a_user_signs_in_with_one_account_of_a_provider(shop: Project) -> None:
    user = shop.create_user()
    add(shop, user["id"])
    with shop.http("server") as server:
        plain_error(server.post("/oauth-providers", json=body_of(user["id"])), 400)
        second = add(shop, user["id"], allow_sign_in=False)
        plain_error(server.patch(path_of(second), json={"allow_sign_in": True}), 400)
    assert add(shop, user["id"], provider_config_id="discord")["allow_sign_in"] is True


def test_a_user_has_an_account_once(shop: Project) -> None:
    user = shop.create_user()
    link, other = add(shop, user["id"]), add(shop, user["id"], allow_sign_in=False)
    with shop.http("server") as server:
        again = body_of(user["id"], account_id=link["account_id"], allow_sign_in=False)
        plain_error(server.post("/oauth-providers", json=again), 400)
        plain_error(server.patch(path_of(other), json={"account_id": link["account_id"]}), 400)
    assert links_of(shop, user["id"]) == [link, other]


def test_an_account_signs_one_user_in(shop: Project) -> None:
    link = add(shop, shop.create_user()["id"])
    thief = shop.sign_up()
    with shop.http("server") as server:
        taken = body_of(thief["user_id"], account_id=link["account_id"])
        known_error(server.post("/oauth-providers", json=taken), 400, ALREADY_USED)
        elsewhere = body_of(thief["user_id"], account_id=link["account_id"], provider_config_id="discord")
        known_error(server.post("/oauth-providers", json=elsewhere), 400, ALREADY_USED)
        own = add(shop, thief["user_id"])
        known_error(server.patch(path_of(own), json={"account_id": link["account_id"]}), 400, ALREADY_USED)
        ok(server.delete(path_of(own)))
    shared = add(shop, thief["user_id"], account_id=link["account_id"], allow_sign_in=False)
    with shop.http("client", thief["access_token"]) as client:
        known_error(client.patch(path_of(shared), json={"allow_sign_in": True}), 400, ALREADY_USED)
    with shop.http("server") as server:
        ok(server.patch(path_of(link), json={"allow_sign_in": False}))
    with shop.http("client", thief["access_token"]) as client:
        assert ok(client.patch(path_of(shared), json={"allow_sign_in": True}))["allow_sign_in"] is True


def test_other_users_links_are_no_conflict_where_there_is_none(shop: Project) -> None:
    add(shop, shop.create_user()["id"])
    link = add(shop, shop.create_user()["id"], allow_sign_in=False)
    with shop.http("server") as server:
        assert ok(server.patch(path_of(link), json={"allow_sign_in": True}))["allow_sign_in"] is True
        assert ok(server.patch(path_of(link), json={"allow_sign_in": True}))["allow_sign_in"] is True


def test_the_same_id_at_two_issuers_is_two_people(server: RunningServer) -> None:
    project = new_shop(server)
    for name, host in (("one", "one"), ("other", "other"), ("again", "one")):
        entry = {"type": "oidc", "issuer": f"https://{host}.example.com", "clientId": "x", "clientSecret": "x", "isShared": False}
        project.override("environment", **{f"auth.oauth.providers.{name}": entry})
    link = add(project, project.create_user()["id"], provider_config_id="one", account_id="1")
    assert link["type"] == "oidc"
    add(project, project.create_user()["id"], provider_config_id="other", account_id="1")
    add(project, project.create_user()["id"], provider_config_id="github", account_id="1")
    with project.http("server") as client:
        body = body_of(project.create_user()["id"], provider_config_id="again", account_id="1")
        known_error(client.post("/oauth-providers", json=body), 400, ALREADY_USED)


async def test_two_who_want_one_account_at_once(shop: Project) -> None:
    users = [shop.create_user()["id"] for _ in range(8)]
    wanted = body_of(users[0])
    answers: list[httpx.Response] = []
    async with shop.async_http("server") as server:

        async def claim(user_id: str) -> None:
            answers.append(await server.post("/oauth-providers", json=wanted | {"user_id": user_id}))

        async with anyio.create_task_group() as tasks:
            for user_id in users:
                tasks.start_soon(claim, user_id)
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 7
    for answer in answers:
        if answer.status_code == 400:
            known_error(answer, 400, ALREADY_USED)
