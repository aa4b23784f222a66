"""`hexclave doctor`: looks at everything an installation needs, and says for each finding what to do."""

from __future__ import annotations

import asyncio
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from hexclave_server.cli.failures import as_sentence
from hexclave_server.cli.http_server import answers_health
from hexclave_server.cli.installation import load_settings, settle_master_secret
from hexclave_server.cli.output import config_option, json_option, show_json
from hexclave_server.core import clock, data_directory
from hexclave_server.core.db import make_database
from hexclave_server.emails.failures import TRANSPORT_ERRORS, meaning
from hexclave_server.emails.mail_server import has_mailbox_page, own_name, shared_sender, shared_server
from hexclave_server.emails.smtp import connect
from hexclave_server.migrations import pending
from hexclave_server.settings import Settings, SettingsError

RELEASED_MILLIS = 1_735_689_600_000
"""2025-01-01: a clock before that is wrong, and with it every expiry."""
_MAIL_ADVICE = {
    "AUTH_FAILED": "Check HEXCLAVE_SMTP_USERNAME and HEXCLAVE_SMTP_PASSWORD.",
    "HOST_NOT_FOUND": "Check HEXCLAVE_SMTP_HOST.",
    "UNKNOWN": "Check HEXCLAVE_SMTP_HOST, _PORT and _SECURITY (tls mostly has port 465, starttls 587), and that a firewall lets this machine out.",
}
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at: `ok`, `warning` or `problem`; `advice` says what to do."""

    subject: str
    state: str
    message: str
    advice: str = ""


@click.command()
@config_option
@json_option
def doctor(config_file: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes options so
    """Check settings, database, migrations, clock, mail server, public URL and file modes. Exit code 1 when there is a problem."""
    findings = list(examine(config_file))
    if as_json:
        show_json([msgspec.to_builtins(finding) for finding in findings])
    else:
        marks = {"ok": "ok      ", "warning": "warning ", "problem": "PROBLEM "}
        for finding in findings:
            click.echo(
                f"{marks[finding.state]} {finding.subject}: {finding.message}"
                + (f"\n          → {finding.advice}" if finding.advice else "")
            )
    sys.exit(1 if any(finding.state == "problem" for finding in findings) else 0)


def examine(config_file: str | None) -> Iterator[Finding]:
    """All findings; with unusable settings only those."""
    try:
        settings = load_settings(config_file)
    except SettingsError as error:
        for mistake in error.mistakes:
            yield Finding("settings", "problem", mistake, "Correct the value; nothing else was checked.")
        return
    yield from _settings(settings)
    yield from _files(settings)
    yield from _database(settings)
    yield _clock()
    yield _mail(settings)
    yield from _public_url(settings)


def _settings(settings: Settings) -> Iterator[Finding]:
    for warning in settings.warnings:
        yield Finding("settings", "warning", warning, "Remove it, or correct its name.")
    if not settings.warnings:
        yield Finding("settings", "ok", "all are valid")


def _files(settings: Settings) -> Iterator[Finding]:
    directory = settings.data_dir
    if not directory.is_dir():
        yield Finding("data directory", "problem", f"{directory} does not exist", "Start the server once, or set HEXCLAVE_DATA_DIR.")
        return
    try:
        data_directory.prepare(directory)
    except data_directory.DataDirectoryError as error:
        yield Finding("data directory", "problem", str(error), "Change its owner or mode.")
        return
    yield from _private("data directory", directory, "700")
    key = data_directory.master_key_path(directory)
    if key.exists():
        yield from _private("master secret", key, "600")
    if settings.uses_sqlite and settings.sqlite_path.exists():
        yield from _private("database file", settings.sqlite_path, "600")


def _private(subject: str, path: Path, mode: str) -> Iterator[Finding]:
    if path.stat().st_mode & _OTHERS:
        yield Finding(subject, "problem", f"other users of this machine can reach {path}", f"chmod {mode} {path}")
    else:
        yield Finding(subject, "ok", f"{path} is private")


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.uses_sqlite and not settings.sqlite_path.exists():
        yield Finding("database", "problem", f"there is none at {settings.sqlite_path}", "Start the server once: it makes one.")
        return
    try:
        waiting = pending(settings.database_url, settings.data_dir)
    except Exception as error:
        sentence = as_sentence(error)
        if sentence is None:
            raise
        yield Finding("database", "problem", sentence, "Nothing that needs the database was checked.")
        return
    yield Finding("database", "ok", "it answers")
    if waiting:
        yield Finding("migrations", "problem", f"pending: {', '.join(waiting)}", "Run hexclave migrate, or start the server.")
        return
    yield Finding("migrations", "ok", "the schema is that of this version")
    yield _secret(settings)


def _secret(settings: Settings) -> Finding:
    async def settle() -> None:
        database = make_database(settings.database_url, settings.data_dir, 1)
        await database.start()
        try:
            await settle_master_secret(database, settings)
        finally:
            await database.close()

    try:
        asyncio.run(settle())
    except Exception as error:
        sentence = as_sentence(error)
        if sentence is None:
            raise
        return Finding("master secret", "problem", sentence, "Without it signing keys and provider secrets cannot be read.")
    return Finding("master secret", "ok", "it belongs to this database")


def _clock() -> Finding:
    if clock.now_millis() < RELEASED_MILLIS:
        return Finding("clock", "problem", "the clock of this machine is years behind", "Set it, and run a time service (NTP).")
    return Finding("clock", "ok", "plausible")


def _mail(settings: Settings) -> Finding:
    server = shared_server(settings)
    if server is None:
        if has_mailbox_page(settings):
            message = f"none is set: emails are kept on this machine ({settings.public_url}/dev/mailbox, hexclave mailbox)"
            return Finding("mail server", "ok", message, "Set HEXCLAVE_SMTP_HOST to send them.")
        message = "none is set, though the server has a public name: nobody gets emails, they are kept (hexclave mailbox)"
        return Finding("mail server", "problem", message, "Set HEXCLAVE_SMTP_HOST to send them.")

    async def log_in() -> None:
        connection = await connect(server, own_name(settings))
        await connection.close()

    where = f"{server.host}:{server.port}"
    try:
        asyncio.run(log_in())
    except TRANSPORT_ERRORS as error:
        failure = meaning(error, while_connecting=True, is_shared=True)
        return Finding(
            "mail server", "problem", f"{where}: {failure.message}", _MAIL_ADVICE.get(failure.error_type, _MAIL_ADVICE["UNKNOWN"])
        )
    if "." not in shared_sender(settings).rpartition("@")[2]:
        message = f"{where} accepts this server, but mails come from {shared_sender(settings)}"
        return Finding("mail server", "warning", message, "Set HEXCLAVE_SMTP_SENDER to an address that your mail server may send from.")
    return Finding("mail server", "ok", f"{where} accepts this server; mails come from {shared_sender(settings)}")


def _public_url(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.public_url)
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme == "http" and not is_local:
        advice = "Put a proxy with TLS in front and set HEXCLAVE_PUBLIC_URL to its https:// origin."
        yield Finding("public URL", "warning", f"{settings.public_url} is not encrypted: passwords can be read on the way", advice)
    else:
        yield Finding("public URL", "ok", settings.public_url)
    if not is_local and not settings.trusted_proxies.networks and not settings.trusted_proxies.preset and not settings.trusted_proxies.hops:
        advice = "If a proxy stands in front, name it in HEXCLAVE_TRUSTED_PROXIES; else all clients share its address and its limits."
        yield Finding("proxies", "warning", "none is trusted", advice)
    if answers_health(settings.host, settings.port):
        yield Finding("server", "ok", f"it answers on {settings.host} port {settings.port}")
    else:
        yield Finding("server", "warning", f"nothing answers on {settings.host} port {settings.port}", "Start it: hexclave serve.")
