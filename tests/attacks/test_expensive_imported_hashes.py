"""A server key of one project imports the most expensive hashes and has them checked: other projects still sign in (QUALITY A13, A14)."""

from __future__ import annotations

import asyncio
import time

import bcrypt
import httpx

from tests.server import RunningServer

TRIES = 80  # more than wait for a hash in one process


async def test_expensive_hashes_of_one_project_keep_no_other_from_signing_in() -> None:
    with RunningServer("sqlite") as server:
        attacker, victim = server.new_project(), server.new_project()
        user = victim.sign_up()
        expensive = "$2b$16$" + bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()[7:]
        for number in range(TRIES // 2):
            attacker.create_user(primary_email=f"u{number}@example.com", primary_email_auth_enabled=True, password_hash=expensive)
        async with attacker.async_http("server") as flood, victim.async_http("client") as client:
            tries = [asyncio.create_task(_try(flood, number % (TRIES // 2))) for number in range(TRIES)]
            await asyncio.sleep(1)
            started = time.monotonic()
            answer = await client.post("/auth/password/sign-in", json={"email": user["email"], "password": user["password"]})
            assert answer.status_code == 200
            assert time.monotonic() - started < 3
            for one in tries:
                one.cancel()
            await asyncio.gather(*tries, return_exceptions=True)


async def _try(client: httpx.AsyncClient, number: int) -> None:
    await client.post("/auth/password/sign-in", json={"email": f"u{number}@example.com", "password": "wrong password"})
