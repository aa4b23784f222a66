"""Serves the bare application with Granian, set as our server sets it: one worker, forked, no access log of Granian's."""

import sys

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

if __name__ == "__main__":
    Granian(
        "benchmarks.baseline:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        workers=1,
        websockets=False,
        backlog=1024,
        http1_settings=HTTP1Settings(header_read_timeout=60_000, max_buffer_size=64 * 1024),
        log_access=False,
        log_enabled=False,
    ).serve()
