"""What the rest of the server knows of a database: two small protocols, implemented once per driver.

Inside `write` and `snapshot` nothing but the given connection is awaited. An error of a statement ends its transaction, on both databases.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal, Protocol, TypeVar

from hexclave_server.core.db.query import Query

R = TypeVar("R")
T = TypeVar("T")

Dialect = Literal["sqlite", "postgresql"]


class Connection(Protocol):
    """Runs statements: in the transaction it was given for, or each by itself when it is the `Database`."""

    async def first(self, row: type[R], query: Query, **params: Any) -> R | None:
        """The first row as a struct, or None. Raises `DatabaseUnavailable`; in writes also `ConstraintViolation`."""

    async def all(self, row: type[R], query: Query, **params: Any) -> list[R]:
        """All rows as structs. Raises as `first` does."""

    async def value(self, query: Query, **params: Any) -> Any:
        """The first column of the first row, or None where there is no row. Raises as `first` does."""

    async def execute(self, query: Query, **params: Any) -> int:
        """Run a statement for its effect; the number of rows it changed. Raises as `first` does."""


class Database(Connection, Protocol):
    """One database as seen by one server process."""

    dialect: Dialect

    async def start(self) -> None:
        """Open connections; call it once, in the worker after the fork."""

    async def close(self) -> None:
        """Finish what runs and close all connections."""

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in one write transaction; what it returns is committed and durable.

        `work` may be run again (deadlock), so it has no other effects. Its exception rolls back and propagates.
        Raises `DatabaseUnavailable` (nothing was kept, or at a lost connection its fate is unknown).
        """

    async def snapshot(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work`, which only reads, on one unchanging state of the database."""

    def pages(self, row: type[R], query: Query, *, page: int = 1000, **params: Any) -> AsyncIterator[list[R]]:
        """A long read of one unchanging state, off the event loop, in pages of up to `page` rows; none is empty."""

    def generation(self) -> int:
        """A number that differs once anything cached has changed: on this node at once, on others within a second (DESIGN 4.2)."""

    def generation_is_fresh(self) -> bool:
        """False when the database has not confirmed the generation for more than a second: what is cached may be out of date."""

    async def ping(self) -> None:
        """Raises `DatabaseUnavailable` unless the database answers."""
