"""One project with providers for all tests of links."""

from __future__ import annotations

import pytest

from tests.oauth_providers.links import new_shop
from tests.server import Project, RunningServer


@pytest.fixture(scope="session")
def shop(server: RunningServer) -> Project:
    """A project with providers, which no test changes."""
    return new_shop(server)
