"""A project for the tests of one file: wrong codes are counted by project and client address, too."""

from __future__ import annotations

import pytest

from tests.server import Project, RunningServer


@pytest.fixture(scope="module")
def project(server: RunningServer) -> Project:
    return server.new_project()
