"""`hexclave user create|list|show|delete|reset-password`."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec

from hexclave_server.administrators.service import internal_project, make_administrator
from hexclave_server.cli.failures import CommandFailed
from hexclave_server.cli.installation import run_with_parts
from hexclave_server.cli.output import config_option, json_option, show_done, show_record, show_rows
from hexclave_server.cli.project import get_project
from hexclave_server.contact_channels import service as contact_channels
from hexclave_server.contact_channels.service import normalise_address
from hexclave_server.core import randomness
from hexclave_server.core.constraints import is_uuid
from hexclave_server.core.context import INTERNAL_PROJECT_ID, Access, Parts, Project
from hexclave_server.core.db import Connection
from hexclave_server.core.schema import Defects, decode_value
from hexclave_server.core.throttles import PASSWORD
from hexclave_server.passwords.rules import require_long_enough
from hexclave_server.sessions.service import end_all_sessions
from hexclave_server.users.create_by_server import create_user_by_server
from hexclave_server.users.list import list_users
from hexclave_server.users.service import delete_user, find_user, user_on_wire
from hexclave_server.users.update import update_user
from hexclave_server.users.wire import ServerUserList, ServerUserUpdate, UserCreate, UserListQuery

COLUMNS = {
    "id": "User id",
    "primary_email": "Email",
    "display_name": "Name",
    "has_password": "Password",
    "signed_up_at_millis": "Signed up",
}
MOST_LISTED = 1000
GENERATED_LENGTH = 24

project_option = click.option("--project", "project_id", help="Id of the project.")
password_options = [
    click.option("--password-stdin", "from_stdin", is_flag=True, help="Read the password from standard input."),
    click.option("--generate-password", "generate", is_flag=True, help="Make a password and print it."),
]


@click.group()
def user() -> None:
    """Manage the users of a project."""


@user.command("create")
@click.option("--email", required=True, help="Email address, with which the user signs in.")
@click.option("--name", help="Display name.")
@click.option("--verified", is_flag=True, help="Take the email address as verified.")
@click.option(
    "--admin", is_flag=True, help="Make an administrator of this server: a user of the project internal in the administrators' team."
)
@click.option("--no-password", is_flag=True, help="Without a password.")
@password_options[0]
@password_options[1]
@project_option
@config_option
@json_option
def create(
    email: str,
    name: str | None,
    verified: bool,  # noqa: FBT001 - click passes options so
    admin: bool,  # noqa: FBT001
    no_password: bool,  # noqa: FBT001
    from_stdin: bool,  # noqa: FBT001
    generate: bool,  # noqa: FBT001
    project_id: str | None,
    config_file: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Create a user. The password is asked for, read with --password-stdin, or made with --generate-password."""
    target = _target(project_id, is_admin=admin)
    password = None if no_password else _password(from_stdin=from_stdin, generate=generate)
    body = _body(
        UserCreate,
        {
            "primary_email": email,
            "primary_email_auth_enabled": True,
            "primary_email_verified": verified,
            **({} if name is None else {"display_name": name}),
            **({} if password is None else {"password": password}),
        },
    )

    async def work(parts: Parts) -> dict[str, Any]:
        project = await get_project(parts, target)
        if password is not None:
            require_long_enough(password)
        made = await create_user_by_server(parts, project, Access.SERVER, body)
        if admin:
            internal = await internal_project(parts)
            await parts.db.write(lambda conn: make_administrator(conn, internal, made.id))
        return {"id": made.id, "primary_email": made.primary_email, "project_id": project.id, "is_administrator": admin}

    result = run_with_parts(config_file, work)
    show_record({**result, **({"password": password} if generate else {})}, as_json=as_json)


def _target(project_id: str | None, *, is_admin: bool) -> str:
    """The project meant: said, or `internal` for an administrator."""
    if is_admin:
        if project_id not in (None, INTERNAL_PROJECT_ID):
            msg = "Administrators are users of the project internal: leave --project out."
            raise CommandFailed(msg)
        return INTERNAL_PROJECT_ID
    if project_id is None:
        msg = "Say which project: --project ID. hexclave project list shows all."
        raise CommandFailed(msg)
    return project_id


def _password(*, from_stdin: bool, generate: bool) -> str:
    """A password in one of three ways; never from the arguments, which every process of the machine can read."""
    if from_stdin and generate:
        msg = "Use one of --password-stdin and --generate-password."
        raise CommandFailed(msg)
    if generate:
        return randomness.random_text(GENERATED_LENGTH)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        msg = "There is no terminal to ask for the password: use --password-stdin or --generate-password."
        raise CommandFailed(msg)
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _body(shape: Any, values: dict[str, Any]) -> Any:
    try:
        return decode_value(shape, values, "user")
    except Defects as found:
        raise CommandFailed("; ".join(found.messages).removeprefix("user.")) from None


@user.command("list")
@project_option
@click.option("--query", default="", help="Only users whose id, name or address contains this.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, MOST_LISTED))
@click.option("--cursor", help="Where the former page ended (next_cursor of its JSON).")
@click.option("--all", "everyone", is_flag=True, help="Restricted and anonymous users too.")
@config_option
@json_option
def list_(
    project_id: str | None,
    query: str,
    limit: int,
    cursor: str | None,
    everyone: bool,  # noqa: FBT001
    config_file: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """List users, oldest first."""
    target = _target(project_id, is_admin=False)
    flag = "true" if everyone else "false"
    wanted = {"limit": str(limit), "query": query, "include_restricted": flag, "include_anonymous": flag}
    shape = _body(UserListQuery, {**wanted, **({} if cursor is None else {"cursor": cursor})})

    async def work(parts: Parts) -> ServerUserList:
        found = await list_users(parts.db, await get_project(parts, target), shape)
        assert isinstance(found, ServerUserList)  # noqa: S101 - answers are written in chunks only above MOST_LISTED
        return found

    found = run_with_parts(config_file, work)
    encoded = msgspec.json.encode(found)
    if as_json:
        click.echo(msgspec.json.format(encoded).decode())
        return
    show_rows(msgspec.json.decode(encoded)["items"], as_json=False, columns=COLUMNS)
    if found.pagination.next_cursor is not None:
        click.echo(f"There are more: --cursor {found.pagination.next_cursor}")


@user.command("show")
@click.argument("id_or_email")
@project_option
@config_option
@json_option
def show(id_or_email: str, project_id: str | None, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Show the user with this id or sign-in address."""
    target = _target(project_id, is_admin=False)

    async def work(parts: Parts) -> dict[str, Any]:
        project = await get_project(parts, target)
        row = await find_user(parts.db, project.tenancy, await _find_id(parts, project, id_or_email))
        if row is None:
            raise _nobody(id_or_email, project)
        return msgspec.json.decode(msgspec.json.encode(user_on_wire(row, Access.SERVER, project.config)))  # type: ignore[no-any-return]

    show_record(run_with_parts(config_file, work), as_json=as_json)


async def _find_id(parts: Parts, project: Project, id_or_email: str) -> str:
    if is_uuid(id_or_email):
        return id_or_email.lower()
    if "@" not in id_or_email:
        msg = f"{id_or_email} is neither a user's id nor an email address."
        raise CommandFailed(msg)
    user_id = await contact_channels.find_sign_in_owner(parts.db, project.tenancy, normalise_address(id_or_email))
    if user_id is None:
        raise _nobody(id_or_email, project)
    return user_id


def _nobody(id_or_email: str, project: Project) -> CommandFailed:
    return CommandFailed(f"There is no user {id_or_email} in the project {project.id}.")


@user.command("delete")
@click.argument("id_or_email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@project_option
@config_option
@json_option
def delete(id_or_email: str, yes: bool, project_id: str | None, config_file: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Delete the user with this id or sign-in address, with everything that is his."""
    target = _target(project_id, is_admin=False)
    if not yes:
        if not sys.stdin.isatty():
            msg = "There is no terminal to ask on: say --yes to delete the user."
            raise CommandFailed(msg)
        click.confirm(f"Delete {id_or_email} from the project {target} for good?", abort=True, err=True)

    async def work(parts: Parts) -> str:
        project = await get_project(parts, target)
        user_id = await _find_id(parts, project, id_or_email)
        await parts.db.write(lambda conn: delete_user(conn, project.tenancy, user_id))
        return user_id

    user_id = run_with_parts(config_file, work)
    show_done(f"The user {user_id} was deleted.", as_json=as_json, id=user_id)


@user.command("reset-password")
@click.argument("id_or_email")
@password_options[0]
@password_options[1]
@project_option
@config_option
@json_option
def reset_password(
    id_or_email: str,
    from_stdin: bool,  # noqa: FBT001
    generate: bool,  # noqa: FBT001
    project_id: str | None,
    config_file: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Give the user another password and end all his sessions."""
    target = _target(project_id, is_admin=False)
    password = _password(from_stdin=from_stdin, generate=generate)
    body = _body(ServerUserUpdate, {"password": password})

    async def work(parts: Parts) -> str:
        project = await get_project(parts, target)
        require_long_enough(password)
        user_id = await _find_id(parts, project, id_or_email)
        await update_user(parts, project, user_id, Access.SERVER, body)
        await parts.db.write(lambda conn: _start_over(conn, parts, project, user_id, id_or_email))
        return user_id

    user_id = run_with_parts(config_file, work)
    if as_json or not generate:
        show_done(
            "The password was changed, all sessions ended.", as_json=as_json, id=user_id, **({"password": password} if generate else {})
        )
    else:
        show_record({"id": user_id, "password": password}, as_json=False)


async def _start_over(conn: Connection, parts: Parts, project: Project, user_id: str, id_or_email: str) -> None:
    """Ends all sessions and forgets wrong tries, so that the owner can use his new password at once."""
    await end_all_sessions(conn, project.tenancy, user_id)
    primary = await contact_channels.find_primary(conn, project.tenancy, user_id)
    addresses = {user_id, *([primary.value] if primary else []), *([normalise_address(id_or_email)] if "@" in id_or_email else [])}
    await parts.throttles.clear(conn, project.tenancy.id, *(PASSWORD.of(address) for address in addresses))
