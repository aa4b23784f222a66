"""A server whose clock tests may move: far ahead and back, which counters of the shared one would not forget."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import DatabaseKind, RunningServer, running_server


@pytest.fixture(scope="package")
def timed_server(database: DatabaseKind) -> Iterator[RunningServer]:
    """A server of this package's own."""
    with running_server(database) as server:
        yield server


@pytest.fixture
def timed(timed_server: RunningServer) -> Iterator[RunningServer]:
    """The same, with its clock set back after the test."""
    yield timed_server
    timed_server.shift_clock(0)
