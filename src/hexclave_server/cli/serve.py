"""`hexclave serve`: checks, prepares, forks the workers, and says where the server is."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from hexclave_server.cli.failures import CommandFailed
from hexclave_server.cli.output import config_option, json_option, show_json
from hexclave_server.core import data_directory

if TYPE_CHECKING:
    from hexclave_server.cli.installation import FirstStart
    from hexclave_server.cli.worker import ParentLife
    from hexclave_server.settings import Settings


@click.command()
@config_option
@click.option("--print-config", is_flag=True, help="Show the settings in force, secrets masked, and end.")
@json_option
def serve(config_file: str | None, print_config: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes options so
    """Start the server.

    The first start creates the data directory, the database and a first project, and prints its keys once.
    """
    from hexclave_server.settings import Settings  # noqa: PLC0415

    if print_config:
        _print_config(config_file, as_json=as_json)
        return
    settings = Settings.load(os.environ, Path(config_file) if config_file else None)
    if settings.log_format == "text":
        _warn(settings)
    sys.exit(_serve(settings, as_json=as_json))


def _warn(settings: Settings) -> None:
    for warning in settings.warnings:
        click.echo(f"Warning: {warning}", err=True)


def _print_config(config_file: str | None, *, as_json: bool) -> None:
    from hexclave_server.cli.installation import load_settings  # noqa: PLC0415
    from hexclave_server.settings.display import effective  # noqa: PLC0415

    settings = load_settings(config_file)
    _warn(settings)
    values = effective(settings)
    if as_json:
        show_json(values)
        return
    for name, value in values.items():
        shown = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        click.echo(f"{name}={','.join(shown) if isinstance(shown, list) else shown}" if shown is not None else f"# {name} is not set")


def _serve(settings: Settings, *, as_json: bool) -> int:
    data_directory.prepare(settings.data_dir)
    held = data_directory.lock(data_directory.lock_files(settings.data_dir, settings.sqlite_path if settings.uses_sqlite else None))
    with _quick_imports():
        from hexclave_server.cli import http_server  # noqa: PLC0415 - mistakes above are told without loading the server
        from hexclave_server.cli.child import in_child  # noqa: PLC0415
        from hexclave_server.cli.worker import ParentLife, WorkerServer  # noqa: PLC0415
        from hexclave_server.core import log  # noqa: PLC0415
    if settings.log_format == "json":
        log.configure(settings.log_format, settings.log_level)
        for warning in settings.warnings:
            log.logger().warning(warning)
    http_server.require_free_port(settings.host, settings.port)
    first = in_child(functools.partial(_prepare, settings))
    secret = settings.master_secret or data_directory.read_master_secret(settings.data_dir)
    if secret is None:
        msg = f"The master secret {data_directory.master_key_path(settings.data_dir)} disappeared."
        raise CommandFailed(msg)
    parent = ParentLife()
    if settings.metrics:
        _start_metrics_listener(settings, parent)
    application = WorkerServer(settings, secret, parent)
    gc.freeze()
    tell = functools.partial(_tell, settings, first, as_json=as_json)
    code = http_server.HttpServer(settings, application, tell).run()
    del held  # the descriptors of the lock, which was held until here
    return code


@contextlib.contextmanager
def _quick_imports() -> Iterator[None]:
    """Saves a quarter of a second and some megabytes: no garbage is collected, and structlog does not load rich for tracebacks of its own.

    What was loaded stays out of the collector's sight for good, so that its pages remain shared with the workers.
    """
    gc.disable()
    blocked = sys.modules.setdefault("rich", cast("Any", None)) is None
    try:
        yield
    finally:
        if blocked:
            del sys.modules["rich"]
        gc.freeze()
        gc.enable()


def _prepare(settings: Settings) -> FirstStart | None:
    """Runs in a child: migrations, master secret, seeds."""
    from hexclave_server.cli import installation  # noqa: PLC0415
    from hexclave_server.core import clock  # noqa: PLC0415

    clock.use_offset_file(settings.unsafe_clock_file)
    installation.apply_migrations(settings)
    return asyncio.run(installation.bring_up_to_date(settings))


def _start_metrics_listener(settings: Settings, parent: ParentLife) -> None:
    from hexclave_server.core import metrics  # noqa: PLC0415

    metrics.use_directory(settings.data_dir / "metrics")
    try:
        listener = metrics.listen(settings.host, settings.metrics_port)
    except OSError as error:
        msg = f"Cannot listen on {settings.host} port {settings.metrics_port}: {error.strerror}. Set HEXCLAVE_METRICS_PORT."
        raise CommandFailed(msg) from error
    process = multiprocessing.get_context("fork").Process(
        target=_serve_metrics, args=(listener, parent), name="hexclave-metrics", daemon=True
    )
    process.start()
    listener.server_close()


def _serve_metrics(listener: object, parent: ParentLife) -> None:
    """Runs in a child until the parent is gone or ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=listener.serve_forever, daemon=True).start()  # type: ignore[attr-defined]
    parent.wait()


def _tell(settings: Settings, first: FirstStart | None, *, as_json: bool) -> None:
    """Says that the server answers; at the first start everything that is shown once."""
    from hexclave_server.cli.first_start import as_document, as_text  # noqa: PLC0415

    if as_json:
        show_json(as_document(settings, first))
    else:
        click.echo(as_text(settings, first))
    sys.stdout.flush()
