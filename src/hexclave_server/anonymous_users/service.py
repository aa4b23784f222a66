"""Creating anonymous users (contract 02 §6). Upgrading them is the business of whatever signs them up (`users.upgrade`).

No setting of a project refuses them and nothing is proved, so the only brake is how many one client address makes. Counted are requests
from where the visitors are; a back end that calls for them all has a key.
"""

from __future__ import annotations

import typing
from typing import Final

from hexclave_server.core import clock
from hexclave_server.core.context import Access, Call
from hexclave_server.core.db import Connection
from hexclave_server.core.throttles import By, Throttle
from hexclave_server.sessions.first_factor import SignedIn, finish_first_factor
from hexclave_server.users.service import NewUser, create_user

NEW_USERS_BY_ADDRESS: Final = Throttle("new-anonymous-users", burst=500, interval_seconds=3, by=By.ADDRESS)
"""Generous: the SDK makes one for every visitor of a page, and an office or a mobile network has one address. 29,000 a day at most."""


async def sign_up_anonymously(call: Call) -> SignedIn:
    """Creates an anonymous user with a session, whoever sends the request. Raises RateLimited."""
    parts, project, end_user = call.parts, call.project, call.end_user
    if call.access is Access.CLIENT:
        await parts.throttles.count(call.db, project.tenancy.id, NEW_USERS_BY_ADDRESS.of(call.request.address))
    new = NewUser(is_anonymous=True, country_code=None if end_user is None else end_user.country_code or None)

    async def sign_up(conn: Connection) -> SignedIn:
        user_id = await create_user(conn, project, new, now=clock.now_millis())
        outcome = await finish_first_factor(conn, parts.keyring, project.tenancy, user_id, end_user, is_new_user=True)
        return typing.cast("SignedIn", outcome)  # he was created just now, without a second factor

    return await call.db.write(sign_up)
