"""A3, A4, A7: passwords cannot be guessed by many tries, from many addresses, or at many accounts; and nobody is locked out for good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.addresses import BEHIND_A_PROXY, from_address, new_accounts, require_limited, sign_in
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.sessions.tokens import known_error

PASSWORD = "correct horse battery"
NEW_PASSWORD = "battery horse correct"
BURST = 10
INTERVAL = 30_000


@pytest.fixture(scope="module")
def proxied(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, BEHIND_A_PROXY) as server:
        yield server


@pytest.fixture
def project(proxied: RunningServer) -> Iterator[Project]:
    yield proxied.new_project()
    proxied.shift_clock(0)


def test_one_account_from_many_addresses(proxied: RunningServer, project: Project) -> None:
    user = project.sign_up()
    with project.http("client") as client:
        answers = [sign_in(client, user["email"], f"wrong {number}", f"198.51.100.{number}") for number in range(60)]
        assert [answer.status_code for answer in answers] == [400] * BURST + [429] * (60 - BURST)
        limited = sign_in(client, user["email"], PASSWORD, "203.0.113.1")
        require_limited(limited, INTERVAL // 1000)
        proxied.shift_clock(int(limited.headers["retry-after"]) * 1000)
        assert sign_in(client, user["email"], PASSWORD, "203.0.113.1").status_code == 200


def test_the_right_password_while_limited_reads_like_a_wrong_one(project: Project) -> None:
    user = project.sign_up()
    with project.http("client") as client:
        for number in range(BURST):
            sign_in(client, user["email"], f"wrong {number}", "198.51.100.1")
        wrong, right = (sign_in(client, user["email"], password, "198.51.100.1") for password in ("wrong", PASSWORD))
    assert (wrong.status_code, wrong.json()) == (right.status_code, right.json()) or abs(
        int(wrong.headers["retry-after"]) - int(right.headers["retry-after"])
    ) <= 1
    require_limited(right)


@pytest.mark.anyio
async def test_parallel_tries_are_counted_before_they_are_checked(project: Project) -> None:
    email = project.sign_up()["email"]
    async with project.async_http("client") as client:
        bodies = ({"email": email, "password": f"wrong {number}"} for number in range(60))
        calls = (
            client.post("/auth/password/sign-in", json=body, headers=from_address(f"198.51.100.{number}"))
            for number, body in enumerate(bodies)
        )
        answers = await asyncio.gather(*calls)
    codes = [answer.status_code for answer in answers]
    assert codes.count(400) <= BURST
    assert codes.count(400) + codes.count(429) + codes.count(503) == 60


def test_right_passwords_are_given_back(project: Project) -> None:
    user = project.sign_up()
    with project.http("client") as client:
        for _ in range(3 * BURST):
            assert sign_in(client, user["email"], PASSWORD, "198.51.100.1").status_code == 200


def test_a_stranger_keeps_nobody_out_whose_session_lives(proxied: RunningServer, project: Project) -> None:
    user = project.sign_up()
    with project.http("client") as client:
        for number in range(2 * BURST):
            sign_in(client, user["email"], f"wrong {number}", "198.51.100.1")
        answer = client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": user["refresh_token"]})
    assert answer.status_code == 200


def test_old_passwords_cannot_be_guessed_with_a_stolen_session(project: Project) -> None:
    user = project.sign_up()
    with project.http("client", user["access_token"]) as client:

        def update(old: str) -> httpx.Response:
            return client.post("/auth/password/update", json={"old_password": old, "new_password": NEW_PASSWORD})

        answers = [update(f"wrong {number}") for number in range(BURST + 5)]
        assert [known_error(answer) for answer in answers[:BURST]] == ["PASSWORD_CONFIRMATION_MISMATCH"] * BURST
        require_limited(answers[-1], INTERVAL // 1000)
        require_limited(update(PASSWORD))


@pytest.mark.parametrize(
    "addresses",
    [
        ["203.0.113.7", "::ffff:203.0.113.7", "::FFFF:CB00:7107"],
        ["2001:db8:1:2::1", "2001:DB8:1:2:0:0:0:99", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
    ],
)
def test_spraying_many_accounts_from_one_place_is_limited(project: Project, addresses: list[str]) -> None:
    emails = [new_email() for _ in range(125)]
    with project.http("client") as client:
        codes = [sign_in(client, email, "wrong", addresses[number % len(addresses)]).status_code for number, email in enumerate(emails)]
        assert 100 <= codes.count(400) <= 105, "a burst of a hundred, and what comes back while the test runs"
        assert codes[-1] == 429
        other = "192.0.2.1" if ":" not in addresses[0] else "2001:db8:1:3::1"
        assert sign_in(client, new_email(), "wrong", other).status_code == 400


def test_right_passwords_from_one_place_are_not_limited(project: Project) -> None:
    emails = new_accounts(project, 8, PASSWORD)
    with project.http("client") as client:
        for _ in range(15):
            for email in emails:
                assert sign_in(client, email, PASSWORD, "203.0.113.9").status_code == 200


def test_signing_up_does_not_list_taken_addresses(project: Project) -> None:
    taken = project.sign_up()["email"]
    with project.http("client") as client:
        answers = [
            client.post("/auth/password/sign-up", json={"email": taken, "password": PASSWORD}, headers=from_address("203.0.113.20"))
            for _ in range(110)
        ]
    assert answers[0].status_code == 409
    require_limited(answers[-1])


@pytest.mark.parametrize("way", ["a new channel", "an existing channel", "the primary email"])
def test_neither_do_addresses_that_a_user_claims_for_himself(project: Project, way: str) -> None:
    """The answer tells, by contract, whether somebody signs in with an address: it is given no more often than at sign-up."""
    taken, user = project.sign_up()["email"], project.sign_up()
    with project.http("client", user["access_token"], **from_address("203.0.113.21")) as client:
        [channel] = client.get("/contact-channels", params={"user_id": "me"}).json()["items"]

        def claim(email: str) -> httpx.Response:
            if way == "the primary email":
                return client.patch("/users/me", json={"primary_email": email})
            if way == "an existing channel":
                return client.patch(f"/contact-channels/me/{channel['id']}", json={"value": email})
            return client.post("/contact-channels", json={"user_id": "me", "type": "email", "value": email, "used_for_auth": True})

        answers = [claim(taken) for _ in range(110)]
        assert answers[0].status_code == 409
        require_limited(answers[-1])
        require_limited(claim(new_email()))
        project.server.shift_clock(5_000)
        assert claim(new_email()).status_code in (200, 201)


def test_wrong_refresh_tokens_are_limited_and_right_ones_are_not(project: Project) -> None:
    user = project.sign_up()
    path, address = "/auth/sessions/current/refresh", from_address("203.0.113.30")
    with project.http("client") as client:
        answers = [client.post(path, headers={**address, "x-stack-refresh-token": f"{number:045}"}) for number in range(320)]
        assert known_error(answers[299]) == "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"
        require_limited(answers[-1])
        assert client.post(path, headers={**address, "x-stack-refresh-token": user["refresh_token"]}).status_code == 200


def test_tries_are_counted_although_each_request_fails_and_the_server_starts_anew(database: DatabaseKind) -> None:
    with running_server(database, BEHIND_A_PROXY) as server:
        project = server.new_project()
        email = project.sign_up()["email"]
        with project.http("client") as client:
            for number in range(BURST):
                assert sign_in(client, email, "wrong", f"198.51.100.{number}").status_code == 400
        server.stop()
        server.start()
        with project.http("client") as client:
            require_limited(sign_in(client, email, PASSWORD, "198.51.100.99"))
