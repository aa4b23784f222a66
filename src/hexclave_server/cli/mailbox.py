"""`hexclave mailbox`: the emails that were kept because no mail server is configured."""

from __future__ import annotations

import click
import msgspec

from hexclave_server.cli.failures import CommandFailed
from hexclave_server.cli.installation import run_with_parts
from hexclave_server.cli.output import config_option, json_option, show_json, show_rows
from hexclave_server.core.context import Parts
from hexclave_server.emails.mailbox import KeptMail, find_mail, list_mails

COLUMNS = {"id": "Id", "created_at_millis": "Queued", "to": "To", "subject": "Subject"}


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def mailbox(context: click.Context, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes options so
    """List the newest emails in the local mailbox, or `show` one."""
    if context.invoked_subcommand is not None:
        return
    mails = run_with_parts(config_file, list_mails)
    rows = [msgspec.to_builtins(mail) for mail in mails]
    show_rows(rows if as_json else [{**row, "to": ", ".join(row["to"])} for row in rows], as_json=as_json, columns=COLUMNS)


@mailbox.command("show")
@click.argument("mail_id")
@config_option
@json_option
def show(mail_id: str, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Print one email as text."""

    async def work(parts: Parts) -> KeptMail:
        mail = await find_mail(parts, mail_id)
        if mail is None:
            raise CommandFailed(f"There is no email {mail_id} in the mailbox: hexclave mailbox lists them.")
        return mail

    mail = run_with_parts(config_file, work)
    if as_json:
        show_json(msgspec.to_builtins(mail))
        return
    for name, value in (("To", ", ".join(mail.to)), ("From", mail.sender), ("Subject", mail.subject)):
        click.echo(f"{name}: {''.join(char if char.isprintable() else '�' for char in value)}")
    click.echo("\n" + "".join(char if char.isprintable() or char == "\n" else "�" for char in mail.text))
