"""Tokens of providers for applications: found, probed, refreshed, and forgotten when they are refused (contract 03 §10)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from hexclave_server.core import clock
from hexclave_server.oauth import provider_tokens
from tests.attacks.inside import opened
from tests.connected_accounts.accounts import NO_SCOPE, UNAVAILABLE, Connected, stored_tokens
from tests.doubles.idp import Asked, IdentityProvider
from tests.oauth.dance import Application
from tests.server import Project
from tests.stored import rows
from tests.users.answers import known_error, ok


def test_a_good_token_is_probed_and_given(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    token = ada.token()
    assert [(one.path, one.headers["authorization"]) for one in idp.asked] == [("/me", f"Bearer {token}")]
    assert ada.token("identify") == ada.token("email identify") == ada.token("") == token
    assert idp.calls("/token") == []


def test_a_scope_that_was_never_asked_for(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    ada.has_no_token("identify guilds")
    assert idp.asked == []


def test_further_scopes_come_with_a_link_flow(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    Application(shop).sign_in(idp, ada.profile, type="link", token=ada.access_token, provider_scope="guilds")
    assert ada.token("guilds email") == ada.token("guilds")


def test_a_token_that_is_over_soon_is_refreshed(shop: Project, idp: IdentityProvider) -> None:
    idp.expires_in = 299
    ada = Connected(shop, idp)
    idp.expires_in = 3600
    token = ada.token()
    (refresh,) = idp.calls("/token")
    assert (refresh.form["grant_type"], refresh.client) == ("refresh_token", ("discord-client", "discord-secret"))
    assert "scope" not in refresh.form
    assert [one.path for one in idp.asked] == ["/token"]
    assert ada.token() == token
    assert len(idp.calls("/token")) == 1


def test_the_scope_goes_to_the_provider(shop: Project, idp: IdentityProvider) -> None:
    idp.expires_in = 1
    ada = Connected(shop, idp)
    idp.expires_in = 3600
    narrow = ada.token("email")
    assert idp.calls("/token")[-1].form["scope"] == "email"
    assert ada.token("email") == narrow
    assert ada.token("identify email") != narrow, "the narrow token has less than was granted"


def test_a_refused_token_is_forgotten_and_refreshed(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    before = ada.token()
    idp.revoke_access()
    after = ada.token()
    assert after != before
    idp.asked.clear()
    assert ada.token() == after
    assert [one.headers["authorization"] for one in idp.asked] == [f"Bearer {after}"]


def test_who_revoked_everything_is_asked_to_connect_again(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    idp.revoke()
    ada.has_no_token()
    assert [one.path for one in idp.asked] == ["/me", "/token"]
    ada.has_no_token()
    assert len(idp.asked) == 2, "what is refused once is never tried again"
    Application(shop).sign_in(idp, ada.profile, type="link", token=ada.access_token)
    assert ada.token()


@pytest.mark.parametrize("error", ["access_denied", "consent_required", "invalid_token", "unauthorized_client", "of_its_own"])
def test_a_refusal_in_whatever_words(shop: Project, idp: IdentityProvider, error: str) -> None:
    idp.expires_in = 1
    ada = Connected(shop, idp)
    idp.broken["/token"] = (400, f'{{"error": "{error}", "error_description": "a secret of the provider"}}')
    answer = ada.ask()
    known_error(answer, 400, NO_SCOPE)
    assert "secret" not in answer.text
    assert stored_tokens(shop.server, "refresh", ada.link()) == 0


@pytest.mark.parametrize("path", ["/me", "/token"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_provider_that_is_away_costs_nobody_his_tokens(shop: Project, idp: IdentityProvider, path: str, status: int) -> None:
    idp.expires_in = 3600 if path == "/me" else 1
    ada = Connected(shop, idp)
    idp.expires_in = 3600
    idp.broken[path] = (status, '{"error": "invalid_grant", "error_description": "a secret of the provider"}')
    for _ in range(2):
        answer = ada.ask()
        known_error(answer, 503, UNAVAILABLE)
        assert "secret" not in answer.text
    idp.broken.clear()
    assert ada.token()


def test_a_new_refresh_token_takes_the_place_of_the_used_one(shop: Project, idp: IdentityProvider) -> None:
    idp.expires_in, idp.rotates_refresh_tokens = 1, True
    ada = Connected(shop, idp)
    tokens = {ada.token() for _ in range(3)}
    sent = [one.form["refresh_token"] for one in idp.calls("/token")]
    assert len(tokens) == len(sent) == len(set(sent)) == 3
    assert stored_tokens(shop.server, "refresh", ada.link()) == 1


async def test_many_at_once_use_a_refresh_token_once(shop: Project, idp: IdentityProvider) -> None:
    idp.expires_in, idp.rotates_refresh_tokens = 1, True
    ada = Connected(shop, idp)
    idp.expires_in = 3600
    async with shop.async_http("client", ada.access_token) as client:
        answers = await asyncio.gather(*(client.post(ada.path, json={}) for _ in range(30)))
    assert len({ok(answer, 201)["access_token"] for answer in answers}) == 1
    assert len(idp.calls("/token")) == 1
    idp.revoke_access()
    assert ada.token(), "the new refresh token was kept"


def test_a_user_who_unlinks_takes_his_tokens_away(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    link = ada.link()
    assert (stored_tokens(shop.server, "access", link), stored_tokens(shop.server, "refresh", link)) == (1, 1)
    with shop.http("client", ada.access_token) as client:
        ok(client.delete(f"/oauth-providers/me/{link['id']}"))
    assert (stored_tokens(shop.server, "access", link), stored_tokens(shop.server, "refresh", link)) == (0, 0)


def test_tokens_of_one_account_do_not_serve_another(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    other = "another-" + ada.account_id
    with shop.http("server") as server:
        ok(server.patch(f"/oauth-providers/{ada.user_id}/{ada.link()['id']}", json={"account_id": other}))
    ada.account_id = other
    ada.has_no_token()


def test_signing_in_again_and_again_gathers_few_refresh_tokens(shop: Project, idp: IdentityProvider) -> None:
    ada = Connected(shop, idp)
    for _ in range(6):
        Application(shop).sign_in(idp, ada.profile)
    assert stored_tokens(shop.server, "refresh", ada.link()) == 5
    idp.revoke_access()
    assert ada.token()


def test_a_refresh_token_in_dead_hands_is_taken_over_after_a_minute(shop: Project, idp: IdentityProvider) -> None:
    idp.expires_in = 1
    ada = Connected(shop, idp)
    idp.expires_in = 3600
    ((token_id,),) = rows(shop.server, f"SELECT id FROM oauth_tokens WHERE kind = 'refresh' AND oauth_account_id = '{ada.link()['id']}'")

    async def take() -> bool:
        async with opened(shop.server) as inside:
            tenancy = await inside.tenancy(shop.id)
            return await inside.database.write(lambda conn: provider_tokens.lease(conn, tenancy, token_id))

    assert anyio.run(take)
    assert not anyio.run(take)
    shop.server.shift_clock(61_000)
    try:
        assert ada.token()
    finally:
        shop.server.shift_clock(0)


def test_a_client_that_goes_away_costs_no_token(shop: Project, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    idp.expires_in, idp.rotates_refresh_tokens = 1, True
    ada = Connected(shop, idp)
    idp.expires_in = 3600
    asked, go_on = threading.Event(), threading.Event()

    def answer(request: Asked, answer: Callable[[Asked], tuple[int, str]] = idp.answer) -> tuple[int, str]:
        if request.path == "/token":
            asked.set()
            go_on.wait(20)
        return answer(request)

    monkeypatch.setattr(idp, "answer", answer)

    async def ask_and_leave() -> None:
        async with shop.async_http("client", ada.access_token) as client:
            request = asyncio.create_task(client.post(ada.path, json={}))
            await asyncio.to_thread(asked.wait, 20)
            request.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await request

    asyncio.run(ask_and_leave())
    go_on.set()
    assert ada.token()
    assert len(idp.calls("/token")) == 1


@pytest.fixture
def later(tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """Sets the clock of this process ahead by so many milliseconds."""
    file = tmp_path / "clock"
    clock.use_offset_file(file)
    yield lambda millis: file.write_text(str(millis)) and None
    clock.use_offset_file(None)


async def test_access_tokens_that_are_over_are_removed(shop: Project, idp: IdentityProvider, later: Callable[[int], None]) -> None:
    ada = await asyncio.to_thread(Connected, shop, idp)
    link = await asyncio.to_thread(ada.link)
    async with opened(shop.server) as inside:
        await inside.database.write(provider_tokens.purge)
        assert await asyncio.to_thread(stored_tokens, shop.server, "access", link) == 1
        later(3_601_000)
        assert await inside.database.write(provider_tokens.purge) >= 1
    assert await asyncio.to_thread(stored_tokens, shop.server, "access", link) == 0
    assert await asyncio.to_thread(stored_tokens, shop.server, "refresh", link) == 1
