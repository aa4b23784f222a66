"""Clients that write without pause and a ledger of what the server acknowledged, to be compared with what is there after a fault.

The oracle of QUALITY.md F: every acknowledged operation is present exactly once, none that was not acknowledged is half there.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.server import Project, new_email

CLIENTS = 8
PASSWORD = "correct horse battery"


@dataclass
class Account:
    """One user as the clients know him. `acknowledged` is the last number that was confirmed, `sent` the last that was tried."""

    email: str
    user_id: str | None = None
    acknowledged: int = 0
    sent: int = 0
    sessions: list[dict[str, str]] = field(default_factory=list)
    ended: list[dict[str, str]] = field(default_factory=list)
    maybe_ended: list[dict[str, str]] = field(default_factory=list)


class Ledger:
    """What clients were told by one server, over all its lives."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.accounts: list[Account] = []
        self.statuses: Counter[int] = Counter()
        self.acknowledged = 0
        self.unexpected: list[str] = []

    async def write_until(self, stop: asyncio.Event) -> None:
        """Eight clients sign up, change, sign in and out until `stop` is set; connections that break end a client."""
        async with self.project.async_http("server") as http:
            known = [account for account in self.accounts[-4 * CLIENTS :] if account.user_id is not None]
            await asyncio.gather(
                *(self._client(http, stop, known[number] if number < len(known) // 2 else None) for number in range(CLIENTS))
            )

    async def _client(self, http: httpx.AsyncClient, stop: asyncio.Event, account: Account | None) -> None:
        """Writes for an account that is there, or signs up a new one first (hashing takes most of that time)."""
        try:
            account = account or await self._sign_up(http)
            for number in itertools.count(account.sent + 1 if account is not None else 1):
                if stop.is_set() or account is None:
                    return
                await self._change(http, account, number)
                if number % 3 == 0:
                    await self._start_session(http, account)
                if number % 4 == 0 and account.sessions:
                    await self._end_session(http, account)
        except httpx.TransportError:
            return  # the fault

    async def _send(self, http: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response | None:
        """The answer of a success; None where the server could not serve (503)."""
        answer = await http.request(method, path, **options)
        self.statuses[answer.status_code] += 1
        if answer.is_success:
            self.acknowledged += 1
            return answer
        if answer.status_code != 503 or "retry-after" not in answer.headers:
            self.unexpected.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        await asyncio.sleep(0.02)
        return None

    async def _sign_up(self, http: httpx.AsyncClient) -> Account | None:
        account = Account(new_email())
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

    async def _change(self, http: httpx.AsyncClient, account: Account, number: int) -> None:
        account.sent = number
        if await self._send(http, "PATCH", f"/users/{account.user_id}", json={"server_metadata": {"number": number}}) is not None:
            account.acknowledged = number

    async def _start_session(self, http: httpx.AsyncClient, account: Account) -> None:
        answer = await self._send(http, "POST", "/auth/sessions", json={"user_id": account.user_id})
        if answer is not None:
            account.sessions.append(answer.json())

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
            for account in [account for account in self.accounts if account.user_id is not None][-20:]:
                answer = await http.get(f"/users/{account.user_id}")
                assert answer.status_code == 200, answer.text
                number = (answer.json()["server_metadata"] or {}).get("number", 0)
                assert account.acknowledged <= number <= account.sent

    async def _verify_account(self, http: httpx.AsyncClient, account: Account) -> None:
        if account.user_id is None:
            await self._verify_unacknowledged(http, account)
            return
        answer = await http.get(f"/users/{account.user_id}")
        assert answer.status_code == 200, (account.email, answer.text)
        user = answer.json()
        assert user["primary_email"] == account.email
        assert user["has_password"] is True
        number = (user["server_metadata"] or {}).get("number", 0)
        assert account.acknowledged <= number <= account.sent, (account.email, account.acknowledged, number, account.sent)
        for session, expected in [*((s, 200) for s in account.sessions), *((s, 401) for s in account.ended)]:
            headers = {**self.project.headers("client"), "x-stack-refresh-token": session["refresh_token"]}
            answer = await http.post("/auth/sessions/current/refresh", headers=headers)
            assert answer.status_code == expected, (account.email, expected, answer.text)

    async def _verify_unacknowledged(self, http: httpx.AsyncClient, account: Account) -> None:
        """A sign-up that nobody confirmed happened as a whole or not at all."""
        found = (await http.get("/users", params={"query": account.email})).json()["items"]
        assert len(found) <= 1, account.email
        body = {"email": account.email, "password": PASSWORD}
        answer = await http.post("/auth/password/sign-in", json=body, headers=self.project.headers("client"))
        assert answer.status_code == (200 if found else 400), (account.email, found, answer.text)
        if found:
            assert found[0]["primary_email_auth_enabled"] is True
            assert found[0]["has_password"] is True
            account.user_id = found[0]["id"]

    async def verify_everything(self) -> None:
        """All accounts, and that nobody is there whom nobody signed up."""
        await self.verify()
        known = {account.user_id for account in self.accounts if account.user_id is not None}
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
