"""An outside server for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.outside import Outside, running


@pytest.fixture(name="outside")
def _outside() -> Iterator[Outside]:
    yield from running()
