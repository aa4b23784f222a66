"""C3, C5, B1: codes, states, verifiers and cookies in other hands than those that they were made for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, me, new_project, person, sign_in
from tests.server import DatabaseKind, Project, running_server
from tests.sessions.tokens import known_error

AT_ONCE = 50


def cookies_of(application: Application) -> dict[str, str]:
    return {cookie.name: cookie.value or "" for cookie in application.cookies.jar}


def test_nothing_of_one_sign_in_fits_another(shop: Project, own_shop: Project, idp: IdentityProvider) -> None:
    """C5: a code with every verifier, redirect URI and client but its own."""
    uris = ("http://localhost:3000/a", "http://localhost:3000/b")
    applications = [Application(project, redirect_uri=uri) for project in (shop, own_shop) for uri in uris]
    victim, profile = applications[0], person()
    for verifier, target, client in itertools.product(applications, repeat=3):
        parts = (verifier.verifier, target.redirect_uri, client.project.id)
        if parts == (victim.verifier, victim.redirect_uri, victim.project.id):
            continue
        fresh = Application(victim.project, redirect_uri=victim.redirect_uri)
        fresh.verifier = victim.verifier
        code = fresh.code_for(idp, profile)
        answer = fresh.exchange(
            code,
            code_verifier=verifier.verifier,
            redirect_uri=target.redirect_uri,
            client_id=client.project.id,
            client_secret=client.project.publishable_client_key,
        )
        assert answer.status_code == 400
        assert "token" not in answer.text


@pytest.mark.parametrize("mode", ["json", "redirect"])
def test_a_strangers_way_back_signs_nobody_in(shop: Project, idp: IdentityProvider, mode: str) -> None:
    """C3, sign-in CSRF: the victim follows the stranger's way back; nothing comes of it without the stranger's verifier."""
    stranger, victim = Application(shop), Application(shop)
    started = stranger.authorize(stack_response_mode=mode)
    url = started.json()["location"] if mode == "json" else started.headers["location"]
    answer = victim.come_back(idp.consent(url, person()))
    if mode == "redirect":
        assert answer.status_code == 400
        return
    # The application compares the state with its own, and has no verifier for the code.
    assert f"state={victim.state}" not in answer.headers["location"]
    code = answer.headers["location"].partition("code=")[2].partition("&")[0]
    assert known_error(victim.exchange(code)) == "INVALID_AUTHORIZATION_CODE"


def test_cookies_of_others_and_made_up_ones_do_not_help(shop: Project, idp: IdentityProvider) -> None:
    """C3."""
    one, other = Application(shop), Application(shop)
    back = idp.consent(one.start(), person())
    other.start()
    name, other_name = [next(iter(cookies_of(application))) for application in (one, other)]
    for cookies in (
        {},
        {other_name: "true"},
        {name: "false"},
        {name: ""},
        {name.upper(): "true"},
        {name + "x": "true"},
        {"x": f"{name}=true"},
    ):
        header = "; ".join(f"{key}={value}" for key, value in cookies.items())
        answer = httpx.get(back, headers={"cookie": header})
        assert (answer.status_code, "location" in answer.headers) == (400, False), header
    assert one.come_back(back).status_code == 303


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "none"},
        {"code_challenge_method": ""},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge": None},
        {"code_challenge": ""},
    ],
)
def test_proof_is_not_weakened(shop: Project, idp: IdentityProvider, changed: dict[str, Any]) -> None:
    """C3: S256 or nothing."""
    answer = Application(shop).authorize(**changed)
    assert (answer.status_code, known_error(answer)) == (400, "SCHEMA_ERROR")


@pytest.mark.parametrize("verifier", ["challenge", "", None, "x", "x" * 100_000, "\u00e9", "own + newline"])
def test_only_the_verifier_itself_proves(shop: Project, idp: IdentityProvider, verifier: str | None) -> None:
    """C3: not the challenge, which travels through the browser, nor something like the verifier."""
    application = Application(shop)
    code = application.code_for(idp, person())
    brought = {"challenge": application.challenge, "own + newline": application.verifier + "\n"}.get(verifier or "", verifier)
    assert application.exchange(code, code_verifier=brought).status_code in (400, 413)


def test_each_flow_has_secrets_of_its_own(shop: Project, idp: IdentityProvider) -> None:
    """C3: state and challenge at the provider are ours, and never twice the same."""
    urls = [httpx.URL(Application(shop).start()) for _ in range(20)]
    for name in ("state", "code_challenge"):
        assert len({url.params[name] for url in urls}) == len(urls)
        assert {len(url.params[name]) for url in urls} == {43}


def test_a_stolen_code_that_is_used_first_is_of_no_lasting_use(shop: Project, idp: IdentityProvider) -> None:
    """C5: when the owner of the code comes, too, the thief's session ends."""
    application = Application(shop)
    code = application.code_for(idp, person())
    stolen = application.exchange(code).json()
    assert known_error(application.exchange(code)) == "INVALID_AUTHORIZATION_CODE"
    form = {"grant_type": "refresh_token", "refresh_token": stolen["refresh_token"], "client_id": shop.id}
    with shop.server.http() as client:
        answer = client.post("/auth/oauth/token", data={**form, "client_secret": shop.publishable_client_key})
    assert known_error(answer) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


# --- at the same time, on two processes ---


@pytest.fixture(scope="module")
def crowded(database: DatabaseKind, running_idp: IdentityProvider) -> Iterator[Project]:
    settings = {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true", **running_idp.settings_for("discord")}
    with running_server(database, settings, workers=2, mail=False) as server:
        yield new_project(server)


async def exchange_at_once(application: Application, code: str) -> list[httpx.Response]:
    project: Project = application.project
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": application.redirect_uri,
        "code_verifier": application.verifier,
        "client_id": project.id,
        "client_secret": project.publishable_client_key,
    }
    async with project.async_http("client") as client:
        return await asyncio.gather(*(client.post("/auth/oauth/token", data=form) for _ in range(AT_ONCE)))


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["sign in", "link", "become somebody"])
async def test_one_of_fifty_who_bring_a_code_succeeds(crowded: Project, idp: IdentityProvider, kind: str) -> None:
    """B1, also where a link or a name waits in the code: it is done once."""
    for _ in range(3):
        application, profile, begun = Application(crowded), person(), {}
        if kind == "link":
            begun = {"type": "link", "token": crowded.sign_up()["access_token"]}
        elif kind == "become somebody":
            with crowded.http("client") as client:
                begun = {"token": client.post("/auth/anonymous/sign-up").json()["access_token"]}
        answers = await exchange_at_once(application, application.code_for(idp, profile, **begun))
        good = [answer for answer in answers if answer.status_code == 200]
        assert len(good) == 1
        assert {known_error(answer) for answer in answers} == {None, "INVALID_AUTHORIZATION_CODE"}
        user = me(crowded, good[0].json()["access_token"])
        assert [account["account_id"] for account in user["oauth_providers"]] == [profile["id"]]
        assert sign_in(crowded, idp, profile)["user"]["id"] == user["id"]


@pytest.mark.anyio
async def test_one_of_fifty_who_come_back_with_a_state_is_heard(crowded: Project, idp: IdentityProvider) -> None:
    """B1: the provider's code is brought to it once."""
    application = Application(crowded)
    back = idp.consent(application.start(), person())
    idp.asked.clear()
    cookie = "; ".join(f"{name}={value}" for name, value in cookies_of(application).items())
    async with crowded.async_http("client") as client:
        answers = await asyncio.gather(*(client.get(back, headers={"cookie": cookie}) for _ in range(AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [303, *[400] * (AT_ONCE - 1)]
    assert len(idp.calls("/token")) == 1
