"""The clock that tests can move."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexclave_server.core import clock


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    yield
    clock.use_offset_file(None)


def test_now_is_the_systems_time_in_milliseconds() -> None:
    assert abs(clock.now_millis() - time.time() * 1000) < 1000


def test_the_offset_file_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    clock.use_offset_file(file)
    assert abs(clock.now_millis() - time.time() * 1000) < 1000
    file.write_text("3600000\n")
    assert abs(clock.now_millis() - time.time() * 1000 - 3_600_000) < 1000
    file.write_text("-86400000")
    assert abs(clock.now_millis() - time.time() * 1000 + 86_400_000) < 1000


def test_a_half_written_or_removed_file_keeps_the_former_offset(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    file.write_text("3600000")
    clock.use_offset_file(file)
    clock.now_millis()
    file.write_text("")
    assert abs(clock.now_millis() - time.time() * 1000 - 3_600_000) < 1000
    file.unlink()
    assert abs(clock.now_millis() - time.time() * 1000 - 3_600_000) < 1000
