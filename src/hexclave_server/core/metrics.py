"""Prometheus metrics, summed over the workers (prometheus-client's multi-process mode) and served by a listener of their own.

prometheus-client decides at import whether it is multi-process and then maps a file per worker: so it is imported in the worker, after
`use_directory`, and not at all while metrics are off. Labels have few values: the declared path of an endpoint, never the URL of a request.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hexclave_server.core.http import Request, Response

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def use_directory(directory: Path) -> None:
    """Chooses where the workers of this server keep their figures, and clears what a former server left. Call it before any fork."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    os.environ[DIRECTORY_VARIABLE] = str(directory)


class Metrics:
    """The figures of one worker."""

    def __init__(self, password_hashes: Callable[[], int]) -> None:
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415 - not before `use_directory`

        self._requests = Counter("hexclave_requests", "Answered requests.", ["method", "route", "status"])
        self._seconds = Histogram("hexclave_request_seconds", "Time to answer.", ["route"], buckets=SECONDS_BUCKETS)
        self._hashes = Gauge("hexclave_password_hashes", "Password hashes and verifications since the start.", multiprocess_mode="sum")
        self._password_hashes = password_hashes

    def observe(self, request: Request, response: Response, seconds: float) -> None:
        """Counts an answered request."""
        route = request.route or "none"
        self._requests.labels(request.method if route != "none" else "any", route, str(response.status)).inc()
        self._seconds.labels(route).observe(seconds)
        self._hashes.set(self._password_hashes())


class _Page(BaseHTTPRequestHandler):
    """Answers `GET /metrics`."""

    server_version = "hexclave"
    sys_version = ""

    def do_GET(self) -> None:
        """The sum over all workers as Prometheus text."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest  # noqa: PLC0415
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        if self.path.split("?", 1)[0] != "/metrics":
            self.send_error(404)
            return
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        body = generate_latest(registry)
        self.send_response(200)
        self.send_header("content-type", CONTENT_TYPE_LATEST)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server calls
        """Writes nothing: scrapes are no events."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True


def listen(host: str, port: int) -> ThreadingHTTPServer:
    """A bound listener for `/metrics`, to be run with `serve_forever`. Raises OSError when the port is taken."""
    if ":" in host:
        import socket  # noqa: PLC0415

        _Listener.address_family = socket.AF_INET6
    return _Listener((host, port), _Page)
