"""What a database operation can fail with, the same for both databases.

Any of these ends the transaction it happened in: to expect a conflict, use `insert_if_absent` or a condition instead of catching.
"""


class DatabaseUnavailable(Exception):
    """The database is away, full or too busy; nothing of the transaction was kept, or its fate is unknown. The wire says 503."""

    def __init__(self, reason: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class ConstraintViolation(Exception):
    """A rule of the schema refused a write. `constraint` is its name in the metadata where the database tells it, else None."""

    def __init__(self, message: str, constraint: str | None = None) -> None:
        super().__init__(message)
        self.constraint = constraint


class UniqueViolation(ConstraintViolation):
    """A row with this key is there already."""


class ForeignKeyViolation(ConstraintViolation):
    """The row referred to is not there, or still referred to."""


class WaitedInTransaction(RuntimeError):
    """A bug: the work of a transaction awaited something other than its connection (DESIGN: nothing else is awaited there)."""


class TransactionIsOver(RuntimeError):
    """A bug: a statement after the transaction ended, or after an error in it."""
