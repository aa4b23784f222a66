"""`hexclave admin link`."""

from __future__ import annotations

import click

from hexclave_server.administrators.service import create_setup_code, setup_link
from hexclave_server.cli.installation import run_with_parts
from hexclave_server.cli.output import config_option, json_option, show_json
from hexclave_server.core.context import Parts


@click.group()
def admin() -> None:
    """Make administrators of this server."""


@admin.command("link")
@config_option
@json_option
def link(config_file: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes options so
    """Print a link that makes whoever opens it within the hour an administrator, once."""

    async def work(parts: Parts) -> str:
        return setup_link(parts.settings, await create_setup_code(parts))

    url = run_with_parts(config_file, work)
    if as_json:
        show_json({"setup_link": url})
    else:
        click.echo(url)
