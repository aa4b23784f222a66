"""`Idempotency-Key`: a client that did not get the answer to a POST sends it again and has one effect, and the same answer.

An addition of ours, after the IETF draft draft-ietf-httpapi-idempotency-key-header. A key belongs to whoever sent it (project, access type,
and user or session, else client address), so that nobody gets the answer to somebody else's request by trying keys; the same key with another
request is refused. The first request reserves the key by one conditional write; whoever comes while it runs is told to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from hexclave_server.core import clock, idempotency_queries
from hexclave_server.core.client_address import address_prefix
from hexclave_server.core.context import Access
from hexclave_server.core.crypto import DecryptionFailed
from hexclave_server.core.errors import KnownError, PlainError
from hexclave_server.core.http import Response
from hexclave_server.core.rendering import error_response

if TYPE_CHECKING:
    from hexclave_server.core.context import Call
    from hexclave_server.core.db import Connection, Query

HEADER = b"idempotency-key"
KEPT_MILLIS = 24 * 60 * 60 * 1000
LOCKED_MILLIS = 60_000
LONGEST_KEY = 255
_PURPOSE = "idempotency"
_SERVER_ERRORS = 500

_under_way: set[asyncio.Task[Response]] = set()


class _Stored(msgspec.Struct, frozen=True):
    fingerprint: str
    sealed_answer: str | None


class _Answer(msgspec.Struct, frozen=True, array_like=True):
    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]]


def wants_one_effect(call: Call) -> bool:
    """Whether a request says that it may come several times. Requests without a project have nobody to whom a key could belong."""
    return call.request.method == "POST" and HEADER in call.request.headers and call.caller.project is not None


async def with_one_effect(call: Call, body: bytes, run: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of `run`, or the one that it gave to the same key before.

    Raises PlainError 400 for a malformed key, 409 while the first request is under way, 422 when the key came with another request; and
    what `run` raises if that is no answer to keep (429, 503, 500): then the key is free again.
    """
    attempt = _Attempt(call, body)
    former = await attempt.reserve()
    if former is not None:
        return former
    # A task of its own: a client that goes away is just the one who will ask again for the answer.
    work = asyncio.create_task(attempt.work(run))
    _under_way.add(work)
    work.add_done_callback(_finished)
    return await asyncio.shield(work)


async def purge(conn: Connection) -> int:
    """Deletes up to 1,000 keys that are a day old, and says how many they were; `conn` is a write transaction."""
    return await conn.execute(idempotency_queries.PURGE, outdated=clock.now_millis() - KEPT_MILLIS)


def _finished(work: asyncio.Task[Response]) -> None:
    _under_way.discard(work)
    if not work.cancelled():
        work.exception()  # whoever waited for it has it; nobody else needs to hear of it


class _Attempt:
    """One request under its key."""

    def __init__(self, call: Call, body: bytes) -> None:
        key = call.request.headers[HEADER].decode("latin-1").strip()
        if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
            raise PlainError(400, f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters.")
        self._call = call
        self._tenancy_id = call.tenancy.id
        keyring = call.parts.keyring
        self._key_hash = keyring.hmac(_PURPOSE, "\0".join((call.access.wire, _owner(call), key)))
        request = call.request
        self._fingerprint = keyring.hmac(_PURPOSE, b"\0".join((request.raw_path, request.query_string, body)))
        self._locked_until = 0

    async def reserve(self) -> Response | None:
        """None when the work is ours to do now, else the answer that was given before."""
        now = clock.now_millis()
        self._locked_until = now + LOCKED_MILLIS
        reserved = await self._call.db.execute(
            idempotency_queries.RESERVE,
            tenancy_id=self._tenancy_id,
            key_hash=self._key_hash,
            fingerprint=self._fingerprint,
            now=now,
            locked_until=self._locked_until,
            outdated=now - KEPT_MILLIS,
        )
        if reserved:
            return None
        stored = await self._call.db.first(_Stored, idempotency_queries.FIND, tenancy_id=self._tenancy_id, key_hash=self._key_hash)
        if stored is not None and stored.fingerprint != self._fingerprint:
            raise PlainError(422, "This Idempotency-Key was used for another request. Use a new key for each operation.")
        if stored is None or stored.sealed_answer is None:
            raise PlainError(409, "A request with this Idempotency-Key is under way. Send it again in a moment.")
        return self._opened(stored.sealed_answer)

    async def work(self, run: Callable[[], Awaitable[Response]]) -> Response:
        """Does the work and keeps its answer; frees the key when there is none to keep."""
        try:
            response = await self._answered(run)
        except BaseException:
            await self._finish(idempotency_queries.RELEASE)
            raise
        if response.status >= _SERVER_ERRORS or response.chunks is not None:
            await self._finish(idempotency_queries.RELEASE)
        else:
            await self._keep(response)
        return response

    async def _answered(self, run: Callable[[], Awaitable[Response]]) -> Response:
        """An error of the contract is an answer like another: what was done before it (a code used up) is not done again."""
        try:
            return await run()
        except (KnownError, PlainError) as error:
            response = error_response(error, self._call.request)
            if response is None:
                raise
            return response

    async def _keep(self, response: Response) -> None:
        answer = msgspec.json.encode(_Answer(response.status, response.body, response.headers))
        sealed = self._call.parts.keyring.encrypt(answer, purpose=_PURPOSE, tenancy_id=self._tenancy_id, row_id=self._key_hash)
        await self._finish(idempotency_queries.KEEP_ANSWER, sealed_answer=sealed)

    async def _finish(self, query: Query, **more: str) -> None:
        await self._call.db.execute(query, tenancy_id=self._tenancy_id, key_hash=self._key_hash, locked_until=self._locked_until, **more)

    def _opened(self, sealed: str) -> Response:
        try:
            data = self._call.parts.keyring.decrypt(sealed, purpose=_PURPOSE, tenancy_id=self._tenancy_id, row_id=self._key_hash)
        except DecryptionFailed:
            raise PlainError(409, "The answer to this Idempotency-Key cannot be repeated. Use a new key.") from None
        answer = msgspec.json.decode(data, type=_Answer)
        return Response(answer.status, answer.body, [*answer.headers, (b"idempotent-replayed", b"true")])


def _owner(call: Call) -> str:
    """To whom a key belongs: the user of the access token; else a session; else a back end with its project's key; else a client address."""
    if call.claims is not None:
        return f"user {call.claims.user_id}"
    refresh_token = call.request.protocol.get(b"refresh-token")
    if refresh_token is not None:  # all that tells one refresh from another: neighbours share an address, users of a back end its project
        return f"session {refresh_token}"
    return "project" if call.access is not Access.CLIENT else f"address {address_prefix(call.request.address)}"
