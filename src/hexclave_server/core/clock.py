"""The only source of time.

Everything that decides by time asks here, so that tests can move the clock: `use_offset_file` names a file holding a number of
milliseconds that is added to the system's clock and read again whenever the file changes. Durations are measured with `monotonic`,
which no offset touches.
"""

import time
from pathlib import Path

monotonic = time.monotonic


class _OffsetFile:
    """Milliseconds to add, kept in a file; a file that is absent or holds no number leaves the former offset in force."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._offset = 0

    def millis(self) -> int:
        try:
            stat = self._path.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen != self._seen:
                self._offset = int(self._path.read_text("ascii").strip())
                self._seen = seen
        except (OSError, ValueError):  # being written just now, or not there yet
            pass
        return self._offset


class _Offset:
    file: _OffsetFile | None = None


_offset = _Offset()


def use_offset_file(path: Path | None) -> None:
    """Shift the clock of this process by the milliseconds in `path` (followed while it changes); None ends that."""
    _offset.file = None if path is None else _OffsetFile(path)


def now_millis() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    now = time.time_ns() // 1_000_000
    return now if _offset.file is None else now + _offset.file.millis()
