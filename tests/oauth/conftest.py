"""One server for the tests of OAuth whose providers are a double on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import new_project
from tests.providers.keys import key_set, rsa_key
from tests.server import DatabaseKind, Project, RunningServer


@pytest.fixture(scope="session")
def running_idp() -> Iterator[IdentityProvider]:
    with IdentityProvider() as provider:
        provider.documents["/keys"] = key_set(rsa_key("apple"))
        yield provider


@pytest.fixture
def idp(running_idp: IdentityProvider) -> Iterator[IdentityProvider]:
    """The provider that all providers' URLs point to, as good as new after each test."""
    running_idp.asked.clear()
    yield running_idp
    running_idp.broken.clear()


@pytest.fixture(scope="session")
def oauth_server(database: DatabaseKind, running_idp: IdentityProvider) -> Iterator[RunningServer]:
    settings = {
        "HEXCLAVE_OAUTH_GOOGLE_CLIENT_ID": "MOCK",
        "HEXCLAVE_OAUTH_GOOGLE_CLIENT_SECRET": "MOCK",
        "HEXCLAVE_OAUTH_MOCK_URL": running_idp.url,
        "HEXCLAVE_OAUTH_APPLE_JWKS_URL": f"{running_idp.url}/keys",
        **running_idp.settings_for("discord", "twitch"),
    }
    with RunningServer(database, settings, mail=False) as running:
        yield running


@pytest.fixture(scope="session")
def shop(oauth_server: RunningServer) -> Project:
    """A project with providers: `discord` with keys of its own, `google` with shared ones."""
    return new_project(oauth_server)


@pytest.fixture
def own_shop(oauth_server: RunningServer) -> Project:
    """The same for a test that changes its configuration."""
    return new_project(oauth_server)
