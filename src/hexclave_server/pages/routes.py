"""The greeting at `/api/v1`, with which a client tests its credentials (contract 00 §11)."""

from hexclave_server.core.context import Access, Call
from hexclave_server.core.endpoint import PUBLIC, endpoint
from hexclave_server.core.http import Response, text_response
from hexclave_server.core.limits import READ
from hexclave_server.core.schema import Body
from hexclave_server.users.token_subject import find_token_subject


class NoQuery(Body):
    """No query parameters."""


@endpoint("GET /", access=PUBLIC, limit=READ, media_type="text/plain")
async def greet(call: Call, query: NoQuery) -> Response:  # noqa: ARG001 - declared so that unknown parameters are refused
    """Says as whom the request was authenticated."""
    lines = ["Welcome to the Hexclave API.", ""]
    if call.access is Access.PUBLIC:
        lines.append("Authentication: None")
    else:
        lines += [f"Authentication: {call.access.wire.capitalize()}", f"  Project: {call.project.id}", f"  User: {await _user(call)}"]
    return text_response("\n".join(lines))


async def _user(call: Call) -> str:
    """The user's primary email, else his id, else `None`."""
    if call.user_id is None:
        return "None"
    subject = await find_token_subject(call.db, call.tenancy, call.user_id)
    return "None" if subject is None else subject.primary_email or subject.id


ENDPOINTS = [greet]
