"""A7, A8, B4: the six characters of a sign-in code cannot be guessed: not by many tries, not by many codes, not by checking."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from hexclave_server.core.randomness import ALPHABET
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS, SIGN_IN_CODE
from hexclave_server.verification_codes.service import MAX_ATTEMPTS, SHORT_PART, CodeKind
from tests.attacks.addresses import require_limited
from tests.attacks.codes import attempts, sign_in_codes, wrong_guesses
from tests.otp.calls import ask, check, sign_in, verified_user
from tests.passwords import resets
from tests.passwords.calls import PASSWORD
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server
from tests.sessions.tokens import known_error

BURST, INTERVAL = SIGN_IN_CODE.burst, int(SIGN_IN_CODE.interval_seconds)
DAY = 24 * 3600


@pytest.fixture
def project(server: RunningServer) -> Iterator[Project]:
    yield server.new_project(magic_link_enabled=True)
    server.shift_clock(0)


@pytest.fixture(scope="module")
def unthrottled(database: DatabaseKind) -> Iterator[RunningServer]:
    with running_server(database, {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true"}) as server:
        yield server


def test_the_risk_of_a_day_of_guessing_is_below_one_in_a_million() -> None:
    codes = len(ALPHABET) ** SHORT_PART
    tries = BURST + DAY / SIGN_IN_CODE.interval_seconds
    print(f"{tries:.0f} tries of {codes}: 1 in {codes / tries:.0f}")
    assert tries / codes < 2**-20
    assert BURST > MAX_ATTEMPTS, "else nobody would see a code end after its tries"


async def test_fifty_wrong_tries_are_fifty_in_the_database(unthrottled: RunningServer) -> None:
    project = unthrottled.new_project(magic_link_enabled=True)
    [code] = await sign_in_codes(project, new_email())
    for number, guess in enumerate(wrong_guesses(code, 50)):
        answer = sign_in(project, guess) if number % 2 else check(project, guess)
        assert known_error(answer) == "VERIFICATION_CODE_NOT_FOUND"
    assert attempts(project, CodeKind.SIGN_IN) == [50]
    assert known_error(sign_in(project, code)) == "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED"


async def all_at_once(project: Project, codes: list[str], path: str = "/auth/otp/sign-in") -> list[httpx.Response]:
    async with project.async_http("client") as client:
        return await asyncio.gather(*(client.post(path, json={"code": code}) for code in codes))


async def test_of_a_thousand_parallel_guesses_at_one_code_few_are_answered(server: RunningServer, project: Project) -> None:
    email = new_email()
    verified_user(project, email)
    [code] = await sign_in_codes(project, email)
    statuses = [answer.status_code for answer in await all_at_once(project, wrong_guesses(code, 1000))]
    assert statuses.count(404) + statuses.count(429) + statuses.count(503) == 1000
    assert MAX_ATTEMPTS < statuses.count(404) <= BURST + 2, "and what comes back while the test runs"
    require_limited(sign_in(project, code), INTERVAL)
    server.shift_clock(DAY * 1000)
    assert known_error(sign_in(project, code)) == "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED", "the code is dead"


async def test_without_throttles_a_code_still_dies_after_its_tries(unthrottled: RunningServer) -> None:
    project = unthrottled.new_project(magic_link_enabled=True)
    [code] = await sign_in_codes(project, new_email())
    answers = await all_at_once(project, wrong_guesses(code, 200))
    assert {answer.status_code for answer in answers} <= {404, 503}
    assert known_error(sign_in(project, code)) == "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED"


async def test_new_codes_bring_no_new_tries(server: RunningServer, project: Project) -> None:
    email = new_email()
    user = verified_user(project, email)
    codes = await sign_in_codes(project, email, BURST + 10)
    answers = [(check if number % 2 else sign_in)(project, wrong_guesses(code, 1)[0]) for number, code in enumerate(codes)]
    assert [answer.status_code for answer in answers] == [404] * BURST + [429] * 10
    for wrong_or_right in (wrong_guesses(codes[-1], 1)[0], codes[-1]):
        limited = check(project, wrong_or_right)
        require_limited(limited, INTERVAL)
    server.shift_clock(int(limited.headers["retry-after"]) * 1000)
    assert sign_in(project, codes[-1]).json()["user_id"] == user["id"]


async def test_addresses_that_nobody_has_are_counted_like_others(project: Project) -> None:
    answers = [sign_in(project, wrong_guesses(code, 1)[0]) for code in await sign_in_codes(project, new_email(), BURST + 1)]
    assert [answer.status_code for answer in answers] == [404] * BURST + [429]


async def test_other_accounts_go_on(project: Project) -> None:
    victim, other = new_email(), new_email()
    for code in await sign_in_codes(project, victim, BURST + 1):
        sign_in(project, wrong_guesses(code, 1)[0])
    assert sign_in(project, code).status_code == 429
    assert sign_in(project, ask(project, other).code).status_code == 200


async def test_a_back_end_counts_accounts_too_but_not_its_address(project: Project) -> None:
    email = new_email()
    answers = [sign_in(project, wrong_guesses(code, 1)[0], access="server") for code in await sign_in_codes(project, email, BURST + 2)]
    assert [answer.status_code for answer in answers] == [404] * BURST + [429] * 2


async def test_guesses_at_many_accounts_from_one_address_are_limited(project: Project) -> None:
    statuses = []
    for _ in range(GUESSES_BY_ADDRESS.burst // BURST + 1):
        [code] = await sign_in_codes(project, new_email())
        statuses += [
            answer.status_code for answer in await all_at_once(project, wrong_guesses(code, BURST), "/auth/otp/sign-in/check-code")
        ]
    assert statuses.count(404) <= GUESSES_BY_ADDRESS.burst + 10, "and what comes back while the test runs"
    assert 429 in statuses


async def test_right_codes_are_given_back(project: Project) -> None:
    email = new_email()
    verified_user(project, email)
    codes = await sign_in_codes(project, email, 3)
    for code in codes:
        for _ in range(MAX_ATTEMPTS - 1):
            assert check(project, code).status_code == 200
        assert sign_in(project, code).status_code == 200


async def test_a_stranger_keeps_nobody_out_who_resets_his_password(project: Project) -> None:
    email = new_email()
    verified_user(project, email)
    for code in await sign_in_codes(project, email, BURST + 1):
        sign_in(project, wrong_guesses(code, 1)[0])
    require_limited(sign_in(project, code), INTERVAL)
    assert resets.reset(project, resets.ask(project, email), PASSWORD).status_code == 200
    assert sign_in(project, code).status_code == 200
