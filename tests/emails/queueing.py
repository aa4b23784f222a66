"""Puts emails into the outbox of a running server as a feature of it would: from this process, in the server's own database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hexclave_server.app import build_parts
from hexclave_server.core import clock
from hexclave_server.core.context import Parts
from hexclave_server.core.data_directory import read_master_secret
from hexclave_server.core.db import Connection
from hexclave_server.emails.service import Recipient, Template, queue_email, to_address
from hexclave_server.settings import Settings
from tests.server import Project, RunningServer

LINK = "https://app.example.com/handler/magic?keep=1&code=abcdef123456789012345678901234567890123456789"
VARIABLES: Mapping[Template, Mapping[str, Any]] = {
    Template.EMAIL_VERIFICATION: {"emailVerificationLink": LINK},
    Template.PASSWORD_RESET: {"passwordResetLink": LINK},
    Template.MAGIC_LINK: {"magicLink": LINK, "otp": "ABCDEF"},
    Template.SECURITY_NOTICE: {"event": "password"},
}


def inside(server: RunningServer, work: Any) -> Any:
    """Runs `await work(parts)` with the parts of the server, on its database and by its clock."""

    async def run() -> Any:
        settings = Settings.load(server.environment)
        secret = settings.master_secret or read_master_secret(settings.data_dir)
        assert secret is not None
        parts = build_parts(settings, secret)
        await parts.db.start()
        try:
            return await work(parts)
        finally:
            parts.hasher.close()
            await parts.db.close()

    clock.use_offset_file(server.clock_file)
    try:
        return asyncio.run(run())
    finally:
        clock.use_offset_file(None)


def queue(
    project: Project,
    recipients: Recipient | str | Sequence[Recipient | str],
    template: Template = Template.EMAIL_VERIFICATION,
    variables: Mapping[str, Any] | None = None,
    *,
    is_high_priority: bool = True,
) -> list[str]:
    """Queues an email for each recipient, all in one transaction; their ids."""
    several = [recipients] if isinstance(recipients, str | Recipient) else list(recipients)

    async def work(parts: Parts) -> list[str]:
        found = await parts.directory.find_project(project.id)
        assert found is not None

        async def write(conn: Connection) -> list[str]:
            return [
                await queue_email(
                    conn,
                    parts.keyring,
                    found.tenancy,
                    template,
                    to_address(recipient) if isinstance(recipient, str) else recipient,
                    variables if variables is not None else VARIABLES[template],
                    is_high_priority=is_high_priority,
                )
                for recipient in several
            ]

        return await parts.db.write(write)

    return inside(project.server, work)  # type: ignore[no-any-return]
