"""The local mailbox: what was sent while no mail server is configured, read from the outbox itself."""

from __future__ import annotations

from email.utils import formataddr

import msgspec

from hexclave_server.core.context import Parts
from hexclave_server.core.crypto import DecryptionFailed
from hexclave_server.emails import queries
from hexclave_server.emails.mail_server import shared_sender
from hexclave_server.emails.queries import KeptRow
from hexclave_server.emails.rendering import Content, one_line
from hexclave_server.emails.service import SEALED
from hexclave_server.projects.service import find_tenancy


class KeptMail(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """One message in the mailbox, as programs get it."""

    id: str
    project_id: str
    to: list[str]
    sender: str
    subject: str
    text: str
    html: str
    created_at_millis: int


async def list_mails(parts: Parts) -> list[KeptMail]:
    """The newest 200 messages of all projects, newest first."""
    found = [await _opened(parts, row) for row in await parts.db.all(KeptRow, queries.LIST_KEPT)]
    return [mail for mail in found if mail is not None]


async def find_mail(parts: Parts, mail_id: str) -> KeptMail | None:
    """One message; None when there is none with this id."""
    return next((mail for mail in await list_mails(parts) if mail.id == mail_id), None)


async def _opened(parts: Parts, row: KeptRow) -> KeptMail | None:
    """The message of a row; None for one that cannot be read, or whose project is gone."""
    tenancy = await find_tenancy(parts.db, row.tenancy_id)
    project = await parts.directory.find_project(tenancy.project_id) if tenancy is not None else None
    if project is None:
        return None
    try:
        opened = parts.keyring.decrypt(row.sealed_content, purpose=SEALED, tenancy_id=row.tenancy_id, row_id=row.id)
    except DecryptionFailed:
        return None
    content = msgspec.json.decode(opened, type=Content)
    return KeptMail(
        id=row.id,
        project_id=project.id,
        to=msgspec.json.decode(row.addresses, type=list[str]),
        sender=formataddr((one_line(project.display_name), shared_sender(parts.settings))),
        subject=content.subject,
        text=content.text,
        html=content.html,
        created_at_millis=row.created_at,
    )
