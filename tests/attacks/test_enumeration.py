"""A1, A2: nobody learns by signing in whether an account exists, neither from the answer nor from the time it takes."""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.addresses import require_limited
from tests.server import DatabaseKind, Project, RunningServer, free_port, new_email, running_server
from tests.sessions.tokens import known_error

PASSWORD = "correct horse battery"
SAMPLES = 200
ROUNDS = 4
CERTAIN = 2.58  # standard deviations: chance goes beyond in 1 round of 100, so in all of them in 1 run of 100 millions


@pytest.fixture(scope="module")
def unthrottled(database: DatabaseKind) -> Iterator[RunningServer]:
    settings = {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true", "HEXCLAVE_METRICS": "on", "HEXCLAVE_METRICS_PORT": str(free_port())}
    with running_server(database, settings) as server:
        yield server


def attempt(project: Project, email: str, password: str = "wrong password") -> httpx.Response:
    with project.http("client") as client:
        return client.post("/auth/password/sign-in", json={"email": email, "password": password})


def comparable(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    varying = ("date", "x-stack-request-id")
    return answer.status_code, answer.content, sorted((name, value) for name, value in answer.headers.items() if name not in varying)


def test_every_kind_of_account_gives_the_same_answer(own_project: Project) -> None:
    known, passwordless, oauth_only, restricted = (new_email() for _ in range(4))
    own_project.sign_up(known)
    own_project.create_user(primary_email=passwordless, primary_email_auth_enabled=True)
    own_project.create_user(primary_email=oauth_only, primary_email_auth_enabled=False)
    own_project.create_user(primary_email=restricted, primary_email_auth_enabled=True, password=PASSWORD, restricted_by_admin=True)
    unknown = comparable(attempt(own_project, new_email()))
    assert unknown[0] == 400
    for email in (known, known.upper(), passwordless, oauth_only, restricted):
        assert comparable(attempt(own_project, email)) == unknown


def test_the_throttle_counts_unknown_accounts_like_known_ones(own_project: Project) -> None:
    known = own_project.sign_up()["email"]
    answers = {email: [attempt(own_project, email) for _ in range(12)] for email in (known, new_email())}
    for series in answers.values():
        assert [answer.status_code for answer in series] == [400] * 10 + [429] * 2
        require_limited(series[-1], 30)


def hashes(server: RunningServer) -> int:
    page = httpx.get(f"http://127.0.0.1:{server.environment['HEXCLAVE_METRICS_PORT']}/metrics").text
    found = re.search(r"^hexclave_password_hashes(?:\{[^}]*\})? (\S+)$", page, re.MULTILINE)
    assert found is not None, page
    return int(float(found[1]))


def test_every_failure_costs_exactly_one_verification(unthrottled: RunningServer) -> None:
    project = unthrottled.project
    known, passwordless = project.sign_up()["email"], new_email()
    project.create_user(primary_email=passwordless, primary_email_auth_enabled=True)
    for email in (known, new_email(), passwordless):
        before = hashes(unthrottled)
        assert known_error(attempt(project, email)) == "EMAIL_PASSWORD_MISMATCH"
        assert hashes(unthrottled) == before + 1


def test_known_and_unknown_accounts_take_the_same_time(unthrottled: RunningServer) -> None:
    """Measured again when they can be told apart: whatever else the machine does is no leak, and passes.

    By ranks only. A hash left out is some 17 standard deviations; medians of a busy machine differ by a tenth without any leak.
    """
    known = unthrottled.project.sign_up()["email"]
    verdicts = []
    for _ in range(ROUNDS):
        before = hashes(unthrottled)
        times = seconds_of_failures(unthrottled.project, known)
        assert hashes(unthrottled) == before + 2 * SAMPLES, "one verification for each try"
        ratio, z = statistics.median(times[True]) / statistics.median(times[False]), mann_whitney_z(times[True], times[False])
        verdicts.append(f"known accounts take {ratio:.3f} of the time of unknown ones, {z:.2f} standard deviations apart")
        if z < CERTAIN:
            print(verdicts[-1])
            return
    pytest.fail("; ".join(verdicts))


def seconds_of_failures(project: Project, known: str) -> dict[bool, list[float]]:
    """What sign-ins with a wrong password take, for the known account (True) and for unknown ones, in an order that nothing else follows."""
    times: dict[bool, list[float]] = {True: [], False: []}
    with project.http("client") as client:
        for is_known in random.sample([True, False] * SAMPLES, 2 * SAMPLES):
            body = {"email": known if is_known else new_email(), "password": "wrong password"}
            started = time.perf_counter()
            assert client.post("/auth/password/sign-in", json=body).status_code == 400
            times[is_known].append(time.perf_counter() - started)
    return times


def mann_whitney_z(first: list[float], second: list[float]) -> float:
    """How many standard deviations the rank sum is from what chance gives (normal approximation of the U test)."""
    ranked = sorted([(value, True) for value in first] + [(value, False) for value in second])
    rank_sum = sum(rank for rank, (_, is_first) in enumerate(ranked, 1) if is_first)
    n, m = len(first), len(second)
    u = rank_sum - n * (n + 1) / 2
    return abs(u - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5
