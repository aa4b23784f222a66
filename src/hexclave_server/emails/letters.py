"""An entry of the outbox made into a letter: everything that is decided at the moment of sending."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hexclave_server.core.context import Parts, Project
from hexclave_server.core.crypto import DecryptionFailed
from hexclave_server.emails.addresses import accept_address
from hexclave_server.emails.queries import EntryRow
from hexclave_server.emails.recipients import Skip, find_recipients
from hexclave_server.emails.rendering import Content, Logos, RenderingFailed, Setting, render
from hexclave_server.emails.service import SEALED, Template
from hexclave_server.projects.service import find_project_row


class Letter(msgspec.Struct, frozen=True):
    """What an entry says, and to whom: `addresses` as they were given, `skip` if it is not to be sent."""

    content: Content
    addresses: Sequence[str]
    skip: Skip | None

    def envelope(self) -> tuple[str, ...]:
        """The addresses as a mail server takes them. Raises AddressInvalid."""
        return tuple(dict.fromkeys(accept_address(address) for address in self.addresses))


async def write_letter(parts: Parts, project: Project, entry: EntryRow) -> Letter:
    """The letter of an entry as things are now. Raises RenderingFailed."""
    recipients = await find_recipients(parts.db, project.tenancy, entry)
    row = await find_project_row(parts.db, project.id)
    logos = Logos(row.logo_url, row.logo_full_url, row.logo_dark_mode_url, row.logo_full_dark_mode_url) if row is not None else Logos()
    setting = Setting(
        project_name=project.display_name,
        queued_at=entry.created_at,
        logos=logos,
        theme_id=project.config["emails"]["selectedThemeId"],
        user_name=recipients.user_name,
    )
    try:
        opened = parts.keyring.decrypt(entry.sealed_variables, purpose=SEALED, tenancy_id=entry.tenancy_id, row_id=entry.id)
        content = render(Template(entry.template), msgspec.json.decode(opened, type=dict), setting)
    except (DecryptionFailed, ValueError) as error:
        raise RenderingFailed(f"{entry.template}: {type(error).__name__}") from None
    return Letter(content, recipients.addresses, recipients.skip)
