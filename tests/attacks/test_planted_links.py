"""C7: whoever is lured through a sign-in that a stranger began gives the stranger nothing.

The stranger asks for a link to his own account, or for an upgrade of his anonymous one, and sends the victim the URL: that of the provider, or
the one before it, which sets the victim's cookie. The victim agrees at his provider. The stranger has the verifier, the victim the code.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, me, person, sign_in
from tests.server import Project
from tests.sessions.tokens import known_error

WAYS = ("the provider's URL", "the whole URL")
by_each_way = pytest.mark.parametrize("way", WAYS)


def lure(project: Project, idp: IdentityProvider, profile: dict[str, Any], way: str, **begun: str) -> tuple[Application, httpx.Response]:
    """The stranger's application, and where the victim's browser ends."""
    stranger, victim = Application(project), Application(project)
    if way == "the provider's URL":
        url = stranger.authorize(stack_response_mode="json", **begun).json()["location"]
    else:
        query = urlencode(stranger.query(**begun))
        url = victim.get(f"/auth/oauth/authorize/discord?{query}").headers["location"]
    return stranger, victim.come_back(idp.consent(url, profile))


def anonymous(project: Project) -> dict[str, Any]:
    with project.http("client") as client:
        answer = client.post("/auth/anonymous/sign-up")
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def sign_out(project: Project, user: dict[str, Any]) -> None:
    headers = {"x-stack-refresh-token": user["refresh_token"], "x-stack-allow-anonymous-user": "true"}
    with project.http("client", user["access_token"], **headers) as client:
        answer = client.delete("/auth/sessions/current")
    assert answer.status_code == 200, answer.text


@by_each_way
def test_the_victims_account_is_not_linked_to_the_stranger(shop: Project, idp: IdentityProvider, way: str) -> None:
    stranger, profile = shop.sign_up(), person()
    lure(shop, idp, profile, way, type="link", token=stranger["access_token"])
    assert me(shop, stranger["access_token"])["oauth_providers"] == []
    with shop.http("server") as client:
        token = client.post(f"/connected-accounts/{stranger['user_id']}/discord/access-token", json={})
    assert known_error(token) == "OAUTH_CONNECTION_NOT_CONNECTED_TO_USER"
    assert sign_in(shop, idp, profile)["user"]["id"] != stranger["user_id"]


@by_each_way
def test_the_victim_does_not_become_the_strangers_anonymous_user(shop: Project, idp: IdentityProvider, way: str) -> None:
    stranger, profile = anonymous(shop), person()
    lure(shop, idp, profile, way, token=stranger["access_token"])
    untouched = me(shop, stranger["access_token"])
    assert (untouched["is_anonymous"], untouched["primary_email"], untouched["oauth_providers"]) == (True, None, [])
    assert sign_in(shop, idp, profile)["user"]["id"] != stranger["user_id"]


@by_each_way
def test_the_code_in_the_victims_browser_is_of_no_use_there(shop: Project, idp: IdentityProvider, way: str) -> None:
    stranger, profile = shop.sign_up(), person()
    _, answer = lure(shop, idp, profile, way, type="link", token=stranger["access_token"])
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    assert known_error(Application(shop).exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    assert me(shop, stranger["access_token"])["oauth_providers"] == []


@pytest.mark.parametrize("mode", ["json", "redirect"])
def test_whoever_finishes_what_he_began_has_it(shop: Project, idp: IdentityProvider, mode: str) -> None:
    user, visitor = shop.sign_up(), anonymous(shop)
    for begun, user_id in (
        ({"type": "link", "token": user["access_token"]}, user["user_id"]),
        ({"token": visitor["access_token"]}, visitor["user_id"]),
    ):
        application, profile = Application(shop), person()
        started = application.authorize(stack_response_mode=mode, **begun)
        url = started.json()["location"] if mode == "json" else started.headers["location"]
        back = application.come_back(idp.consent(url, profile))
        code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
        tokens = application.exchange(code).json()
        assert tokens["is_new_user"] is (user_id == visitor["user_id"])
        assert me(shop, tokens["access_token"])["id"] == user_id
        assert sign_in(shop, idp, profile)["user"]["id"] == user_id


@pytest.mark.parametrize("ended", ["before he comes back", "before the exchange"])
def test_a_stolen_token_of_an_anonymous_user_gives_nobody_his_account_once_he_is_signed_out(
    shop: Project, idp: IdentityProvider, ended: str
) -> None:
    """An access token lives for minutes; what is begun with it would be for ever."""
    visitor, thief, profile = anonymous(shop), Application(shop), person()
    back = idp.consent(thief.start(token=visitor["access_token"]), profile)
    if ended == "before he comes back":
        sign_out(shop, visitor)
    answer = thief.come_back(back)
    if ended == "before the exchange":
        sign_out(shop, visitor)
    tokens = thief.exchange(parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]).json()
    assert tokens["is_new_user"] is True
    assert me(shop, tokens["access_token"])["id"] != visitor["user_id"]
    untouched = me(shop, visitor["access_token"])
    assert (untouched["is_anonymous"], untouched["oauth_providers"]) == (True, [])
