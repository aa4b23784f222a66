"""Emails: the outbox, and what users do not want to get."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

ID = sa.Text().with_variant(postgresql.UUID(as_uuid=False), "postgresql")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
JSON = sa.Text().with_variant(sa.JSON(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "email_outbox",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("template", TEXT, nullable=False),
        sa.Column("recipient_kind", TEXT, nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("addresses", JSON, nullable=False),
        sa.Column("sealed_variables", TEXT, nullable=True),
        sa.Column("sealed_content", TEXT, nullable=True),
        sa.Column("category", TEXT, nullable=True),
        sa.Column("is_high_priority", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("claim_id", ID, nullable=True),
        sa.Column("charged_at", sa.BigInteger(), nullable=True),
        sa.Column("rendered_at", sa.BigInteger(), nullable=True),
        sa.Column("started_sending_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("send_retries", sa.Integer(), nullable=False),
        sa.Column("send_attempt_errors", JSON, nullable=True),
        sa.Column("server_error", TEXT, nullable=True),
        sa.Column("skipped_reason", TEXT, nullable=True),
        sa.Column("skipped_details", JSON, nullable=True),
        sa.Column("in_mailbox", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_email_outbox_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_email_outbox")),
    )
    with op.batch_alter_table("email_outbox", schema=None) as batch_op:
        batch_op.create_index("ix_email_outbox_created_at", ["tenancy_id", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_email_outbox_due_at",
            ["is_high_priority", "due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_email_outbox_in_mailbox",
            ["created_at"],
            unique=False,
            sqlite_where=sa.text("in_mailbox"),
            postgresql_where=sa.text("in_mailbox"),
        )
        batch_op.create_index(
            "ix_email_outbox_finished_at",
            ["finished_at"],
            unique=False,
            sqlite_where=sa.text("sealed_variables IS NOT NULL"),
            postgresql_where=sa.text("sealed_variables IS NOT NULL"),
        )

    op.create_table(
        "notification_preferences",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("category_id", ID, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenancy_id", "user_id"],
            ["users.tenancy_id", "users.id"],
            name=op.f("fk_notification_preferences_tenancy_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_notification_preferences_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "user_id", "category_id", name=op.f("pk_notification_preferences")),
    )
