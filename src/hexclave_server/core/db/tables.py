"""The one table of core: a few named values of the installation itself.

`generation` (counter) says that something cached changed; `master_key_check` (value) tells a wrong master secret before it does harm.
"""

from sqlalchemy import Table

from hexclave_server.core.db.schema import big_int_column, metadata, text_column

core_state = Table(
    "core_state",
    metadata,
    text_column("key", primary_key=True),
    text_column("value"),
    big_int_column("counter"),
)
