"""A6: no endpoint without a traffic limit, and none that takes a secret without a throttle; declared, and seen at work."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import msgspec
import pytest

from hexclave_server import routes
from hexclave_server.core.context import Access
from hexclave_server.core.endpoint import ByAccess, Endpoint
from hexclave_server.core.limits import LimitClass
from hexclave_server.core.throttles import Throttle
from tests.attacks.addresses import BEHIND_A_PROXY, from_address, require_limited
from tests.server import RunningServer, running_server

SECRETS = {
    "password",
    "old_password",
    "new_password",
    "code",
    "totp",
    "recovery_code",
    "client_secret",
    "refresh_token",
    "attempt_code",
    "login_code",
    "polling_code",
    "anon_refresh_token",
}
SECRET_IN_HEADER = {"/auth/sessions/current/refresh"}
SOME_ID = "7f1d1ab8-6f21-4c2e-9c0b-5a0a0f7e1c11"


def body_fields(endpoint: Endpoint) -> set[str]:
    shape = endpoint.body.client if isinstance(endpoint.body, ByAccess) else endpoint.body
    return set() if shape is None else {field.encode_name for field in msgspec.structs.fields(shape)}


def takes_a_secret(endpoint: Endpoint) -> bool:
    """Of those that anybody on the internet can call: server and admin endpoints were opened by a key that nobody guesses."""
    return endpoint.access <= Access.CLIENT and (bool(body_fields(endpoint) & SECRETS) or endpoint.path in SECRET_IN_HEADER)


@pytest.mark.parametrize("endpoint", [*routes.API, *routes.SITE], ids=lambda e: f"{e.method} {e.path}")
def test_every_endpoint_declares_a_limit(endpoint: Endpoint) -> None:
    assert isinstance(endpoint.limit, LimitClass)
    assert endpoint.limit.per_address <= 1200


@pytest.mark.parametrize("endpoint", [e for e in routes.API if takes_a_secret(e)], ids=lambda e: f"{e.method} {e.path}")
def test_every_endpoint_that_takes_a_secret_declares_a_throttle(endpoint: Endpoint) -> None:
    assert isinstance(endpoint.throttle, Throttle)


def test_the_rule_finds_the_endpoints_it_is_for() -> None:
    found = {endpoint.path for endpoint in routes.API if takes_a_secret(endpoint)}
    assert {"/auth/password/sign-in", "/auth/password/update", "/auth/oauth/token", "/auth/sessions/current/refresh"} <= found


@pytest.fixture(scope="module")
def strict() -> Iterator[RunningServer]:
    with running_server("sqlite", {**BEHIND_A_PROXY, "HEXCLAVE_RATE_LIMITS": "0.01x"}) as server:
        server.shift_clock(60_000 - int(time.time() * 1000) % 60_000)  # a window begins with the tests, and does not end among them
        yield server


@pytest.mark.parametrize("number", range(len(routes.API)), ids=lambda n: f"{routes.API[n].method} {routes.API[n].path}")
def test_every_endpoint_limits_those_without_credentials(strict: RunningServer, number: int) -> None:
    endpoint = routes.API[number]
    path = re.sub(r"\{[a-z_]+\}", SOME_ID, endpoint.path)
    quota = max(1, round(endpoint.limit.per_address * 0.01))
    with strict.http(from_address(f"198.51.{100 + number // 250}.{number % 250}")) as client:
        body = None if endpoint.method in ("GET", "DELETE") else {}
        answers = [client.request(endpoint.method, strict.api_url + path.rstrip("/"), json=body) for _ in range(quota + 1)]
    assert all(answer.status_code != 429 for answer in answers[:quota])
    require_limited(answers[-1], 120)
    assert answers[-1].headers["ratelimit-policy"] == f'"{endpoint.limit.name}-by-address";q={quota};w=60'
    assert re.fullmatch(rf'"{endpoint.limit.name}-by-address";r=0;t=\d+', answers[-1].headers["ratelimit"])
