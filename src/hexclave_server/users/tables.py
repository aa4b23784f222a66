"""The table of users.

`display_name_folded` is the display name with its case folded in Python, for searches that mean the same on every database.
Metadata is kept as the text that was sent. `totp_secret` is encrypted (purpose `totp-secret`, row = user id);
`totp_last_step` is the latest time step whose code was accepted (RFC 6238 §5.2), so that no code serves twice.
"""

from sqlalchemy import ForeignKey, Index, Table

from hexclave_server.core.db import big_int_column, bool_column, id_column, int_column, json_column, metadata, millis_column, text_column

users = Table(
    "users",
    metadata,
    id_column("tenancy_id", ForeignKey("tenancies.id", ondelete="CASCADE"), primary_key=True),
    id_column("id", primary_key=True),
    text_column("display_name"),
    text_column("display_name_folded"),
    text_column("profile_image_url"),
    millis_column("signed_up_at", nullable=False),
    millis_column("last_active_at", nullable=False),
    bool_column("is_anonymous", nullable=False),
    bool_column("restricted_by_admin", nullable=False),
    text_column("restricted_by_admin_reason"),
    text_column("restricted_by_admin_private_details"),
    json_column("client_metadata"),
    json_column("client_read_only_metadata"),
    json_column("server_metadata"),
    text_column("password_hash"),
    bool_column("otp_auth_enabled", nullable=False),
    text_column("totp_secret"),
    bool_column("requires_totp_mfa", nullable=False),
    big_int_column("totp_last_step"),
    id_column("selected_team_id"),
    text_column("country_code"),
    int_column("risk_bot", nullable=False),
    int_column("risk_free_trial_abuse", nullable=False),
    Index("ix_users_signed_up_at", "tenancy_id", "signed_up_at", "id"),
    Index("ix_users_last_active_at", "tenancy_id", "last_active_at", "id"),
    Index("ix_users_listed_signed_up_at", "tenancy_id", "is_anonymous", "restricted_by_admin", "signed_up_at", "id"),
    Index("ix_users_listed_last_active_at", "tenancy_id", "is_anonymous", "restricted_by_admin", "last_active_at", "id"),
)
