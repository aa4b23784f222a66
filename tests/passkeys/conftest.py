"""A project that allows passkeys, shared by the tests of them."""

from __future__ import annotations

import pytest

from tests.passkeys.calls import new_passkey_project
from tests.server import Project, RunningServer


@pytest.fixture(scope="module")
def project(server: RunningServer) -> Project:
    return new_passkey_project(server)
