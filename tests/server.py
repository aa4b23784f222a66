"""A running server for tests: its own command in a process of its own, in an empty directory, on SQLite or PostgreSQL.

Keys are seeded by settings, the clock can be shifted, the log is kept. Tests speak to it over HTTP as clients do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import httpx

from tests.mail import SmtpReceiver
from tests.postgres import fresh_database

DatabaseKind = Literal["sqlite", "postgresql"]
DATABASES: tuple[DatabaseKind, ...] = ("sqlite", "postgresql")

INTERNAL_PUBLISHABLE_KEY = "pck_internal_for_tests"
INTERNAL_SECRET_KEY = "ssk_internal_for_tests"
INTERNAL_ADMIN_KEY = "sak_internal_for_tests"
START_SECONDS = 30
LONGEST_REQUEST_SECONDS = 20
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Given to each client so that it does not load the system's certificates: 33 ms each, for servers that speak plain HTTP."""


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ConcurrentClient(httpx.AsyncClient):
    """A client for requests in many tasks, which are waited for when it is closed: else each may leave a connection open.

    That happens where one task fails a test while others go on, as `asyncio.gather` lets them. (Cancelling them leaves connections, too.)
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._under_way: set[asyncio.Future[None]] = set()
        self._is_closing = False

    async def send(self, *arguments: Any, **options: Any) -> httpx.Response:
        """See `httpx.AsyncClient`."""
        if self._is_closing:
            msg = "the client is closed"
            raise RuntimeError(msg)
        done = asyncio.get_running_loop().create_future()
        self._under_way.add(done)
        try:
            return await super().send(*arguments, **options)
        finally:
            self._under_way.discard(done)
            done.set_result(None)

    async def __aexit__(self, *error: object) -> None:
        """Begins nothing any more, waits a while for what has begun, then closes."""
        self._is_closing = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LONGEST_REQUEST_SECONDS)
        await super().__aexit__(*error)


class Project:
    """A project with a key set that holds all three keys, made through the API."""

    def __init__(self, server: RunningServer, project_id: str, keys: Mapping[str, str]) -> None:
        self.server = server
        self.id = project_id
        self.publishable_client_key = keys["publishable_client_key"]
        self.secret_server_key = keys["secret_server_key"]
        self.super_secret_admin_key = keys["super_secret_admin_key"]

    def headers(self, access: str, access_token: str | None = None, **more: str) -> dict[str, str]:
        """Headers of the older family for an access type (`client`, `server`, `admin`)."""
        key = {
            "client": ("x-stack-publishable-client-key", self.publishable_client_key),
            "server": ("x-stack-secret-server-key", self.secret_server_key),
            "admin": ("x-stack-super-secret-admin-key", self.super_secret_admin_key),
        }[access]
        headers = {"x-stack-access-type": access, "x-stack-project-id": self.id, key[0]: key[1]}
        if access_token is not None:
            headers["x-stack-access-token"] = access_token
        return headers | more

    def http(self, access: str, access_token: str | None = None, **more: str) -> httpx.Client:
        """A client of `/api/v1` with this access."""
        return self.server.http(self.headers(access, access_token, **more))

    def async_http(self, access: str, access_token: str | None = None, **more: str) -> httpx.AsyncClient:
        """The same for concurrent requests."""
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
        headers = self.headers(access, access_token, **more)
        return ConcurrentClient(base_url=self.server.api_url, headers=headers, timeout=60, limits=limits, verify=NO_TLS)

    def sign_up(self, email: str | None = None, password: str = "correct horse battery") -> dict[str, Any]:
        """A new user by password: `access_token`, `refresh_token`, `user_id`, and `email`, `password` as given."""
        email = email or new_email()
        with self.http("client") as client:
            answer = client.post("/auth/password/sign-up", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return {**answer.json(), "email": email, "password": password}

    def create_user(self, **fields: Any) -> dict[str, Any]:
        """A new user by server access."""
        with self.http("server") as client:
            answer = client.post("/users", json=fields)
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def configure(self, **config: Any) -> None:
        """Changes the legacy configuration of the project, e.g. `configure(sign_up_enabled=False)`."""
        with self.http("admin") as client:
            answer = client.patch("/internal/projects/current", json={"config": config})
        assert answer.status_code == 200, answer.text

    def override(self, level: str, **keys: Any) -> None:
        """Merges keys (`__` for dots, or passed as a dict by `**{"a.b": 1}`) into a configuration override."""
        import json

        override = json.dumps({key.replace("__", "."): value for key, value in keys.items()})
        with self.http("admin") as client:
            answer = client.patch(f"/internal/config/override/{level}", json={"config_override_string": override})
        assert answer.status_code == 200, answer.text


def new_email() -> str:
    """An address that nobody has yet."""
    return f"user-{uuid.uuid4().hex[:12]}@example.com"


class RunningServer:
    """One `hexclave serve` with a directory and a database of its own, and a mail server (`mail`) unless it shall use the local mailbox."""

    def __init__(
        self, database: DatabaseKind = "sqlite", settings: Mapping[str, str] | None = None, *, workers: int = 1, mail: bool = True
    ) -> None:
        self.database = database
        self.workers = workers
        self.directory = Path(tempfile.mkdtemp(prefix="hexclave-test-"))
        self.data_dir = self.directory / "data"
        self.clock_file = self.directory / "clock"
        self.clock_file.write_text("0")
        self.log_file = self.directory / "server.log"
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.api_url = f"{self.base_url}/api/v1"
        self._cleanup = contextlib.ExitStack()
        self._receiver = SmtpReceiver() if mail else None
        database_url = {} if database == "sqlite" else {"HEXCLAVE_DATABASE_URL": self._cleanup.enter_context(fresh_database())}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HEXCLAVE_")},
            "HEXCLAVE_PORT": str(self.port),
            "HEXCLAVE_PUBLIC_URL": self.base_url,
            "HEXCLAVE_DATA_DIR": str(self.data_dir),
            "HEXCLAVE_WORKERS": str(workers),
            "HEXCLAVE_RATE_LIMITS": "off",
            "HEXCLAVE_EMAIL_CAPACITY_PER_HOUR": "1000000",
            "HEXCLAVE_LOG_FORMAT": "json",
            "HEXCLAVE_UNSAFE_CLOCK_FILE": str(self.clock_file),
            "HEXCLAVE_SEED_INTERNAL_PUBLISHABLE_CLIENT_KEY": INTERNAL_PUBLISHABLE_KEY,
            "HEXCLAVE_SEED_INTERNAL_SECRET_SERVER_KEY": INTERNAL_SECRET_KEY,
            "HEXCLAVE_SEED_INTERNAL_SUPER_SECRET_ADMIN_KEY": INTERNAL_ADMIN_KEY,
            "HEXCLAVE_SEED_INTERNAL_SIGN_UP_ENABLED": "true",
            **database_url,
            **(self._receiver.settings if self._receiver is not None else {}),
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._shared_project: Project | None = None

    # --- life ---

    def start(self, *, wait: bool = True) -> RunningServer:
        """Starts the process and waits until it is healthy."""
        if self._receiver is not None and not self._receiver.is_running:
            self._receiver.start()
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hexclave_server", "serve"],
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            self.wait_healthy()
        return self

    def wait_healthy(self, seconds: float = START_SECONDS) -> None:
        """Waits until `/health` answers; fails with the log when the process ends or the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.base_url}/health", timeout=2, verify=NO_TLS).status_code == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"the server was not healthy within {seconds} s:\n{self.log()}")

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 15) -> int:
        """Sends the signal to the parent process, waits for its end, and makes sure that no worker is left."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(seconds)
        finally:
            self.kill_all()
            self.process = None
        return code

    def kill_all(self) -> None:
        """kill -9 for the parent and every worker."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def close(self) -> None:
        """Stops the server and removes its directory and database."""
        self.stop()
        if self._receiver is not None:
            self._receiver.stop()
        self._cleanup.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what tests ask of it ---

    @property
    def mail(self) -> SmtpReceiver:
        """The mail server that this server sends to."""
        assert self._receiver is not None, "this server keeps its mails in the local mailbox"
        return self._receiver

    def log(self) -> str:
        """Everything that the server has written."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def shift_clock(self, millis: int) -> None:
        """Lets the server's clock run ahead of the machine's by so many milliseconds from now on."""
        replacement = self.clock_file.with_suffix(".new")
        replacement.write_text(str(millis))
        replacement.replace(self.clock_file)

    def http(self, headers: Mapping[str, str] | None = None) -> httpx.Client:
        """A client of `/api/v1`."""
        return httpx.Client(base_url=self.api_url, headers=dict(headers or {}), timeout=60, verify=NO_TLS)

    @property
    def internal(self) -> Project:
        """The project `internal` with its seeded keys."""
        return Project(
            self,
            "internal",
            {
                "publishable_client_key": INTERNAL_PUBLISHABLE_KEY,
                "secret_server_key": INTERNAL_SECRET_KEY,
                "super_secret_admin_key": INTERNAL_ADMIN_KEY,
            },
        )

    @property
    def project(self) -> Project:
        """A project that tests of this server share; each test brings users of its own."""
        if self._shared_project is None:
            self._shared_project = self.new_project()
        return self._shared_project

    def new_project(self, **config: Any) -> Project:
        """A new project owned by a new administrator's personal team, with the given legacy configuration."""
        owner = self.internal.sign_up()
        headers = self.internal.headers("client", owner["access_token"])
        with self.http(headers) as client:
            team_id = client.get("/users/me").json()["selected_team_id"]
            answer = client.post("/internal/projects", json={"display_name": "Test project", "owner_team_id": team_id, "config": config})
            assert answer.status_code == 201, answer.text
            project_id = answer.json()["id"]
        admin = {
            "x-stack-access-type": "admin",
            "x-stack-project-id": project_id,
            "x-stack-admin-access-token": owner["access_token"],
        }
        body = {
            "description": "tests",
            "expires_at_millis": 4_102_444_799_000,
            "has_publishable_client_key": True,
            "has_secret_server_key": True,
            "has_super_secret_admin_key": True,
        }
        with self.http(admin) as client:
            answer = client.post("/internal/api-keys", json=body)
        assert answer.status_code == 200, answer.text
        return Project(self, project_id, answer.json())


@contextlib.contextmanager
def running_server(
    database: DatabaseKind, settings: Mapping[str, str] | None = None, *, workers: int = 1, mail: bool = True
) -> Iterator[RunningServer]:
    """A started server for the length of a block."""
    with RunningServer(database, settings, workers=workers, mail=mail) as server:
        yield server
