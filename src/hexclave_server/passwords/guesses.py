"""Tries at a password: counted before they are checked, given back when they were right (contract 00 §10).

Counted per account, whether it exists or not, and per client address for those who call from where the person is. A back end with a
server key calls for many people from one address, so only the accounts count there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hexclave_server.core.context import Access, Call
from hexclave_server.core.db import Connection
from hexclave_server.core.errors import Unavailable
from hexclave_server.core.throttles import GUESSES_BY_ADDRESS, PASSWORD, Subject


class Guess:
    """One try of one caller, counted. `give_back` belongs into the transaction of its success."""

    def __init__(self, call: Call, account: str | None) -> None:
        self._call = call
        self._subjects: list[Subject] = [] if account is None else [PASSWORD.of(account)]
        if call.access is Access.CLIENT:
            self._subjects.append(GUESSES_BY_ADDRESS.of(call.request.address))

    async def count(self) -> None:
        """Counts the try in a transaction of its own. Raises RateLimited when there were too many."""
        if self._subjects:
            await self._call.parts.throttles.count(self._call.db, self._call.tenancy.id, *self._subjects)

    async def give_back(self, conn: Connection) -> None:
        """Undoes the count: the try was right, or was not checked."""
        await self._call.parts.throttles.give_back(conn, self._call.tenancy.id, *self._subjects)


@asynccontextmanager
async def counted_guess(call: Call, account: str | None) -> AsyncIterator[Guess]:
    """Counts a try at the account (its normal address or its user's id; None where no account is tried) around its check.

    Raises RateLimited. A try that the server was too busy to check is given back.
    """
    guess = Guess(call, account)
    await guess.count()
    try:
        yield guess
    except Unavailable:
        await call.db.write(guess.give_back)
        raise
