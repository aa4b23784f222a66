"""The client for what the server asks outside: what it sends, what it bears, what it keeps. Whom it asks: attacks/test_outgoing_addresses."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from typing import Any

import pytest

from hexclave_server.core import outgoing, outgoing_connections, outgoing_documents, outgoing_network
from hexclave_server.core.outgoing import OutgoingClient, basic_authorization
from hexclave_server.core.outgoing_answers import OutgoingFailed
from tests.providers.outside import LOOPBACK, Asked, Outside, Reply, client_of_this_machine, running

outside = pytest.fixture(running)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "FIRST_PAUSE_SECONDS", 0.001)


def get(url: str, **options: Any) -> Any:
    async def ask() -> Any:
        async with client_of_this_machine() as client:
            return await client.get(url, **options)

    return asyncio.run(ask())


def test_a_request_says_little_of_us(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    outside.replies["/a"] = {"fine": True}
    answer = get(f"{outside.url}/a?b=c#d", headers={"authorization": "Bearer t"})
    assert (answer.status, answer.json()) == (200, {"fine": True})
    (asked,) = outside.asked
    assert asked.query == {"b": ["c"]}
    assert asked.headers == {
        "host": f"127.0.0.1:{outside.port}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "hexclave",
        "authorization": "Bearer t",
    }


def test_a_form_is_sent_as_one(outside: Outside) -> None:
    outside.replies["/token"] = {}

    async def ask() -> None:
        async with client_of_this_machine() as client:
            await client.post_form(f"{outside.url}/token", {"code": "a b&c=d", "more": "ü"})

    asyncio.run(ask())
    assert outside.asked[0].form == {"code": "a b&c=d", "more": "ü"}
    assert outside.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_names_and_secrets_are_encoded_before_they_are_put_together() -> None:
    assert basic_authorization("a:b", "c d%") == "Basic YSUzQWI6YytkJTI1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(outside: Outside, status: int) -> None:
    outside.replies["/a"] = Reply(b"", status, {"location": f"{outside.url}/b"})
    assert get(f"{outside.url}/a").status == status
    assert outside.paths() == ["/a"]


def test_more_than_a_megabyte_is_refused(outside: Outside) -> None:
    outside.replies["/a"] = Reply(b"x" * (5 * 1024 * 1024))
    with pytest.raises(OutgoingFailed, match="more than") as failure:
        get(f"{outside.url}/a", attempts=3)
    assert not failure.value.is_transient
    assert outside.paths() == ["/a"]


def test_nothing_is_unpacked(outside: Outside) -> None:
    packed = gzip.compress(b'{"a": "' + b"x" * 5_000_000 + b'"}')
    outside.replies["/a"] = Reply(packed, 200, {"content-encoding": "gzip"})
    answer = get(f"{outside.url}/a")
    assert answer.body == packed
    with pytest.raises(OutgoingFailed, match="not JSON"):
        answer.json()


def test_who_is_slow_is_not_waited_for(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.2)
    outside.replies["/a"] = Reply(b"{}", seconds=60)
    with pytest.raises(OutgoingFailed, match="no answer within") as failure:
        get(f"{outside.url}/a")
    assert failure.value.is_transient


def test_what_may_pass_is_tried_again(outside: Outside) -> None:
    answers = iter([Reply(b"", 503), Reply(b"", 429), Reply({"a": 1})])
    outside.replies["/a"] = lambda _: next(answers)
    assert get(f"{outside.url}/a", attempts=3).json() == {"a": 1}


def test_what_does_not_pass_is_not(outside: Outside) -> None:
    outside.replies["/a"] = Reply(b"", 400)
    assert get(f"{outside.url}/a", attempts=3).status == 400
    outside.replies["/b"] = Reply(b"", 500)
    assert get(f"{outside.url}/b", attempts=3).status == 500
    assert outside.paths() == ["/a", "/b", "/b", "/b"]


def test_nobody_there() -> None:
    with pytest.raises(OutgoingFailed, match="no connection") as failure:
        get("http://127.0.0.1:1/")
    assert failure.value.is_transient


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "ü", "a\x00"])
def test_a_token_smuggles_no_header(outside: Outside, value: str) -> None:
    with pytest.raises(OutgoingFailed, match="header"):
        get(f"{outside.url}/a", headers={"authorization": value})
    assert not outside.asked


def test_one_slow_server_takes_a_share_of_the_connections_only(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "MOST_PER_ORIGIN", 3)
    outside.replies["/slow"] = Reply(b"{}", seconds=0.3)

    async def ask() -> None:
        async with client_of_this_machine() as client:
            outcomes = await asyncio.gather(*(client.get(f"{outside.url}/slow") for _ in range(5)), return_exceptions=True)
            refused = [outcome for outcome in outcomes if isinstance(outcome, OutgoingFailed)]
            assert [failure.is_transient for failure in refused] == [True, True]
            assert (await client.get(f"{outside.url}/slow")).status == 200, "there is room again"

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("found", "tried"),
    [
        ([], []),
        (["1.1.1.1"], ["1.1.1.1"]),
        (["1.1.1.1", "1.0.0.1", "8.8.8.8"], ["1.1.1.1", "1.0.0.1"]),
        (["2606:4700::1", "2606:4700::2", "1.1.1.1", "1.0.0.1"], ["2606:4700::1", "1.1.1.1"]),
        (["1.1.1.1", "1.0.0.1", "2606:4700::1"], ["1.1.1.1", "2606:4700::1"]),
    ],
)
def test_two_addresses_are_tried_of_both_families_if_there_are_both(found: list[str], tried: list[str]) -> None:
    assert outgoing_network.to_try(found) == tried


# --- connections ---


def with_client(work: Any) -> None:
    async def run() -> None:
        client = OutgoingClient(LOOPBACK)
        try:
            await work(client)
        finally:
            await client.close()

    asyncio.run(run())


def test_connections_are_kept_one_for_each_request_at_a_time(outside: Outside) -> None:
    outside.replies |= {"/a": Reply({}, seconds=0.1), "/large": Reply(b"x" * 2_000_000)}

    async def work(client: OutgoingClient) -> None:
        await asyncio.gather(*(client.get(f"{outside.url}/a") for _ in range(3)))
        await asyncio.gather(*(client.get(f"{outside.url}/a") for _ in range(3)))
        assert outside.connections == 3
        with pytest.raises(OutgoingFailed):
            await client.get(f"{outside.url}/large")
        await asyncio.gather(*(client.get(f"{outside.url}/a") for _ in range(3)))
        assert outside.connections == 4, "what was not read to its end is not used again"

    with_client(work)


def test_connections_that_nobody_uses_are_closed(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_connections, "KEPT_SECONDS", 0.05)
    monkeypatch.setattr(outgoing_connections, "SWEEP_SECONDS", 0.0)
    outside.replies["/a"] = {}

    async def work(client: OutgoingClient) -> None:
        await client.get(f"{outside.url}/a")
        await asyncio.sleep(0.1)
        await client.get(f"{outside.url}/a")
        assert outside.connections == 2

    with_client(work)


def test_a_server_may_close_what_we_keep() -> None:
    """Without a word: the next request goes over a new connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            for _ in range(3):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()

        async def work(client: OutgoingClient) -> None:
            for _ in range(3):
                assert (await client.get(f"http://127.0.0.1:{server.getsockname()[1]}/")).json() == {}
                await asyncio.sleep(0.1)

        with_client(work)
        thread.join(5)


# --- documents ---


def test_a_document_is_asked_for_once_an_hour(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(outgoing_documents.clock, "monotonic", lambda: now[0])
    outside.replies["/keys"] = Reply({"keys": []}, seconds=0.1)

    async def work(client: OutgoingClient) -> None:
        found = await asyncio.gather(*(client.documents.get(f"{outside.url}/keys") for _ in range(10)))
        assert found == [{"keys": []}] * 10
        now[0] += 3599
        await client.documents.get(f"{outside.url}/keys")
        assert len(outside.asked) == 1
        await client.documents.get(f"{outside.url}/keys", max_age_seconds=60)
        assert len(outside.asked) == 2
        now[0] += 3601
        await client.documents.get(f"{outside.url}/keys")
        assert len(outside.asked) == 3

    with_client(work)


@pytest.mark.parametrize(
    "bad", [Reply(b"<html>"), Reply(b"", 404), Reply(b"", 302, {"location": "/"}), Reply(b'"' + b"x" * 200_000 + b'"')]
)
def test_a_failure_is_not_remembered(outside: Outside, bad: Reply) -> None:
    outside.replies["/keys"] = bad

    async def work(client: OutgoingClient) -> None:
        with pytest.raises(OutgoingFailed):
            await client.documents.get(f"{outside.url}/keys")
        outside.replies["/keys"] = {"keys": []}
        assert await client.documents.get(f"{outside.url}/keys") == {"keys": []}

    with_client(work)


def test_who_gives_up_waiting_does_not_give_up_for_others(outside: Outside) -> None:
    outside.replies["/keys"] = Reply({"keys": []}, seconds=0.3)

    async def work(client: OutgoingClient) -> None:
        first = asyncio.create_task(client.documents.get(f"{outside.url}/keys"))
        await asyncio.sleep(0)
        second = asyncio.create_task(client.documents.get(f"{outside.url}/keys"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == {"keys": []}
        assert len(outside.asked) == 1

    with_client(work)


def test_only_so_many_documents_are_kept(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_documents, "MOST_KEPT", 2)

    def number(asked: Asked) -> Any:
        return {"path": asked.path}

    for path in "abc":
        outside.replies[f"/{path}"] = number

    async def work(client: OutgoingClient) -> None:
        for path in ("a", "b", "a", "c", "a", "b"):
            await client.documents.get(f"{outside.url}/{path}")
        assert outside.paths() == ["/a", "/b", "/c", "/b"]

    with_client(work)
