"""The server as one ASGI application: the only place where the parts are wired together."""

from __future__ import annotations

import asyncio

from hexclave_server import routes
from hexclave_server.cli_login import service as cli_login
from hexclave_server.core import clock, idempotency, log, throttles
from hexclave_server.core.context import Parts
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import make_database
from hexclave_server.core.dispatch import Application
from hexclave_server.core.geoip import open_locations
from hexclave_server.core.health import Health
from hexclave_server.core.http import Receive, Scope, Send
from hexclave_server.core.jobs import Job, Jobs
from hexclave_server.core.limits import TrafficLimiter
from hexclave_server.core.log import RequestLog
from hexclave_server.core.openapi import documents
from hexclave_server.core.outbox import Outbox
from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.core.passwords import PasswordHasher, processes_per_worker
from hexclave_server.core.router import Router
from hexclave_server.core.throttles import Throttles
from hexclave_server.core.tokens import TokenIssuer, TokenVerifier
from hexclave_server.emails import entries as emails
from hexclave_server.emails.delivery import Delivery
from hexclave_server.oauth import codes, flows, provider_tokens
from hexclave_server.projects import deletion
from hexclave_server.projects.directory import ProjectDirectory
from hexclave_server.sessions import service as sessions
from hexclave_server.sessions.signing_keys import SigningKeys
from hexclave_server.settings import Settings
from hexclave_server.verification_codes import service as verification_codes

PURGE_SECONDS = 600


def build_parts(settings: Settings, master_secret: bytes) -> Parts:
    """The parts of one process: of the server, or of a command. Nothing is opened before `parts.db.start()`."""
    keyring = Keyring.from_master(master_secret)
    database = make_database(settings.database_url, settings.data_dir, settings.database_pool)
    directory = ProjectDirectory(database, keyring)
    keys = SigningKeys(database, keyring, directory)
    return Parts(
        settings=settings,
        db=database,
        keyring=keyring,
        hasher=PasswordHasher(processes_per_worker(settings.workers)),
        signing_keys=keys,
        token_issuer=TokenIssuer(keys, public_url=settings.public_url, ttl_seconds=settings.access_token_ttl_seconds),
        token_verifier=TokenVerifier(keys, public_url=settings.public_url, generation=database.generation),
        directory=directory,
        limiter=TrafficLimiter(settings.rate_limits),
        throttles=Throttles(keyring, enabled=not settings.unsafe_no_throttle),
        outbox=Outbox(),
        locations=open_locations(settings.geoip_database),
        outgoing=OutgoingClient(settings.outgoing_allow),
    )


class Server:
    """The ASGI callable that a worker process serves; opens the database when the worker starts."""

    def __init__(self, settings: Settings, master_secret: bytes) -> None:
        clock.use_offset_file(settings.unsafe_clock_file)
        log.configure(settings.log_format, settings.log_level)
        self.parts = build_parts(settings, master_secret)
        self.health = Health(self.parts.db)
        self.log = RequestLog(enabled=settings.log_level in ("debug", "info"), log_format=settings.log_format)
        api = Router([*routes.API, *documents(routes.API)])
        self._jobs = Jobs(
            self.parts.db,
            [
                Job("purge throttles", PURGE_SECONDS, throttles.purge),
                Job("purge idempotency keys", PURGE_SECONDS, idempotency.purge),
                Job("purge logins of command lines", PURGE_SECONDS, cli_login.purge),
                Job("purge expired sessions", PURGE_SECONDS, sessions.purge),
                Job("purge sign-ins with providers", PURGE_SECONDS, flows.purge),
                Job("purge authorization codes", PURGE_SECONDS, codes.purge),
                Job("purge one-time codes", PURGE_SECONDS, verification_codes.purge),
                Job("purge tokens of providers", PURGE_SECONDS, provider_tokens.purge),
                Job("purge contents of emails", PURGE_SECONDS, emails.purge),
                Job("purge deleted projects", deletion.PURGE_INTERVAL_SECONDS, deletion.purge_step),
            ],
        )
        self._delivery = Delivery(self.parts)
        self._application = Application(self.parts, api, Router(routes.SITE), self.log, self.health)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers HTTP requests and the server's start and stop."""
        if scope["type"] == "http":
            await self._application(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def start(self) -> None:
        """Opens what the worker needs."""
        await self.parts.db.start()
        self._jobs.start()
        self._delivery.start()

    async def stop(self) -> None:
        """Finishes and closes everything."""
        self.health.stopping = True
        await self._jobs.stop()
        await self._delivery.stop()
        await self.parts.outgoing.close()
        self.parts.hasher.close()
        await self.parts.db.close()
        self.log.flush()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Exception as error:  # noqa: BLE001 - a worker that cannot start says why and ends
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await asyncio.shield(send({"type": "lifespan.shutdown.complete"}))
                return
