"""What a provider sent the browser back with: the query, and a form on top of it (contract 03 §3)."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hexclave_server.core.endpoint import RawBody
from hexclave_server.core.errors import PlainError
from hexclave_server.core.http import MAX_QUERY_PARAMETERS, Request


def read_parameters(request: Request, raw_body: RawBody) -> dict[str, str]:
    """Query and form as one; the form wins, but for the state. Raises PlainError 400 for one that is repeated (RFC 6749 §3.1)."""
    query = _once(request.query_pairs())
    form = _once(_form(raw_body)) if raw_body.kind == "form" else {}
    parameters = {**query, **form}
    if "state" in query:
        parameters["state"] = query["state"]
    return parameters


def _form(raw_body: RawBody) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw_body.data.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS)
    except ValueError:
        raise PlainError(400, f"More than {MAX_QUERY_PARAMETERS} parameters.") from None


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise PlainError(400, "A parameter is repeated. Go back to the application and start the sign-in again.")
    return parameters
