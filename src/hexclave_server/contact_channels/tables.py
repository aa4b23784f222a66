"""The table of contact channels.

`value` is the normalised address (trimmed, lower case). Two partial unique indexes carry the rules that races must not break:
one sign-in owner per address, one primary channel per user and type.
"""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Table, UniqueConstraint

from hexclave_server.core.db import bool_column, id_column, metadata, millis_column, text_column

contact_channels = Table(
    "contact_channels",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    id_column("user_id", nullable=False),
    text_column("type", nullable=False),
    text_column("value", nullable=False),
    bool_column("is_primary", nullable=False),
    bool_column("is_verified", nullable=False),
    bool_column("used_for_auth", nullable=False),
    millis_column("created_at", nullable=False),
    ForeignKeyConstraint(["tenancy_id", "user_id"], ["users.tenancy_id", "users.id"], ondelete="CASCADE"),
    UniqueConstraint("tenancy_id", "user_id", "type", "value", name="uq_contact_channels_value_of_user"),
)

Index(
    "uq_contact_channels_used_for_auth",
    contact_channels.c.tenancy_id,
    contact_channels.c.type,
    contact_channels.c.value,
    unique=True,
    sqlite_where=contact_channels.c.used_for_auth,
    postgresql_where=contact_channels.c.used_for_auth,
)
Index(
    "uq_contact_channels_primary",
    contact_channels.c.tenancy_id,
    contact_channels.c.user_id,
    contact_channels.c.type,
    unique=True,
    sqlite_where=contact_channels.c.is_primary,
    postgresql_where=contact_channels.c.is_primary,
)
