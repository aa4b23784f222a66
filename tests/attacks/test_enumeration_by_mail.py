"""A1, A2: asking for mail tells nobody whether an account exists: not by the answer, not by its time, not by when one is refused.

Exceptions by contract 02 §3.1: a sign-in code for an address that its user never verified, or that nobody has while sign-up is off.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.addresses import BEHIND_A_PROXY, from_address, require_limited
from tests.attacks.test_enumeration import CERTAIN, comparable, mann_whitney_z
from tests.otp import calls as otp
from tests.passwords import resets
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server

PATHS = ("/auth/password/send-reset-code", "/auth/otp/send-sign-in-code")
PASSWORD = "correct horse battery"
SAMPLES = 200
MEASUREMENTS = 3


@pytest.fixture(scope="module")
def unthrottled(database: DatabaseKind) -> Iterator[RunningServer]:
    """With the local mailbox: a mail server in the process that measures would disturb it."""
    with running_server(database, {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true"}, mail=False) as server:
        yield server


@pytest.fixture(scope="module")
def proxied(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, BEHIND_A_PROXY) as server:
        yield server


def send(client: httpx.Client, path: str, email: str, **headers: str) -> httpx.Response:
    return client.post(path, json={"email": email, "callback_url": "http://localhost/page"}, headers=headers)


def known_address(project: Project, **fields: object) -> str:
    email = new_email()
    otp.verified_user(project, email, **fields)
    return email


def test_every_kind_of_account_gives_the_same_answer_to_a_reset(server: RunningServer) -> None:
    project = server.new_project()
    unknown = comparable(resets.send(project, new_email()))
    assert unknown[0] == 200
    not_for_sign_in = new_email()
    project.create_user(primary_email=not_for_sign_in, primary_email_auth_enabled=False)
    emails = [
        project.sign_up()["email"],
        not_for_sign_in,
        known_address(project),
        known_address(project, password=PASSWORD, restricted_by_admin=True),
        known_address(project, password=PASSWORD, totp_secret_base64="AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ]
    for email in (*emails, emails[0].upper()):
        assert comparable(resets.send(project, email)) == unknown


def test_known_and_unknown_addresses_give_the_same_answer_to_a_sign_in_code(server: RunningServer) -> None:
    project = server.new_project(magic_link_enabled=True)

    def answer_for(email: str) -> tuple[int, list[tuple[str, str]], list[str], int]:
        status, content, headers = comparable(otp.send(project, email))
        body = httpx.Response(status, content=content).json()
        return status, headers, list(body), len(body["nonce"])

    unknown = answer_for(new_email())
    assert unknown[0] == 200
    for fields in ({}, {"password": PASSWORD}, {"restricted_by_admin": True}, {"otp_auth_enabled": True}):
        assert answer_for(known_address(project, **fields)) == unknown


@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_addresses_are_refused_after_as_many_mails(proxied: RunningServer, path: str) -> None:
    project = proxied.new_project(magic_link_enabled=True)
    with project.http("client") as client:
        for email in (known_address(project), new_email()):
            answers = [send(client, path, email, **from_address(f"198.51.100.{number}")) for number in range(13)]
            assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 3
            require_limited(answers[-1], 60)
    other = next(one for one in PATHS if one != path)
    with project.http("client") as client:
        assert send(client, other, email).status_code == 200, "who uses up one kind of mail leaves the other"
        assert send(client, path, new_email()).status_code == 200


def test_mail_to_many_addresses_from_one_place_is_limited(proxied: RunningServer) -> None:
    project = proxied.new_project(magic_link_enabled=True)
    with project.http("client") as client:
        answers = [send(client, PATHS[number % 2], new_email(), **from_address("203.0.113.77")) for number in range(75)]
        assert 60 <= [answer.status_code for answer in answers].count(200) <= 70
        require_limited(answers[-1], 10)
        assert send(client, PATHS[0], new_email(), **from_address("203.0.113.78")).status_code == 200
    with project.http("server") as client:
        assert send(client, PATHS[0], new_email(), **from_address("203.0.113.77")).status_code == 200, "a back end asks for many"


@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_addresses_take_the_same_time(unthrottled: RunningServer, path: str) -> None:
    """Of the request itself, and of the one after it. Measured again when they can be told apart: what else the machine does passes."""
    project = unthrottled.new_project(magic_link_enabled=True)
    known = known_address(project, password=PASSWORD, otp_auth_enabled=True)
    verdicts: list[str] = []
    for _ in range(MEASUREMENTS):
        found = [verdict(which, times) for which, times in seconds(project, path, known).items()]
        verdicts += [text for _, text in found]
        if all(alike for alike, _ in found):
            print(*verdicts, sep="\n")
            return
    pytest.fail("; ".join(verdicts))


def seconds(project: Project, path: str, known: str) -> dict[str, dict[bool, list[float]]]:
    """What the request takes, and the one after it, for the known address (True) and for unknown ones, in an order that nobody knows."""
    itself: dict[bool, list[float]] = {True: [], False: []}
    next_one: dict[bool, list[float]] = {True: [], False: []}
    order = [True, False] * SAMPLES
    random.shuffle(order)
    with project.http("client") as client:
        for is_known in order:
            email = known if is_known else new_email()
            started = time.perf_counter()
            assert send(client, path, email).status_code == 200
            answered = time.perf_counter()
            client.get("/projects/current")
            itself[is_known].append(answered - started)
            next_one[is_known].append(time.perf_counter() - answered)
    return {"the request": itself, "the one after it": next_one}


def verdict(which: str, times: dict[bool, list[float]]) -> tuple[bool, str]:
    ratio, z = statistics.median(times[True]) / statistics.median(times[False]), mann_whitney_z(times[True], times[False])
    text = f"{which}: known addresses take {ratio:.3f} of the time of unknown ones, {z:.2f} standard deviations apart"
    return z < CERTAIN and (which != "the request" or 0.9 < ratio < 1.1), text
