"""One-time codes made beside a running server, with its keys: as many as an attack needs, without a mail for each."""

from __future__ import annotations

from typing import Any

from hexclave_server.verification_codes.service import CodeKind, create_code
from tests.attacks.inside import opened
from tests.server import Project
from tests.stored import rows


async def issue(project: Project, kind: CodeKind, count: int = 1, *, user_id: str | None = None, payload: Any = None) -> list[str]:
    """So many good codes of this kind."""
    async with opened(project.server) as inside:
        tenancy = await inside.tenancy(project.id)
        return [
            await inside.database.write(lambda conn: create_code(conn, inside.keyring, tenancy, kind, user_id=user_id, payload=payload))
            for _ in range(count)
        ]


async def sign_in_codes(project: Project, address: str, count: int = 1) -> list[str]:
    """Codes as `POST /auth/otp/send-sign-in-code` makes them."""
    return await issue(project, CodeKind.SIGN_IN, count, payload={"address": address})


async def reset_codes(project: Project, user_id: str, address: str, count: int = 1) -> list[str]:
    """Codes as `POST /auth/password/send-reset-code` makes them for a user."""
    return await issue(project, CodeKind.PASSWORD_RESET, count, user_id=user_id, payload={"address": address})


def wrong_guesses(code: str, count: int) -> list[str]:
    """Other codes with the same nonce."""
    return [f"{number:06}"[-6:] + code[6:] for number in range(count + 1) if f"{number:06}" != code[:6]][:count]


def attempts(project: Project, kind: CodeKind) -> list[int]:
    """How often the codes of this kind were tried, as the database has it."""
    statement = (
        "SELECT attempts FROM verification_codes c JOIN tenancies t ON t.id = c.tenancy_id"
        f" WHERE t.project_id = '{project.id}' AND c.kind = '{kind.stored}'"
    )
    return sorted(int(count) for (count,) in rows(project.server, statement))
