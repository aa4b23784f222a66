"""Projects name URLs that the server asks: none of them leads behind it (QUALITY D7: SSRF)."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import httpcore
import pytest

from hexclave_server.core import outgoing_network
from hexclave_server.core.outgoing import OutgoingClient, require_web_url
from hexclave_server.core.outgoing_addresses import may_connect
from hexclave_server.core.outgoing_answers import OutgoingFailed
from tests.providers.outside import LOOPBACK, Outside, Reply, running

outside = pytest.fixture(running)

BEHIND = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.255.255.254 169.254.0.1 169.254.169.254 169.254.170.2
172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1
203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:7f00:1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::a00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:c0a8:1:: 2001:0:4136:e378:8000:63bf:80ff:fffe fc00::1 fd00:ec2::254 fdff::1 fe80::1
fe80::1%eth0 fec0::1 febf::1 ff02::1 ff05::2 2001:db8::1 3fff::1 5f00::1 100::1
::ffff:0:127.0.0.1 ::ffff:0:a00:1
""".split()  # noqa: SIM905 - to be read
PUBLIC = """
1.1.1.1 8.8.8.8 93.184.215.14 172.15.0.1 172.32.0.1 192.167.0.1 2606:4700:4700::1111 2a00:1450:4001::200e 64:ff9b::808:808
""".split()  # noqa: SIM905 - to be read


@pytest.mark.parametrize("address", BEHIND)
def test_no_address_behind_the_server_is_connected_to(address: str) -> None:
    assert not may_connect(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are(address: str) -> None:
    assert may_connect(address)
    assert not may_connect(address, public=False), "but not unencrypted"


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "1.1.1.1/32", "1.1.1.1 ", "²"])
def test_what_is_no_address_is_not(text: str) -> None:
    assert not may_connect(text)


def test_an_operator_allows_networks_of_his_own() -> None:
    allowed = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00::/64"))
    assert may_connect("10.1.2.3", allowed)
    assert may_connect("::ffff:10.1.2.3", allowed)
    assert may_connect("fd00::1", allowed, public=False)
    assert not may_connect("10.2.0.1", allowed)
    assert not may_connect("fd00:0:0:1::1", allowed)


NOT_OF_THE_WEB = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "ftp://example.com/",
    "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "data:application/json,{}",
    "javascript:alert(1)",
    "jar:http://example.com!/",
    "ws://example.com/",
    "//example.com/",
    "/relative",
    "example.com",
    "",
    "http://",
    "https:///",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com:99999/",
    "http://exa mple.com/",
    "http://[::1/",
    "http://1.2.3.4.5/",
    "http://\ud800/",
]


@pytest.mark.parametrize("url", NOT_OF_THE_WEB)
def test_what_is_no_url_of_the_web_is_not_asked(url: str) -> None:
    with pytest.raises(OutgoingFailed):
        require_web_url(url)


SPELLINGS = """
http://127.0.0.1/ http://127.1/ http://0/ http://0x7f000001/ http://2130706433/ http://017700000001/ http://0177.0.0.1/ http://0x7f.1/
http://127.0.0.1./ http://①②⑦.0.0.1/ http://[::1]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[0:0:0:0:0:0:0:1]/
http://localhost/ http://LOCALHOST/ http://localhost./ http://127.0.0.1:80\\@example.com/ https://169.254.169.254/latest/meta-data/
http://2852039166/ http://0xa9fea9fe/ http://[fd00:ec2::254]/ http://127.0.0.1%2f@/ http://127。0。0。1/ https://127.0.0.1#@example.com/
https://127.0.0.1?@example.com/ http:127.0.0.1 http:/127.0.0.1 http:\\\\127.0.0.1\\
""".split()  # noqa: SIM905 - to be read


@pytest.mark.parametrize("url", [*SPELLINGS, "https://\t127.0.0.1/", " http://127.0.0.1/ ", "http://127.0.\n0.1/"])
def test_no_spelling_leads_behind_the_server(url: str, outside: Outside) -> None:
    with pytest.raises(OutgoingFailed) as failure:
        ask(url)
    assert "no connection" not in failure.value.reason, "nobody even tried"


def ask(url: str, allowed: Any = (), *, trusted: bool = False) -> Any:
    async def run() -> Any:
        client = OutgoingClient(allowed)
        try:
            return await client.get(url, trusted=trusted)
        finally:
            await client.close()

    return asyncio.run(run())


class Resolver:
    """Answers each question for a name with the next of its answers, and the last for ever; counts."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.questions = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.questions += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture(name="connected")
def _connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to; nobody answers there."""
    hosts: list[str] = []

    async def connect(address: str, *_: object) -> httpcore.AsyncNetworkStream:
        hosts.append(address)
        raise httpcore.ConnectError

    monkeypatch.setattr(outgoing_network, "connect", connect)
    return hosts


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["2606:4700::1", "::1"], ["::ffff:169.254.169.254"], []])
def test_a_name_with_an_address_behind_the_server_is_not_asked(
    answer: list[str], connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_network, "look_up", Resolver(answer))
    with pytest.raises(OutgoingFailed, match="may not be asked"):
        ask("https://login.example.com/")
    assert connected == []


def test_the_address_that_was_checked_is_the_one_that_is_used(connected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(["93.184.215.14"], ["127.0.0.1"])  # rebinding: public when checked, ours when used
    monkeypatch.setattr(outgoing_network, "look_up", resolver)
    with pytest.raises(OutgoingFailed, match="no connection"):
        ask("https://rebinding.example.com/")
    assert connected == ["93.184.215.14"]
    assert resolver.questions == 1


def test_each_new_connection_is_checked_anew(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_network, "look_up", Resolver(["127.0.0.1"], ["10.0.0.1"]))
    outside.replies["/"] = Reply(b"{}", headers={"connection": "close"})

    async def run() -> None:
        client = OutgoingClient(LOOPBACK)
        try:
            assert (await client.get(f"http://rebinding.example.com:{outside.port}/")).status == 200
            with pytest.raises(OutgoingFailed, match="may not be asked"):
                await client.get(f"http://rebinding.example.com:{outside.port}/")
        finally:
            await client.close()

    asyncio.run(run())
    assert outside.asked[0].headers["host"] == f"rebinding.example.com:{outside.port}"


def test_nothing_goes_unencrypted_into_the_world(connected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_network, "look_up", Resolver(["93.184.215.14"]))
    with pytest.raises(OutgoingFailed, match="plain http"):
        ask("http://login.example.com/")
    assert connected == []


def test_only_the_operators_word_leads_to_this_machine(outside: Outside) -> None:
    outside.replies["/"] = {}
    assert ask(f"{outside.url}/", trusted=True).status == 200
    assert ask(f"{outside.url}/", LOOPBACK).status == 200
    with pytest.raises(OutgoingFailed):
        ask(f"{outside.url}/")
    assert len(outside.asked) == 2


def test_a_connection_that_the_operators_word_opened_serves_nobody_else(outside: Outside) -> None:
    outside.replies["/"] = {}

    async def run() -> None:
        client = OutgoingClient()
        try:
            assert (await client.get(f"{outside.url}/", trusted=True)).status == 200
            with pytest.raises(OutgoingFailed):
                await client.get(f"{outside.url}/")
            with pytest.raises(OutgoingFailed):
                await client.documents.get(f"{outside.url}/")
        finally:
            await client.close()

    asyncio.run(run())
    assert len(outside.asked) == 1


def test_sockets_of_the_machine_are_never_opened() -> None:
    async def run() -> None:
        await outgoing_network.GuardedNetwork(None).connect_unix_socket("/var/run/docker.sock")

    with pytest.raises(OutgoingFailed):
        asyncio.run(run())
