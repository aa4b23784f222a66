"""`hexclave version`."""

from __future__ import annotations

from importlib.metadata import version as installed_version

import click

from hexclave_server.cli.output import json_option, show_json


@click.command()
@json_option
def version(as_json: bool) -> None:  # noqa: FBT001 - click passes options so
    """Print the version."""
    number = installed_version("hexclave-server")
    if as_json:
        show_json({"version": number})
    else:
        click.echo(number)
