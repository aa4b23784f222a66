"""Expired sessions: listed for a month, then removed (contract 01 §5). So are logins of command lines, a day after they ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hexclave_server.cli_login import service as cli_login
from hexclave_server.core import clock
from hexclave_server.sessions import service as sessions
from tests.attacks.inside import opened
from tests.cli_login.calls import poll, start
from tests.server import Project
from tests.sessions.tokens import claims_of, known_error

DAY = 86_400_000


@pytest.fixture
def later(tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """Sets the clock of this process ahead by so many milliseconds."""
    file = tmp_path / "clock"

    def set_ahead(millis: int) -> None:
        file.unlink(missing_ok=True)
        file.write_text(str(millis))

    clock.use_offset_file(file)
    yield set_ahead
    clock.use_offset_file(None)


async def test_an_expired_session_is_listed_for_a_month_and_then_removed(own_project: Project, later: Callable[[int], None]) -> None:
    user = own_project.create_user()
    with own_project.http("server") as client:

        def listed() -> set[str]:
            return {one["id"] for one in client.get("/auth/sessions", params={"user_id": user["id"]}).json()["items"]}

        def new_session(**body: int) -> str:
            answer = client.post("/auth/sessions", json={"user_id": user["id"], **body})
            return str(claims_of(answer.json()["access_token"])["refresh_token_id"])

        short, long = new_session(expires_in_millis=1), new_session()
        async with opened(own_project.server) as inside:
            later(29 * DAY)
            await inside.database.write(sessions.purge)
            assert listed() == {short, long}
            later(31 * DAY)
            assert await inside.database.write(sessions.purge) >= 1
        assert listed() == {long}


async def test_an_outdated_login_is_told_apart_for_a_day(own_project: Project, later: Callable[[int], None]) -> None:
    outdated, live = start(own_project, expires_in_millis=1), start(own_project, expires_in_millis=86_400_000)
    async with opened(own_project.server) as inside:
        later(DAY - 60_000)
        await inside.database.write(cli_login.purge)
        assert poll(own_project, outdated).json() == {"status": "expired"}
        later(DAY + 60_000)
        assert await inside.database.write(cli_login.purge) >= 1
    assert known_error(poll(own_project, outdated)) == "INVALID_POLLING_CODE"
    assert poll(own_project, live).json() == {"status": "waiting"}
