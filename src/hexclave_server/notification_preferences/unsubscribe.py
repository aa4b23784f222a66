"""Links in emails that switch a category off for their recipient (contract 08 §4).

Such a link carries nothing but a code, of a kind of its own, which names the user and the category: it can do nothing else.
"""

from __future__ import annotations

from hexclave_server.core.context import Call, Caller, Tenancy
from hexclave_server.core.crypto import Keyring
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import UserNotFound, VerificationCodeAlreadyUsed, VerificationCodeNotFound
from hexclave_server.emails.service import Category
from hexclave_server.notification_preferences.categories import id_of
from hexclave_server.notification_preferences.service import store_preference
from hexclave_server.projects.service import find_tenancy
from hexclave_server.verification_codes.service import CodeKind, create_code, find_tenancy_of_link, try_code, use_up

PATH = "/emails/unsubscribe-link"


async def create_unsubscribe_link(
    conn: Connection, keyring: Keyring, public_url: str, tenancy: Tenancy, user_id: str, category: Category
) -> str:
    """A new link, good once and for 30 days, by which the user unsubscribes from the category. Part of the caller's transaction."""
    payload = {"category_id": id_of(category)}
    code = await create_code(conn, keyring, tenancy, CodeKind.UNSUBSCRIBE, user_id=user_id, payload=payload)
    return f"{public_url}/api/v1{PATH}?code={code}"


async def unsubscribe(call: Call, code: str) -> bool:
    """Switches off what the code is for; False, and nothing changed, when it was used before.

    The code says in whose project: the call comes without one. Raises VerificationCodeNotFound, -Expired, -MaxAttemptsReached.
    """
    call = await _in_project_of(call, code)
    try:
        found = await try_code(call, CodeKind.UNSUBSCRIBE, code)

        async def switch_off(conn: Connection) -> None:
            await store_preference(conn, call.tenancy, found.user_id or "", found.payload["category_id"], enabled=False)
            await use_up(conn, call.tenancy, found)

        await call.db.write(switch_off)
    except VerificationCodeAlreadyUsed:
        return False
    except UserNotFound:
        raise VerificationCodeNotFound from None
    return True


async def _in_project_of(call: Call, code: str) -> Call:
    tenancy_id = await find_tenancy_of_link(call.db, call.parts.keyring, code)
    tenancy = None if tenancy_id is None else await find_tenancy(call.db, tenancy_id)
    project = None if tenancy is None else await call.parts.directory.find_project(tenancy.project_id)
    if project is None:
        raise VerificationCodeNotFound
    return Call(call.parts, call.request, Caller(call.access, project))
