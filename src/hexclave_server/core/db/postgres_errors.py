"""What PostgreSQL's and the network's errors mean."""

from typing import Any

from asyncpg import exceptions

from hexclave_server.core.db.errors import ConstraintViolation, DatabaseUnavailable, ForeignKeyViolation, UniqueViolation

# Classes 08 (connection), 53 (resources), 57 (operator: restart, cancelled), 58 (system), and what a fail-over leaves behind.
_UNAVAILABLE = (
    OSError,  # TimeoutError included
    exceptions.PostgresConnectionError,
    exceptions.InsufficientResourcesError,
    exceptions.OperatorInterventionError,
    exceptions.PostgresSystemError,
    exceptions.ReadOnlySQLTransactionError,
    exceptions.IdleInTransactionSessionTimeoutError,
)

# Run the work again once: the other transaction is done by then, and the statements are prepared anew.
REPEATABLE = (
    exceptions.DeadlockDetectedError,
    exceptions.SerializationError,
    exceptions.InvalidCachedStatementError,
    exceptions.OutdatedSchemaCacheError,
)
SCHEMA_CHANGED = (exceptions.InvalidCachedStatementError, exceptions.OutdatedSchemaCacheError)


def translated(error: BaseException, connection: Any) -> BaseException:
    """The error of our own that stands for one of asyncpg or the network; the error itself where it is a bug of ours."""
    if isinstance(error, exceptions.UniqueViolationError):
        return UniqueViolation(str(error), error.constraint_name)
    if isinstance(error, exceptions.ForeignKeyViolationError):
        return ForeignKeyViolation(str(error), error.constraint_name)
    if isinstance(error, exceptions.IntegrityConstraintViolationError):
        return ConstraintViolation(str(error), error.constraint_name)
    if isinstance(error, _UNAVAILABLE) or (isinstance(error, Exception) and not isinstance(error, REPEATABLE) and connection.is_closed()):
        # asyncpg has many names for a connection that was cut; that it is closed is the one sure sign.
        return DatabaseUnavailable(f"PostgreSQL: {str(error) or type(error).__name__}")
    return error
