"""What other features do with emails: queue one in the transaction of its cause (contract 08 §1, §6).

Whoever queues wakes the worker after the commit (`parts.outbox.wake()`), so that delivery starts at once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import msgspec

from hexclave_server.core import clock, randomness
from hexclave_server.core.context import Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.emails import queries

SEALED = "email"
"""The purpose under which what an email says is encrypted."""


class Template(enum.Enum):
    """The built-in emails, by their key; the subjects and variables of contract 08 §6. The last is ours (contract 02 §1.8)."""

    EMAIL_VERIFICATION = "email_verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a template
    MAGIC_LINK = "magic_link"
    SECURITY_NOTICE = "security_notice"


class Category(enum.Enum):
    """Notification categories (contract 05 §4)."""

    TRANSACTIONAL = "Transactional"
    MARKETING = "Marketing"


class RecipientKind(enum.Enum):
    """How the addresses of an entry are found (contract 08 §1)."""

    USER_PRIMARY_EMAIL = "user-primary-email"
    USER_CUSTOM_EMAILS = "user-custom-emails"
    CUSTOM_EMAILS = "custom-emails"


class Recipient(msgspec.Struct, frozen=True):
    """Who gets an email. Of a user with addresses the addresses count, and the user is greeted and his preferences are asked."""

    kind: RecipientKind
    user_id: str | None = None
    addresses: tuple[str, ...] = ()


def to_address(address: str) -> Recipient:
    """Somebody who may be no user."""
    return Recipient(RecipientKind.CUSTOM_EMAILS, None, (address,))


def to_user_at(user_id: str, address: str) -> Recipient:
    """A user, at this address."""
    return Recipient(RecipientKind.USER_CUSTOM_EMAILS, user_id, (address,))


async def queue_email(
    conn: Connection,
    keyring: Keyring,
    tenancy: Tenancy,
    template: Template,
    recipient: Recipient,
    variables: Mapping[str, Any],
    *,
    is_high_priority: bool = True,
) -> str:
    """Queues one built-in email; its id. Part of the caller's transaction: without its commit there is no email.

    `variables` are the template's own (contract 08 §6); project, theme and user are added when it is rendered.
    """
    email_id = randomness.new_uuid()
    await conn.execute(
        queries.QUEUE,
        tenancy_id=tenancy.id,
        id=email_id,
        template=template.value,
        recipient_kind=recipient.kind.value,
        user_id=recipient.user_id,
        addresses=msgspec.json.encode(recipient.addresses).decode(),
        sealed_variables=keyring.encrypt(msgspec.json.encode(variables), purpose=SEALED, tenancy_id=tenancy.id, row_id=email_id),
        category=Category.TRANSACTIONAL.value,
        is_high_priority=is_high_priority,
        now=clock.now_millis(),
    )
    return email_id


async def take_back_email(conn: Connection, tenancy: Tenancy, email_id: str) -> None:
    """Removes an email that this very transaction queued; nothing happens for an id that there is not.

    For whoever must do the same work whether or not there is somebody to write to.
    """
    await conn.execute(queries.TAKE_BACK, tenancy_id=tenancy.id, id=email_id)
