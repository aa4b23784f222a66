"""Projects that let users sign in by code: new projects do not."""

from __future__ import annotations

import pytest

from tests.server import Project, RunningServer


@pytest.fixture(scope="module")
def project(server: RunningServer) -> Project:
    return server.new_project(magic_link_enabled=True)


@pytest.fixture
def own_project(server: RunningServer) -> Project:
    return server.new_project(magic_link_enabled=True)
