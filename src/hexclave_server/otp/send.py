"""Sending a code to sign in with, to whoever reads mail at an address: to a user, or to one who becomes a user by it (contract 02 §3.1)."""

from __future__ import annotations

from typing import Any

import msgspec

from hexclave_server.contact_channels.service import find_sign_in_channel, normalise_address
from hexclave_server.core.client_address import EndUser
from hexclave_server.core.context import Call
from hexclave_server.core.db import Connection
from hexclave_server.core.known_errors import RedirectUrlNotWhitelisted
from hexclave_server.emails.service import Template, queue_email, to_address
from hexclave_server.otp.rules import require_admitted, require_codes_enabled
from hexclave_server.projects.trusted_urls import is_trusted
from hexclave_server.users.service import NOBODY, allow_codes
from hexclave_server.verification_codes.links import with_code
from hexclave_server.verification_codes.sends import count_send
from hexclave_server.verification_codes.service import SHORT_PART, CodeKind, create_code


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a sign-in code is for: the address, normalised, and where the person was who asked (contract 02 §1.5 step 2)."""

    address: str
    end_user: EndUser | None = None

    @classmethod
    def of_payload(cls, payload: Any) -> Asked:
        """As it was stored with the code."""
        return msgspec.convert(payload, cls)


async def send_sign_in_code(call: Call, email: str, callback_url: str) -> str:
    """Sends a code and a link to the address; returns the nonce, the code without its first six characters.

    A user who had sign-in by codes switched off has it on from now on, by contract. Raises PlainError 403, RateLimited,
    UserEmailAlreadyExists, SignUpNotEnabled, RedirectUrlNotWhitelisted.
    """
    require_codes_enabled(call.config)
    address = normalise_address(email)
    await count_send(call, address, purpose="sign-in")
    require_admitted(address, await find_sign_in_channel(call.db, call.tenancy, address), call.config)
    if not is_trusted(callback_url, call.config):
        raise RedirectUrlNotWhitelisted
    asked = Asked(address, call.end_user)

    async def send(conn: Connection) -> str:
        channel = await find_sign_in_channel(conn, call.tenancy, address)
        require_admitted(address, channel, call.config)
        # One statement more for known addresses would show in the time.
        await allow_codes(conn, call.tenancy, NOBODY if channel is None else channel.user_id)
        keyring, kind = call.parts.keyring, CodeKind.SIGN_IN
        code = await create_code(conn, keyring, call.tenancy, kind, user_id=None, payload=asked)
        variables = {"magicLink": with_code(callback_url, code), "otp": code[:SHORT_PART].upper()}
        await queue_email(conn, keyring, call.tenancy, Template.MAGIC_LINK, to_address(email), variables)
        return code[SHORT_PART:]

    nonce = await call.db.write(send)
    call.parts.outbox.wake()
    return nonce
