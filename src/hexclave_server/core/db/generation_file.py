"""Four bytes in a memory-mapped file, raised by every process that committed a change of something cached.

Reading them costs a tenth of a microsecond and asks nobody, so each request can. (SQLite's own `data_version` was tried: it does not
move until the connection reads, and then costs 4 µs.) The counter row in the database covers other nodes, and a process that died
between its commit and this file.
"""

import fcntl
import mmap
import os
from pathlib import Path

_SIZE = 8
_MASK = 0xFFFFFFFF


class GenerationFile:
    """The counter that all processes of a node share; opened after the fork."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take_space()
            self._map = mmap.mmap(self._descriptor, _SIZE)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._words = memoryview(self._map).cast("I")

    def _take_space(self) -> None:
        """Written and not just made longer: else the first raise on a disk that is full by then would end the process (SIGBUS)."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            size = os.fstat(self._descriptor).st_size
            if size < _SIZE:
                os.pwrite(self._descriptor, bytes(_SIZE - size), size)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def read(self) -> int:
        """The counter, 0 to 2**32-1."""
        return self._words[0]

    def raise_by_one(self) -> None:
        """Tell every process of the node; under a lock, so that no change is lost between two who raise at once."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            self._words[0] = (self._words[0] + 1) & _MASK
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Unmap and close."""
        self._words.release()
        self._map.close()
        os.close(self._descriptor)
