"""Clients that write without pause and a ledger of what the server acknowledged, to be compared with what is there after a fault.

The oracle of QUALITY.md F: every acknowledged operation is present exactly once, none that was not acknowledged is half there.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.invariants import require_invariants, teams_without_members
from tests.server import Project, new_email

CLIENTS = 8
LONGEST_WAIT_SECONDS = 60.0
SIGNING_UP = 2  # of the clients: hashing takes most of their time
PASSWORD = "correct horse battery"
PERSONAL_TEAMS = {"create_team_on_sign_up": True}
"""Configuration under which a new user is more than one row."""
UNTHROTTLED = {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true"}
"""Settings of a server whose ledger is verified."""


@dataclass
class Account:
    """One user as the clients know him. `acknowledged` is the last number that was confirmed, `sent` the last that was tried."""

    email: str
    has_password: bool
    user_id: str | None = None
    acknowledged: int = 0
    sent: int = 0
    sessions: list[dict[str, str]] = field(default_factory=list)
    ended: list[dict[str, str]] = field(default_factory=list)
    maybe_ended: list[dict[str, str]] = field(default_factory=list)
    is_deleted: bool = False
    is_maybe_deleted: bool = False


class Ledger:
    """What clients were told by one server, over all its lives.

    Checking that sessions are over looks like guessing tokens: the server needs `UNTHROTTLED`.
    """

    def __init__(self, project: Project) -> None:
        project.configure(**PERSONAL_TEAMS)
        self.project = project
        self.accounts: list[Account] = []
        self.statuses: Counter[int] = Counter()
        self.acknowledged: Counter[str] = Counter()
        self.unexpected: list[str] = []

    async def write_until(self, stop: asyncio.Event) -> None:
        """Eight clients create, change, sign in and out, refresh and delete until `stop` is set; connections that break end a client."""
        async with self.project.async_http("server") as http:
            known = [account for account in self.accounts if account.user_id is not None and not account.is_maybe_deleted]
            known_to = dict(enumerate(known[-4 * CLIENTS :][: CLIENTS // 2], SIGNING_UP))
            await asyncio.gather(*(self._client(http, stop, number, known_to.get(number)) for number in range(CLIENTS)))

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Lets the clients write for the length of a block; those that ended, by a refusal or a fault, start again."""
        stop = asyncio.Event()

        async def write_always() -> None:
            while not stop.is_set():
                await self.write_until(stop)

        writing = asyncio.create_task(write_always())
        try:
            yield
        finally:
            stop.set()
            await writing

    async def write_while(self, lacking: Callable[[], bool]) -> None:
        """Lets the clients write as long as something is lacking. By what they did and not by time: machines differ by a factor of ten."""
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        async with self.writing():
            while lacking():
                assert time.monotonic() < deadline, self.statuses
                await asyncio.sleep(0.01)

    async def _client(self, http: httpx.AsyncClient, stop: asyncio.Event, client: int, account: Account | None) -> None:
        """Writes for an account that is there, or makes a new one first."""
        try:
            account = account or await (self._sign_up(http) if client < SIGNING_UP else self._create(http))
            for number in itertools.count(account.sent + 1 if account is not None else 1):
                if stop.is_set() or account is None:
                    return
                await self._change(http, account, number)
                if number % 3 == 0:
                    await self._start_session(http, account)
                if number % 4 == 0 and account.sessions:
                    await self._refresh(http, account.sessions[-1])
                if number % 5 == 0 and len(account.sessions) > 1:
                    await self._end_session(http, account)
                if number % 6 == 0:
                    await self._create_and_delete(http)
        except httpx.TransportError:
            return  # the fault

    async def _send(self, http: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response | None:
        """The answer of a success; None where the server could not serve (503)."""
        answer = await http.request(method, path, **options)
        self.statuses[answer.status_code] += 1
        if answer.is_success:
            self.acknowledged[f"{method} {path.partition('?')[0].rpartition('/')[0] or path}"] += 1
            return answer
        if answer.status_code != 503 or "retry-after" not in answer.headers:
            self.unexpected.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        await asyncio.sleep(0.02)
        return None

    async def _sign_up(self, http: httpx.AsyncClient) -> Account | None:
        account = Account(new_email(), has_password=True)
        self.accounts.append(account)
        headers = self.project.headers("client")
        answer = await self._send(
            http, "POST", "/auth/password/sign-up", json={"email": account.email, "password": PASSWORD}, headers=headers
        )
        if answer is None:
            return None
        account.user_id = answer.json()["user_id"]
        account.sessions.append(answer.json())
        return account

    async def _create(self, http: httpx.AsyncClient) -> Account | None:
        account = Account(new_email(), has_password=False)
        self.accounts.append(account)
        answer = await self._send(http, "POST", "/users", json={"primary_email": account.email, "primary_email_auth_enabled": True})
        if answer is None:
            return None
        account.user_id = answer.json()["id"]
        return account

    async def _create_and_delete(self, http: httpx.AsyncClient) -> None:
        account = await self._create(http)
        if account is None:
            return
        await self._start_session(http, account)
        account.is_maybe_deleted = True
        account.is_deleted = await self._send(http, "DELETE", f"/users/{account.user_id}") is not None

    async def _change(self, http: httpx.AsyncClient, account: Account, number: int) -> None:
        account.sent = number
        if await self._send(http, "PATCH", f"/users/{account.user_id}", json={"server_metadata": {"number": number}}) is not None:
            account.acknowledged = number

    async def _start_session(self, http: httpx.AsyncClient, account: Account) -> None:
        answer = await self._send(http, "POST", "/auth/sessions", json={"user_id": account.user_id})
        if answer is not None:
            account.sessions.append(answer.json())

    async def _refresh(self, http: httpx.AsyncClient, session: dict[str, str]) -> None:
        headers = {**self.project.headers("client"), "x-stack-refresh-token": session["refresh_token"]}
        answer = await self._send(http, "POST", "/auth/sessions/current/refresh", headers=headers)
        if answer is not None:
            session["access_token"] = answer.json()["access_token"]

    async def _end_session(self, http: httpx.AsyncClient, account: Account) -> None:
        session = account.sessions.pop(0)
        account.maybe_ended.append(session)
        headers = self.project.headers("client", session["access_token"]) | {"x-stack-refresh-token": session["refresh_token"]}
        if await self._send(http, "DELETE", "/auth/sessions/current", headers=headers) is not None:
            account.maybe_ended.remove(session)
            account.ended.append(session)

    # --- afterwards ---

    async def verify(self, accounts: list[Account] | None = None) -> None:
        """Compares the accounts (default: all) with the server."""
        assert not self.unexpected, self.unexpected[:5]
        async with self.project.async_http("server") as http:
            gate = asyncio.Semaphore(CLIENTS)

            async def one(account: Account) -> None:
                async with gate:
                    await self._verify_account(http, account)

            await asyncio.gather(*(one(account) for account in (self.accounts if accounts is None else accounts)))

    async def verify_reads(self) -> None:
        """That accounts can be read while nothing can be written."""
        async with self.project.async_http("server") as http:
            for account in [account for account in self.accounts if account.user_id is not None and not account.is_maybe_deleted][-20:]:
                answer = await http.get(f"/users/{account.user_id}")
                assert answer.status_code == 200, answer.text
                number = (answer.json()["server_metadata"] or {}).get("number", 0)
                assert account.acknowledged <= number <= account.sent

    async def _verify_account(self, http: httpx.AsyncClient, account: Account) -> None:
        if account.user_id is None:
            await self._verify_unacknowledged(http, account)
            return
        answer = await http.get(f"/users/{account.user_id}")
        if account.is_maybe_deleted:
            assert answer.status_code in ((404,) if account.is_deleted else (200, 404)), (account, answer.text)
            account.is_deleted = answer.status_code == 404
        else:
            assert answer.status_code == 200, (account, answer.text)
        if account.is_deleted:
            account.ended += account.sessions
            account.sessions.clear()
        else:
            user = answer.json()
            assert user["primary_email"] == account.email
            assert user["has_password"] is account.has_password
            number = (user["server_metadata"] or {}).get("number", 0)
            assert account.acknowledged <= number <= account.sent, (account, number)
        await self._verify_sessions(http, account)

    async def _verify_sessions(self, http: httpx.AsyncClient, account: Account) -> None:
        for session, expected in [*((s, 200) for s in account.sessions), *((s, 401) for s in account.ended)]:
            headers = {**self.project.headers("client"), "x-stack-refresh-token": session["refresh_token"]}
            answer = await http.post("/auth/sessions/current/refresh", headers=headers)
            assert answer.status_code == expected, (account, expected, answer.text)

    async def _verify_unacknowledged(self, http: httpx.AsyncClient, account: Account) -> None:
        """A user whom nobody confirmed is there as a whole or not at all (the rest of that is looked up in the database)."""
        found = (await http.get("/users", params={"query": account.email})).json()["items"]
        assert len(found) <= 1, account
        if account.has_password:
            body = {"email": account.email, "password": PASSWORD}
            answer = await http.post("/auth/password/sign-in", json=body, headers=self.project.headers("client"))
            assert answer.status_code == (200 if found else 400), (account, found, answer.text)
        if found:
            assert found[0]["primary_email_auth_enabled"] is True
            assert found[0]["has_password"] is account.has_password
            account.user_id = found[0]["id"]

    async def verify_everything(self) -> None:
        """All accounts, that nobody is there whom nobody made, and the rules of the database."""
        await self.verify()
        known = {account.user_id for account in self.accounts if account.user_id is not None and not account.is_deleted}
        found: list[str] = []
        async with self.project.async_http("server") as http:
            cursor: dict[str, str] = {}
            while True:
                page = (await http.get("/users", params={"limit": "200", **cursor})).json()
                found += [user["id"] for user in page["items"]]
                if page["pagination"]["next_cursor"] is None:
                    break
                cursor = {"cursor": page["pagination"]["next_cursor"]}
        assert Counter(found) == Counter(known)
        require_invariants(self.project.server)
        # The one more is the administrators' team, which nobody has joined yet.
        deleted = sum(account.is_deleted for account in self.accounts)
        assert teams_without_members(self.project.server) <= deleted + 1, "only deletions leave teams behind"


async def seconds_until_writes(project: Project, most: float = 20.0) -> float:
    """How long it takes until a write is acknowledged; before that every answer is a 503 that says when to come back."""
    started = time.monotonic()
    async with project.async_http("admin") as http:
        for number in itertools.count():
            answer = await http.patch("/internal/projects/current", json={"description": f"try {number}"})
            if answer.status_code == 200:
                break
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"].isdigit()
            assert time.monotonic() - started < most, "no write was acknowledged"
            await asyncio.sleep(0.05)
    return time.monotonic() - started
