"""The tables of emails: the outbox, and what users do not want to get.

An entry of the outbox is one message to one recipient (contract 08 §1). It is written in the transaction of its cause and finished by the
worker. What it says (variables, and after rendering subject, HTML and text) may hold a one-time code, so it lies here encrypted (purpose
`email`, row = entry id) and is removed a month after the end. `user_id` has no foreign key: an entry outlives its user and is then skipped.

`due_at` is when a worker should look at an unfinished entry; it is null once the entry is finished. A worker that has it in hand keeps
`claim_id` in it and `due_at` a little ahead (its lease): an entry that is due and claimed was left behind by a crash. If `started_sending_at`
is set then, nobody knows whether the mail server took it. `charged_at` says that it was counted against the project's capacity.
`in_mailbox` marks what was kept here instead of sent.
`server_error` is why the last try failed; it is final once `finished_at` is set.
"""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Table

from hexclave_server.core.db import bool_column, id_column, int_column, json_column, metadata, millis_column, text_column

email_outbox = Table(
    "email_outbox",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    text_column("template", nullable=False),
    text_column("recipient_kind", nullable=False),
    id_column("user_id"),
    json_column("addresses", nullable=False),
    text_column("sealed_variables"),
    text_column("sealed_content"),
    text_column("category"),
    bool_column("is_high_priority", nullable=False),
    millis_column("created_at", nullable=False),
    millis_column("updated_at", nullable=False),
    millis_column("scheduled_at", nullable=False),
    millis_column("due_at"),
    id_column("claim_id"),
    millis_column("charged_at"),
    millis_column("rendered_at"),
    millis_column("started_sending_at"),
    millis_column("finished_at"),
    int_column("send_retries", nullable=False),
    json_column("send_attempt_errors"),
    text_column("server_error"),
    text_column("skipped_reason"),
    json_column("skipped_details"),
    bool_column("in_mailbox", nullable=False),
    Index("ix_email_outbox_created_at", "tenancy_id", "created_at", "id"),
)

Index(
    "ix_email_outbox_due_at",
    email_outbox.c.is_high_priority,
    email_outbox.c.due_at,
    sqlite_where=email_outbox.c.due_at.is_not(None),
    postgresql_where=email_outbox.c.due_at.is_not(None),
)
Index(
    "ix_email_outbox_finished_at",
    email_outbox.c.finished_at,
    sqlite_where=email_outbox.c.sealed_variables.is_not(None),
    postgresql_where=email_outbox.c.sealed_variables.is_not(None),
)
Index(
    "ix_email_outbox_in_mailbox",
    email_outbox.c.created_at,
    sqlite_where=email_outbox.c.in_mailbox,
    postgresql_where=email_outbox.c.in_mailbox,
)

notification_preferences = Table(
    "notification_preferences",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("user_id", primary_key=True),
    id_column("category_id", primary_key=True),
    bool_column("enabled", nullable=False),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
)
