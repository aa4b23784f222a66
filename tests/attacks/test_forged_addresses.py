"""A5: a client that makes up its address changes neither what it is counted by nor what sessions show; only configured proxies are believed."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator

import httpx

from hexclave_server.core.limits import READ
from tests.attacks.addresses import require_limited
from tests.server import RunningServer, new_email

QUOTA = 6
FACTOR = f"{QUOTA / READ.per_address}x"
STRANGER = "127.0.0.2"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Chrome/120 Safari/537.36"
ADDRESS_HEADERS = (
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "client-ip",
    "true-client-ip",
    "fastly-client-ip",
    "x-original-forwarded-for",
    "x-forwarded",
    "forwarded-for",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-pseudo-ipv4",
    "x-vercel-forwarded-for",
    "x-appengine-user-ip",
    "x-azure-clientip",
    "fly-client-ip",
    "x-envoy-external-address",
    "x-remote-addr",
    "via",
)
Headers = list[tuple[str, str]]


def forged(number: int) -> str:
    return f"6.6.{number // 250}.{number % 250 + 1}"


def all_forged(number: int, but: str = "") -> Headers:
    """Every header that any proxy might set, with an address that no request had before."""
    values = {"forwarded": f"for={forged(number)}", "via": f"1.1 {forged(number)}"}
    return [(name, values.get(name, forged(number))) for name in ADDRESS_HEADERS if name != but]


def behind(*entries: str, number: int = 0) -> Headers:
    """What arrives through proxies that append to `x-forwarded-for`, from a client that forges all the rest."""
    return [*all_forged(number, "x-forwarded-for"), ("x-forwarded-for", ", ".join(entries))]


@contextlib.contextmanager
def served(trusted: str) -> Iterator[RunningServer]:
    settings = {"HEXCLAVE_TRUSTED_PROXIES": trusted, "HEXCLAVE_RATE_LIMITS": FACTOR}
    with RunningServer("sqlite", settings) as server:
        server.shift_clock(60_000 - int(time.time() * 1000) % 60_000)  # a window begins with the test, and does not end in it
        yield server


def left(server: RunningServer, headers: Headers, peer: str = "127.0.0.1") -> int | None:
    """How many requests the address has left after this one; None when it had none."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=peer)) as client:
        answer = client.get(f"{server.api_url}", headers=headers)
    if answer.status_code == 429:
        require_limited(answer)
        return None
    assert answer.status_code == 200, answer.text
    found = re.search(r"r=(\d+)", answer.headers["ratelimit"])
    assert found is not None
    return int(found[1])


ONE = [*range(QUOTA - 1, -1, -1), None]
"""What is left for one address, request by request."""


def test_by_default_nobody_is_believed() -> None:
    with served("none") as server:
        assert [left(server, all_forged(number)) for number in range(QUOTA + 1)] == ONE
        assert left(server, []) is None
        assert left(server, [("x-forwarded-for", "127.0.0.9"), ("x-forwarded-for", "127.0.0.10")]) is None
        assert left(server, all_forged(0), STRANGER) == QUOTA - 1, "counted apart"


def test_one_hop() -> None:
    with served("1") as server:
        seen = [left(server, behind(forged(number), forged(number + 50), "203.0.113.7", number=number)) for number in range(QUOTA + 1)]
        assert seen == ONE
        assert left(server, behind("203.0.113.7")) is None
        assert left(server, [("x-forwarded-for", forged(1)), ("x-forwarded-for", "::ffff:203.0.113.7")]) is None, "lines are one list"
        assert left(server, behind("203.0.113.8")) == QUOTA - 1
        assert left(server, behind("203.0.113.7", "203.0.113.8")) == QUOTA - 2
        assert left(server, all_forged(0, "x-forwarded-for")) == QUOTA - 1, "without the header: the socket's"
        assert [left(server, behind(text)) for text in ("", "unknown", "_hidden", "1.2.3", "a" * 3000)] == [QUOTA - 2 - n for n in range(5)]


def test_two_hops() -> None:
    with served("2") as server:
        seen = [left(server, behind(forged(number), "203.0.113.7", forged(number + 50), number=number)) for number in range(QUOTA + 1)]
        assert seen == ONE
        assert left(server, behind("203.0.113.7", "10.0.0.1")) is None
        # Whoever goes around the outer proxy arrives with one entry, or none: he is counted by the socket, not by what he says.
        assert [left(server, behind(forged(number), number=number)) for number in range(QUOTA + 1)] == ONE


def test_named_proxies() -> None:
    with served("127.0.0.1, 10.0.0.0/8") as server:
        seen = [left(server, [("x-forwarded-for", f"{forged(number)}, 203.0.113.7, 10.1.2.{number}")]) for number in range(QUOTA + 1)]
        assert seen == ONE
        assert left(server, [("x-forwarded-for", f"{forged(1)}, 203.0.113.8")]) == QUOTA - 1
        assert left(server, [("x-forwarded-for", f"203.0.113.7, {forged(2)}, 203.0.113.8")]) == QUOTA - 2
        assert left(server, [("forwarded", f"for={forged(3)}")]) == QUOTA - 1, "a header that nobody named says nothing"
        assert [left(server, all_forged(number), STRANGER) for number in range(QUOTA + 1)] == ONE, "from elsewhere nothing is believed"


def test_throttles_and_sessions_see_the_same_address() -> None:
    with RunningServer("sqlite") as server:
        project = server.project
        headers = {"user-agent": BROWSER, "cf-ipcountry": "KP", "x-vercel-ip-country": "KP", **dict(all_forged(1))}
        with project.http("client") as client:
            user = client.post("/auth/password/sign-up", json={"email": new_email(), "password": "correct horse"}, headers=headers).json()
            headers["x-stack-access-token"] = user["access_token"]
            (session,) = client.get("/auth/sessions", params={"user_id": "me"}, headers=headers).json()["items"]
            assert session["last_used_at_end_user_ip_info"] == {"ip": "127.0.0.1"}
            wrong = [
                client.post("/auth/sessions/current/refresh", headers={"x-stack-refresh-token": "0" * 45, **dict(all_forged(number))})
                for number in range(310)
            ]
        assert wrong[0].status_code == 401
        require_limited(wrong[-1])
