"""Security throttles: how often a secret may be guessed, per account and per address prefix, counted in the database.

In the database, so that a count survives restarts and is shared by nodes; in a transaction of its own, so that it survives the error the
try ends in. A guessable secret (password, short code) is counted *before* it is checked, else parallel guesses pass; the try is given back
when the secret was right. A secret of high entropy (refresh token, key) is counted when it was wrong. Nobody is ever locked out for good:
each interval gives one more try, and another way in clears the count. The algorithm is GCRA: one time per subject, moved by one statement.
"""

import enum
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import BigInteger, ColumnElement, bindparam, case, delete, or_, select, tuple_
from sqlalchemy.dialects.postgresql import Insert, insert

from hexclave_server.core import clock
from hexclave_server.core.client_address import address_prefix
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection, Database, Query
from hexclave_server.core.errors import RateLimited
from hexclave_server.core.throttle_tables import throttles

PURGED_AT_ONCE: Final = 1000
CLOCK_TOLERANCE_MILLIS: Final = 600_000
"""How far clocks of nodes may differ. A count that ends later than any could was made before a clock was set back: it means nothing."""
_HMAC_PURPOSE: Final = "throttle"


class By(enum.Enum):
    """What a throttle counts by."""

    ACCOUNT = "account"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Throttle:
    """`burst` tries at once, then one more every `interval_seconds`, for each subject of its kind."""

    name: str
    burst: int = 10
    interval_seconds: float = 30
    by: By = By.ACCOUNT

    def of(self, subject: str) -> "Subject":
        """The throttle of one account (its address as normalised, whether it exists or not; or its id) or of one client address."""
        return Subject(self, address_prefix(subject) if self.by is By.ADDRESS else subject)

    @property
    def interval_millis(self) -> int:
        """Milliseconds until one more try is allowed."""
        return round(self.interval_seconds * 1000)


class Subject(NamedTuple):
    """What is counted: an account or an address prefix under one throttle."""

    throttle: Throttle
    name: str


PASSWORD: Final = Throttle("password")
SIGN_IN_CODE: Final = Throttle("sign-in-code", burst=30, interval_seconds=90)
"""For six characters beside a nonce that is known to whoever asked for the code, over all codes of the account: 990 tries in a day and a
night, less than 2^-20 of what there is to try. A burst above the 20 tries at one code (contract 02 §1.4), so that these can be seen to end."""
GUESSES_BY_ADDRESS: Final = Throttle("guesses", burst=100, interval_seconds=3, by=By.ADDRESS)
"""For whoever tries many accounts; right secrets are given back, so that an office behind one address is not refused."""
WRONG_TOKENS_BY_ADDRESS: Final = Throttle("wrong-tokens", burst=300, interval_seconds=1, by=By.ADDRESS)
"""For secrets nobody can guess: generous, because one back end serves many users."""
MESSAGES: Final = Throttle("messages", burst=10, interval_seconds=60)
"""For mail that anybody can have sent to an address (the account): nobody's mailbox is filled through this server."""
MESSAGES_BY_ADDRESS: Final = Throttle("messages-by-address", burst=60, interval_seconds=10, by=By.ADDRESS)
MESSAGES_BY_PROJECT: Final = Throttle("messages-by-project", burst=3000, interval_seconds=0.1)
"""For strangers who have mail sent to many: its subject is the project."""

_NOW = bindparam("now", type_=BigInteger())
_THIS = (throttles.c.tenancy_id == bindparam("tenancy_id"), throttles.c.key == bindparam("key"))


class _Key(msgspec.Struct):
    key: str


def _of_row(name: str, subjects: int) -> ColumnElement[int]:
    """Of the parameters `name` with the subjects' numbers the one that belongs to the row at hand."""
    numbered = [bindparam(f"{name}_{number}", type_=BigInteger()) for number in range(subjects)]
    if subjects == 1:
        return numbered[0]
    return case(*((throttles.c.key == bindparam(f"key_{number}"), each) for number, each in enumerate(numbered)))


def _rows(subjects: int, earliest_at: Callable[[int], ColumnElement[int]]) -> Insert:
    """Rows in the order of their numbers, which is that of their keys: they are locked in it."""
    return insert(throttles).values(
        [
            {"tenancy_id": bindparam("tenancy_id"), "key": bindparam(f"key_{number}"), "earliest_at": earliest_at(number)}
            for number in range(subjects)
        ]
    )


@cache
def count_query(subjects: int) -> Query:
    """Counts a try of so many subjects in one statement; it returns the keys of those who had one left."""
    horizon = _of_row("horizon", subjects)
    last = case((throttles.c.earliest_at.between(_NOW, horizon), throttles.c.earliest_at), else_=_NOW)
    return Query(
        _rows(subjects, lambda number: bindparam(f"first_{number}", type_=BigInteger()))
        .on_conflict_do_update(
            index_elements=["tenancy_id", "key"],
            set_={"earliest_at": last + _of_row("interval", subjects)},
            where=or_(throttles.c.earliest_at <= _of_row("latest", subjects), throttles.c.earliest_at > horizon),
        )
        .returning(throttles.c.key)
    )


@cache
def give_back_query(subjects: int) -> Query:
    """Undoes one count of so many subjects. An insert, for the order of its locks: an update takes rows as it finds them.

    Where a count was forgotten meanwhile it leaves a row that means nothing.
    """
    return Query(
        _rows(subjects, lambda _: _NOW).on_conflict_do_update(
            index_elements=["tenancy_id", "key"], set_={"earliest_at": throttles.c.earliest_at - _of_row("interval", subjects)}
        )
    )


FIND = Query(select(throttles.c.earliest_at).where(*_THIS))
CLEAR = Query(delete(throttles).where(*_THIS))
_OUTDATED = select(throttles.c.tenancy_id, throttles.c.key).where(throttles.c.earliest_at <= _NOW).limit(PURGED_AT_ONCE)
# The time is asked twice: a row that counted a try since the inner select must stay.
PURGE = Query(delete(throttles).where(throttles.c.earliest_at <= _NOW, tuple_(throttles.c.tenancy_id, throttles.c.key).in_(_OUTDATED)))


class Throttles:
    """Counts tries under keys that reveal nobody; `enabled=False` (the setting for load tests) lets everything pass."""

    def __init__(self, keyring: Keyring, *, enabled: bool = True) -> None:
        self._keyring = keyring
        self._enabled = enabled

    async def count(self, db: Database, tenancy_id: str, *subjects: Subject) -> None:
        """Count one try of all subjects, or of none and raise RateLimited when one of them has no try left.

        Opens a write transaction of its own: call it outside of any, before the secret is checked.
        """
        if not self._enabled or not subjects:
            return
        now = clock.now_millis()
        keyed = self._keyed(subjects)

        async def work(conn: Connection) -> None:
            refused = await _count(conn, tenancy_id, keyed, now)
            if refused:
                waits = [await _wait(conn, tenancy_id, key, throttle, now) for key, throttle in refused]
                raise RateLimited(retry_after_seconds=max(1, *waits))

        await db.write(work)

    async def try_count(self, conn: Connection, tenancy_id: str, *subjects: Subject) -> bool:
        """Count one try of each subject that has one left as part of the caller's transaction; whether all had."""
        if not self._enabled:
            return True
        now = clock.now_millis()
        return not await _count(conn, tenancy_id, self._keyed(subjects), now)

    async def count_failure(self, db: Database, tenancy_id: str, *subjects: Subject) -> None:
        """Count a wrong secret of high entropy; raises RateLimited, instead of the error that says it was wrong, when there were too many."""
        await self.count(db, tenancy_id, *subjects)

    async def check(self, conn: Connection, tenancy_id: str, *subjects: Subject) -> None:
        """Raise RateLimited when one of the subjects has no try left; counts nothing."""
        if not self._enabled:
            return
        now = clock.now_millis()
        waits = [await _wait(conn, tenancy_id, key, throttle, now) for key, throttle in self._keyed(subjects)]
        if any(waits):
            raise RateLimited(retry_after_seconds=max(waits))

    async def give_back(self, conn: Connection, tenancy_id: str, *subjects: Subject) -> None:
        """Undo one `count` of these subjects, since the secret was right; `conn` is a write transaction (that of the success)."""
        if self._enabled and subjects:
            keyed = self._keyed(subjects)
            keys = {f"key_{number}": key for number, (key, _) in enumerate(keyed)}
            intervals = {f"interval_{number}": throttle.interval_millis for number, (_, throttle) in enumerate(keyed)}
            await conn.execute(give_back_query(len(keyed)), tenancy_id=tenancy_id, now=clock.now_millis(), **keys, **intervals)

    async def clear(self, conn: Connection, tenancy_id: str, *subjects: Subject) -> None:
        """Forget all tries of these subjects (reset by mail, sign-in by another method); `conn` is a write transaction."""
        if self._enabled:
            for key, _ in self._keyed(subjects):
                await conn.execute(CLEAR, tenancy_id=tenancy_id, key=key)

    def _keyed(self, subjects: Iterable[Subject]) -> list[tuple[str, Throttle]]:
        """In one order whoever asks: rows are locked in it, so that two requests cannot wait for each other."""
        keys = {self._keyring.hmac(_HMAC_PURPOSE, f"{subject.throttle.name}\0{subject.name}"): subject.throttle for subject in subjects}
        return sorted(keys.items(), key=itemgetter(0))


async def purge(conn: Connection) -> int:
    """Delete up to 1,000 rows that mean nothing any more, and say how many they were; `conn` is a write transaction."""
    return await conn.execute(PURGE, now=clock.now_millis())


async def _count(conn: Connection, tenancy_id: str, keyed: list[tuple[str, Throttle]], now: int) -> list[tuple[str, Throttle]]:
    """Counts a try of all that have one left, and says which have none."""
    parameters: dict[str, Any] = {}
    for number, (key, throttle) in enumerate(keyed):
        interval = throttle.interval_millis
        parameters |= {
            f"key_{number}": key,
            f"first_{number}": now + interval,
            f"interval_{number}": interval,
            f"latest_{number}": now + (throttle.burst - 1) * interval,
            f"horizon_{number}": _horizon(throttle, now),
        }
    counted = {row.key for row in await conn.all(_Key, count_query(len(keyed)), tenancy_id=tenancy_id, now=now, **parameters)}
    return [each for each in keyed if each[0] not in counted]


async def _wait(conn: Connection, tenancy_id: str, key: str, throttle: Throttle, now: int) -> int:
    """Whole seconds until this subject has a try again; 0 when it has one now."""
    earliest_at: int | None = await conn.value(FIND, tenancy_id=tenancy_id, key=key)
    if earliest_at is None or earliest_at > _horizon(throttle, now):
        return 0
    return max(0, math.ceil((earliest_at - (throttle.burst - 1) * throttle.interval_millis - now) / 1000))


def _horizon(throttle: Throttle, now: int) -> int:
    """The latest time that a count may stand at, milliseconds."""
    return now + throttle.burst * throttle.interval_millis + CLOCK_TOLERANCE_MILLIS
