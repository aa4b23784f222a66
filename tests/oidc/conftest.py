"""One server and one real provider for the tests of this folder, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oauth.dance import new_project
from tests.oidc.provider import OpenIdProvider, add_company, server_with_provider
from tests.server import DatabaseKind, Project, RunningServer


@pytest.fixture(scope="module")
def running(database: DatabaseKind) -> Iterator[tuple[RunningServer, OpenIdProvider]]:
    server = RunningServer(database, mail=False)
    with server_with_provider(server) as provider:
        yield server, provider


@pytest.fixture
def directory(running: tuple[RunningServer, OpenIdProvider]) -> OpenIdProvider:
    """The provider, which stands behind `google` (shared keys) and `company` (generic OpenID Connect)."""
    return running[1]


@pytest.fixture(scope="module")
def shop(running: tuple[RunningServer, OpenIdProvider]) -> Project:
    """A project with both providers that tests share."""
    server, provider = running
    project = new_project(server)
    add_company(project, provider.issuer)
    return project


@pytest.fixture
def own_shop(running: tuple[RunningServer, OpenIdProvider]) -> Project:
    """The same for a test that changes its configuration."""
    server, provider = running
    project = new_project(server)
    add_company(project, provider.issuer)
    return project
