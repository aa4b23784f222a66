"""Granian's forking server with what it does not do by itself (DESIGN 4.3, tried with 2.8).

The port is taken without SO_REUSEPORT first, since with it a second server would silently take half of the connections. Workers that die
are replaced until they die at once again and again. At SIGTERM running requests have ten seconds.
"""

from __future__ import annotations

import logging
import multiprocessing
import resource
import socket
import time
from collections.abc import Callable
from typing import Any

from granian.constants import Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from hexclave_server.cli.failures import CommandFailed
from hexclave_server.core import clock
from hexclave_server.core.log import logger
from hexclave_server.settings import Settings

DRAIN_SECONDS = 10
HEADER_BYTES = 64 * 1024
HEADER_MILLIS = 60_000  # also the timeout of idle connections, which proxies keep for about as long
DESCRIPTORS = 65_536
RESERVED_DESCRIPTORS = 100
QUICK_DEATH_SECONDS = 5.0
QUICK_DEATHS = 5


class EventHandler(logging.Handler):
    """Passes what libraries log to our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one event."""
        write = getattr(logger(), record.levelname.lower(), logger().error)
        write(record.getMessage(), source=record.name.lstrip("_"))


def require_free_port(host: str, port: int) -> None:
    """Raises CommandFailed when something listens there already, or the address is not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a former server that linger do not count
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            msg = f"Cannot listen on {host} port {port}: {error.strerror}. Stop what uses it, or set HEXCLAVE_HOST and HEXCLAVE_PORT."
            raise CommandFailed(msg) from error


def raise_descriptor_limit() -> int:
    """Allows as many open files as the system grants, up to 65,536; how many those are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class HttpServer(MPServer):
    """Forks the workers and keeps their number until it is told to stop. `gave_up` says that they could not be kept alive."""

    def __init__(self, settings: Settings, application: Any, on_healthy: Callable[[], None]) -> None:
        multiprocessing.set_start_method("fork", force=True)  # preloaded pages are shared only so
        self._application = application
        self._on_healthy = on_healthy
        self._quick_deaths = 0
        self.gave_up = False
        self._settings = settings
        super().__init__(
            target="hexclave",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            workers=settings.workers,
            websockets=False,
            backlog=1024,
            backpressure=max(128, raise_descriptor_limit() - RESERVED_DESCRIPTORS),
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLIS, max_buffer_size=HEADER_BYTES),
            http2_settings=HTTP2Settings(max_headers_size=HEADER_BYTES, max_concurrent_streams=100),
            log_level=LogLevels.warning,
            log_dictconfig=_logging(),
            respawn_failed_workers=True,
            workers_kill_timeout=DRAIN_SECONDS,
        )

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT; the exit code."""
        try:
            self.serve(target_loader=lambda: self._application, wrap_loader=False)
        except SystemExit as end:  # Granian's code is 1 whenever a worker had to be replaced
            if not self.interrupt_signal and not self.gave_up:
                return int(end.code or 0)
        return 1 if self.gave_up else 0

    def signal_handler_reload(self, *_: Any, **__: Any) -> None:
        """SIGHUP comes when the terminal is closed: that stops the server as Ctrl-C does. Nothing can be reloaded."""
        self.interrupt_signal = True
        self.main_loop_interrupt.set()

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Replaces dead workers. Granian's own loop gives up at the second death within 5.5 s and may overlook one of two at once."""
        self._wait_until_healthy()
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(1.0)
            self.main_loop_interrupt.clear()
            self.interrupt_children.clear()
            dead = self._dead()
            if not dead or self._was_told_to_stop():
                continue
            if self._is_hopeless():
                self.gave_up = True
                logger().error("workers end as soon as they are started: giving up")
                return
            self._respawn_workers(dead, spawn_target, target_loader)

    def _dead(self) -> list[int]:
        return [worker.idx for worker in self.wrks if not worker.inner.is_alive()]

    def _was_told_to_stop(self) -> bool:
        return bool(self.interrupt_signal)  # set by a signal handler, at any moment

    def _is_hopeless(self) -> bool:
        """Counts deaths soon after the birth; pauses a little longer before each further try."""
        youngest = max(worker.birth for worker in self.wrks)
        self._quick_deaths = self._quick_deaths + 1 if clock.monotonic() - youngest < QUICK_DEATH_SECONDS else 0
        if self._quick_deaths > QUICK_DEATHS * self.workers:
            return True
        time.sleep(min(0.02 * 2**self._quick_deaths, 0.5) if self._quick_deaths > 1 else 0)
        return False

    def _wait_until_healthy(self) -> None:
        """Tells once that requests are answered."""
        while not self.interrupt_signal and not self._dead():
            if answers_health(self._settings.host, self._settings.port):
                self._on_healthy()
                return
            self.main_loop_interrupt.wait(0.01)


def local_host(host: str) -> str:
    """The address under which this machine reaches a listener on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound, compared


def answers_health(host: str, port: int) -> bool:
    """Whether `/health` is answered with 200."""
    try:
        with socket.create_connection((local_host(host), port), timeout=1) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _logging() -> dict[str, Any]:
    handler = {"class": f"{__name__}.{EventHandler.__name__}"}
    return {
        "handlers": {"events": handler},
        "loggers": {"_granian": {"handlers": ["events"], "level": "WARNING", "propagate": False}},
        "root": {"handlers": ["events"], "level": "WARNING"},
    }
