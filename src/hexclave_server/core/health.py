"""Whether the server serves: `/health` for the process, `/health?db=1` and `/ready` for the database too (contract 15 §3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from hexclave_server.core.db import DatabaseUnavailable
from hexclave_server.core.http import JSON, NO_STORE, Header, Request, Response

if TYPE_CHECKING:
    from hexclave_server.core.db import Database

DATABASE_SECONDS = 2

_CORS: list[Header] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"*"),
    (b"access-control-allow-headers", b"*"),
]


class Health:
    """Answers the health endpoints; `stopping` makes `/ready` fail while the server finishes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.stopping = False

    async def __call__(self, request: Request) -> Response | None:
        """The answer for a health endpoint, None for any other request."""
        path = request.raw_path
        if path not in (b"/health", b"/ready"):
            return None
        request.route = request.path
        if request.method not in ("GET", "OPTIONS", "HEAD"):
            return Response(405)
        if request.method == "OPTIONS":
            return Response(200, b"", [*_CORS])
        asks_database = path == b"/ready" or "db" in request.query()
        well = (await self._database_answers() and not (path == b"/ready" and self.stopping)) if asks_database else True
        body = msgspec.json.encode({"status": "ok" if well else "unavailable"})
        headers = [JSON, NO_STORE, *_CORS]
        if not well:
            headers.append((b"retry-after", b"1"))
        return Response(200 if well else 503, b"" if request.method == "HEAD" else body, headers)

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                await self._database.ping()
        except (TimeoutError, DatabaseUnavailable):
            return False
        return True
