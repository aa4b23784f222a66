"""Where sessions were used last and where users signed up, by a file of locations (contract 01 §5, 15 §2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.attacks.addresses import BEHIND_A_PROXY, from_address
from tests.mmdb import BERLIN, write_mmdb
from tests.passwords.calls import read_user, refreshes
from tests.server import DatabaseKind, Project, RunningServer, new_email, running_server

IN_BERLIN = {"user-agent": "Mozilla/5.0", **from_address("81.2.69.160")}


@pytest.fixture(scope="module")
def located(database: DatabaseKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two workers, so that the file is seen to have survived the fork."""
    path = write_mmdb(tmp_path_factory.mktemp("geoip") / "cities.mmdb")
    with running_server(database, {**BEHIND_A_PROXY, "HEXCLAVE_GEOIP_DATABASE": str(path)}, workers=2) as server:
        assert "no effect" not in server.log()
        yield server


def sign_up(project: Project, **headers: str) -> dict[str, Any]:
    with project.http("client", **headers) as client:
        answer = client.post("/auth/password/sign-up", json={"email": new_email(), "password": "correct horse battery"})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def place_of(project: Project, user_id: str) -> Any:
    with project.http("server") as client:
        (session,) = client.get("/auth/sessions", params={"user_id": user_id}).json()["items"]
    return session.get("last_used_at_end_user_ip_info")


def test_a_session_shows_the_place_of_its_address(located: RunningServer) -> None:
    project = located.project
    for _ in range(4):  # whichever worker answers
        user = sign_up(project, **IN_BERLIN)
        assert place_of(project, user["user_id"]) == {"ip": "81.2.69.160", **BERLIN}
        assert read_user(project, user["user_id"])["country_code"] == "DE"


def test_the_place_follows_the_last_use_and_stays_when_nothing_is_known(located: RunningServer) -> None:
    project = located.project
    user = sign_up(project, **IN_BERLIN)
    header = {"x-stack-refresh-token": user["refresh_token"]}
    with project.http("client", **header, **{"user-agent": "Mozilla/5.0"}, **from_address("2a02:8100::7")) as client:
        assert client.post("/auth/sessions/current/refresh").status_code == 200
    assert place_of(project, user["user_id"]) == {"ip": "2a02:8100::7", "countryCode": "SE"}
    assert refreshes(project, user["refresh_token"])  # by what is no browser
    assert place_of(project, user["user_id"]) == {"ip": "2a02:8100::7", "countryCode": "SE"}


@pytest.mark.parametrize("address", ["10.1.2.3", "81.2.70.1", "91.198.174.1"])
def test_an_address_without_a_place_is_shown_alone(located: RunningServer, address: str) -> None:
    user = sign_up(located.project, **{"user-agent": "Mozilla/5.0"}, **from_address(address))
    assert place_of(located.project, user["user_id"]) == {"ip": address}
    assert read_user(located.project, user["user_id"])["country_code"] is None


def test_the_proxys_word_goes_before_the_files(located: RunningServer) -> None:
    user = sign_up(located.project, **IN_BERLIN, **{"x-vercel-ip-country": "FR", "x-vercel-ip-city": "Orl%C3%A9ans"})
    assert place_of(located.project, user["user_id"]) == {"ip": "81.2.69.160", "countryCode": "FR", "cityName": "Orléans"}
