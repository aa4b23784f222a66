"""A provider, or whoever uses it, makes the server keep more than it should: tokens, documents, look-ups of names that nobody answers."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from typing import Any

import pytest

from hexclave_server.core import clock, outgoing_network
from hexclave_server.core.outgoing_answers import Answer
from hexclave_server.core.outgoing_documents import MAX_DOCUMENT_BYTES, Documents
from hexclave_server.core.outgoing_network import GuardedNetwork
from hexclave_server.oauth import codes
from tests.attacks.inside import opened
from tests.connected_accounts.accounts import stored_tokens
from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, person, sign_in
from tests.oauth.test_cross_domain import ask, code_of
from tests.server import Project, RunningServer
from tests.stored import rows

LONGEST_TOKEN = 16_384


def link_of(project: Project, user_id: str) -> dict[str, Any]:
    with project.http("server") as client:
        [link] = client.get("/oauth-providers", params={"user_id": user_id}).json()["items"]
    return link  # type: ignore[no-any-return]


def waiting(server: RunningServer, user_id: str) -> list[int]:
    """How long what waits in codes of the user is."""
    found = rows(server, f"SELECT length(sealed_arrival) FROM oauth_codes WHERE user_id = '{user_id}'")
    return [length or 0 for (length,) in found]


def link(shop: Project, idp: IdentityProvider, user: dict[str, Any]) -> tuple[Application, str]:
    """An account on its way to the user: the code is not exchanged."""
    application = Application(shop)
    return application, application.code_for(idp, person(), type="link", token=user["access_token"])


def test_tokens_that_live_for_years_do_not_gather(shop: Project, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idp, "expires_in", 10 * 365 * 86400)
    profile = person()
    for _ in range(7):
        user = sign_in(shop, idp, profile)["user"]
    kept = link_of(shop, user["id"])
    assert [stored_tokens(shop.server, kind, kept) for kind in ("access", "refresh")] == [5, 5]


def test_asking_for_ever_other_scopes_gathers_few_tokens(shop: Project, idp: IdentityProvider) -> None:
    profile = person()
    for number in range(53):
        application = Application(shop)
        application.code_for(idp, profile, provider_scope=f"scope-{number}")
    user = sign_in(shop, idp, profile)["user"]
    kept = link_of(shop, user["id"])
    assert [stored_tokens(shop.server, kind, kept) for kind in ("access", "refresh")] == [50, 50]
    with shop.http("server") as client:
        newest = client.post(f"/connected-accounts/{user['id']}/discord/access-token", json={"scope": "scope-52"})
    assert newest.status_code == 201, newest.text


def test_no_id_token_waits_in_a_code(shop: Project, idp: IdentityProvider) -> None:
    user = shop.sign_up()
    given = idp._tokens

    def with_id_token(*values: Any, **named: Any) -> dict[str, Any]:
        return {**given(*values, **named), "id_token": "x" * 65_000}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(idp, "_tokens", with_id_token)
        link(shop, idp, user)
    [length] = waiting(shop.server, user["user_id"])
    assert 0 < length < LONGEST_TOKEN


@pytest.mark.anyio
async def test_what_waits_in_a_code_goes_with_it(shop: Project, idp: IdentityProvider) -> None:
    user = await asyncio.to_thread(shop.sign_up)
    await asyncio.to_thread(link, shop, idp, user)
    now = clock.now_millis()
    async with opened(shop.server) as inside:
        await inside.database.write(codes.purge)
        assert len(await asyncio.to_thread(waiting, shop.server, user["user_id"])) == 1
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(clock, "now_millis", lambda: now + codes.LIFETIME_MILLIS + 60_000)
            await inside.database.write(codes.purge)
    assert await asyncio.to_thread(waiting, shop.server, user["user_id"]) == []


def test_a_code_that_was_used_hands_on_no_session_any_more(shop: Project) -> None:
    user, other = shop.sign_up(), Application(shop)
    assert other.exchange(code_of(ask(shop, user, other))).status_code == 200
    kept = rows(shop.server, f"SELECT sealed_refresh_token, used_at FROM oauth_codes WHERE user_id = '{user['user_id']}'")
    assert [(sealed, used is None) for sealed, used in kept] == [(None, False)]


def test_documents_that_are_large_once_read_are_not_kept_so() -> None:
    large = b"[" + b"[]," * (MAX_DOCUMENT_BYTES // 3 - 2) + b"[]]"

    async def fetch(_url: str, _trusted: bool) -> Answer:
        return Answer(200, bytes(bytearray(large)))

    async def run() -> int:
        documents = Documents(fetch)
        tracemalloc.start()
        for number in range(10):
            assert len(await documents.get(f"https://{number}.example.com/")) > 40_000
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held

    assert asyncio.run(run()) < 80 * MAX_DOCUMENT_BYTES, "one of them, read, has about 25 times its size"


def test_a_name_that_nobody_answers_for_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, asked = threading.Event(), []

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        if host == "slow.example.com":
            answered.wait(10)
        return ["203.0.113.1"]

    monkeypatch.setattr(outgoing_network, "look_up", look_up)

    async def run() -> None:
        network = GuardedNetwork(())
        waiting = [asyncio.create_task(network._resolve("slow.example.com", 443)) for _ in range(100)]
        await asyncio.sleep(0)
        waiting.pop().cancel()
        try:
            async with asyncio.timeout(2):
                assert await network._resolve("quick.example.com", 443) == ["203.0.113.1"]
        finally:
            answered.set()
        assert await asyncio.gather(*waiting) == [["203.0.113.1"]] * 99
        assert await network._resolve("slow.example.com", 443) == ["203.0.113.1"]

    asyncio.run(run())
    assert asked.count("slow.example.com") == 2
