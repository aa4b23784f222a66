"""One hash process: reads jobs from its standard input and answers on its standard output, a line of JSON each, one after the other.

`hash_processes.py` starts it with the same socket as both. It ends when the other end of the socket is closed, however the server ended;
signals that a terminal or a supervisor sends to all processes at once do not end it, so that a server told to stop can finish its requests.
JSON by the standard library, since it is small and carries a lone surrogate in a password unharmed.
"""

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any

from hexclave_server.core.password_hashes import hash_password, verify_password

NICENESS = 10
PAUSE_SECONDS = 0.05
"""Between jobs under load it is a fiftieth of that. After a longer one the memory of the last hash goes back to the system."""

JOBS: dict[str, Callable[..., Any]] = {"hash": hash_password, "verify": verify_password}


def main() -> None:
    """Works until nobody is there to ask for more."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    _yield_to_everything_else()
    while line := _next_line():
        answer = json.dumps(_answer(*json.loads(line))) + "\n"
        try:
            os.write(sys.stdout.fileno(), answer.encode("ascii"))
        except OSError:  # the server has gone meanwhile
            return


def _next_line() -> bytes:
    """The next job, empty when none will come. There is never more than one on its way, so none hides in the buffer."""
    ready, _, _ = select.select([sys.stdin], [], [], PAUSE_SECONDS)
    if not ready:
        _give_memory_back()
    return sys.stdin.buffer.readline()


def _answer(job: str, *arguments: Any) -> list[Any]:
    """The result, or null and the name of the error; its text might hold what was hashed."""
    try:
        return [JOBS[job](*arguments), None]
    except Exception as error:  # noqa: BLE001 - reported to the server, which raises
        return [None, type(error).__name__]


def _yield_to_everything_else() -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def _give_memory_back() -> None:
    """Where the C library is glibc: it was told to keep what a hash needs for the next one (see `hash_processes.MALLOC`)."""
    import ctypes  # noqa: PLC0415 - a process that only ever works needs none

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
