"""Run by Alembic. The caller has opened the connection and the transaction, and commits it."""

from alembic import context

from hexclave_server.core.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=context.config.attributes.get("render_item"),
    transactional_ddl=True,  # also on SQLite: the connection leaves BEGIN to us
)
context.run_migrations()
