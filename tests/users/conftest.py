"""Callers of the shared project."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.server import Project


@pytest.fixture
def as_server(project: Project) -> Iterator[httpx.Client]:
    """The project's own back end."""
    with project.http("server") as client:
        yield client


@pytest.fixture
def as_admin(project: Project) -> Iterator[httpx.Client]:
    """An administrator of the project, by key."""
    with project.http("admin") as client:
        yield client
