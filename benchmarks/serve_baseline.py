"""Serves the bare application with Granian, set as our server sets it: one worker, one event loop, no access log of Granian's."""

import sys

from granian import Granian
from granian.constants import Interfaces, Loops

if __name__ == "__main__":
    Granian(
        "benchmarks.baseline:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        workers=1,
        loop=Loops.asyncio,
        log_access=False,
        log_enabled=False,
    ).serve()
