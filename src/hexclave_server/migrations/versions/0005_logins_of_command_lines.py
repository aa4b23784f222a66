"""Logins of command lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

ID = sa.Text().with_variant(postgresql.UUID(as_uuid=False), "postgresql")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
JSON = sa.Text().with_variant(sa.JSON(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "cli_logins",
        sa.Column("tenancy_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("polling_code_hash", TEXT, nullable=False),
        sa.Column("login_code_hash", TEXT, nullable=False),
        sa.Column("sealed_refresh_token", TEXT, nullable=True),
        sa.Column("sealed_anonymous_refresh_token", TEXT, nullable=True),
        sa.Column("started_from", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("anonymous_claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenancy_id"], ["tenancies.id"], name=op.f("fk_cli_logins_tenancy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenancy_id", "id", name=op.f("pk_cli_logins")),
        sa.UniqueConstraint("tenancy_id", "login_code_hash", name="uq_cli_logins_login_code_hash"),
        sa.UniqueConstraint("tenancy_id", "polling_code_hash", name="uq_cli_logins_polling_code_hash"),
    )
    with op.batch_alter_table("cli_logins", schema=None) as batch_op:
        batch_op.create_index("ix_cli_logins_expires_at", ["expires_at"], unique=False)
