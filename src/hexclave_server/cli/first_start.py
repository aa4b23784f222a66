"""What `serve` prints when it answers: where the server is and, once, the keys, the administrator's link and a request to try."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from hexclave_server.cli.http_server import local_host
from hexclave_server.cli.installation import FirstStart
from hexclave_server.emails.mail_server import has_mailbox_page, shared_sender
from hexclave_server.settings import Settings

EXAMPLE = {"email": "ada@example.com", "password": "correct horse battery"}


def as_document(settings: Settings, first: FirstStart | None) -> dict[str, Any]:
    """For programs."""
    document: dict[str, Any] = {"base_url": settings.public_url, "listening": _listening(settings)}
    if first is not None:
        document |= {
            "project_id": first.project_id,
            "publishable_client_key": first.publishable_client_key,
            "secret_server_key": first.secret_server_key,
            "setup_link": first.setup_link,
            "try": _sign_up_command(settings, first),
        }
    return document


def as_text(settings: Settings, first: FirstStart | None) -> str:
    """For people."""
    where = f"SQLite, {settings.sqlite_path}" if settings.uses_sqlite else "PostgreSQL"
    workers = f"{settings.workers} worker" + ("s" if settings.workers != 1 else "")
    lines = [f"Hexclave {version('hexclave-server')} is running at {settings.public_url}  ({where}, {workers})"]
    if settings.public_url != _listening(settings) and urlsplit(settings.public_url).hostname != "localhost":
        lines.append(f"It listens at {_listening(settings)}.")
    if first is not None:
        lines += _shown_once(settings, first)
    return "\n".join(lines)


def _shown_once(settings: Settings, first: FirstStart) -> list[str]:
    administrator = first.setup_link or f"{settings.seed_admin_email}, as the settings say"
    lines = [
        "",
        "This is its first start. Keep what follows: the keys are not shown again (hexclave key create makes new ones).",
        "",
        f"  Base URL                {settings.public_url}",
        f"  Project id              {first.project_id}",
        f"  Publishable client key  {first.publishable_client_key}",
        f"  Secret server key       {first.secret_server_key}",
        f"  First administrator     {administrator}",
    ]
    if first.setup_link is not None:
        lines.append("                          (open it once within the hour; hexclave admin link prints another)")
    return [
        *lines,
        f"  Emails                  {_emails(settings)}",
        "",
        "Sign up a first user:",
        "",
        _sign_up_command(settings, first),
        "",
    ]


def _emails(settings: Settings) -> str:
    if settings.smtp_host is not None:
        return f"sent through {settings.smtp_host}, from {shared_sender(settings)}"
    page = f"{settings.public_url}/dev/mailbox, or " if has_mailbox_page(settings) else ""
    return f"kept on this machine: {page}hexclave mailbox (HEXCLAVE_SMTP_HOST sends them)"


def _sign_up_command(settings: Settings, first: FirstStart) -> str:
    """A command that works when it is pasted on this machine."""
    base = settings.public_url if urlsplit(settings.public_url).hostname in ("localhost", "127.0.0.1") else _listening(settings)
    headers = {
        "content-type": "application/json",
        "x-stack-access-type": "client",
        "x-stack-project-id": first.project_id,
        "x-stack-publishable-client-key": first.publishable_client_key,
    }
    parts = ["curl", f"{base}/api/v1/auth/password/sign-up"]
    for name, value in headers.items():
        parts += ["-H", f"{name}: {value}"]
    return shlex.join([*parts, "-d", json.dumps(EXAMPLE)])


def _listening(settings: Settings) -> str:
    host = local_host(settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
