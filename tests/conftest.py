"""Fixtures that every test may use: one running server per database for the whole session, shared by all tests that need no settings of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import DATABASES, DatabaseKind, Project, RunningServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where the tests run in two processes: one for each database, whose server they share; what needs none stays together by file."""
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        item.add_marker(pytest.mark.xdist_group(str(parameters.get("database", item.path))))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(scope="session", params=DATABASES)
def database(request: pytest.FixtureRequest) -> DatabaseKind:
    """Both databases, one after the other."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def server(database: DatabaseKind) -> Iterator[RunningServer]:
    """A running server with rate limits off."""
    with RunningServer(database) as running:
        yield running


@pytest.fixture(scope="session")
def project(server: RunningServer) -> Project:
    """A project that tests share."""
    return server.project


@pytest.fixture
def own_project(server: RunningServer) -> Project:
    """A project of the test's own, for those that change its configuration or list everything."""
    return server.new_project()
