"""Errors of the request itself, before anybody asked who sent it (contract 00, "Requests in general")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hexclave_server.core.errors import KnownError


class UnsupportedError(KnownError, code="UNSUPPORTED_ERROR", status=500):
    """Made by SDKs, never by the server: stands for a code that the SDK does not know."""

    originalErrorCode: str  # noqa: N815 - the wire's spelling

    @property
    def message(self) -> str:
        """Names the code."""
        return f"The server answered with the error {self.originalErrorCode}, which this client does not know. A newer client may."


class BodyParsingError(KnownError, code="BODY_PARSING_ERROR", status=400):
    """The body cannot be read, or its content type is not supported (contract 00 §4). Has no details on the wire."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason  # in the text only
        super().__init__()

    @property
    def message(self) -> str:
        """Says what is wrong with the body."""
        return f"The request body cannot be read: {self.reason}."


class SchemaError(KnownError, code="SCHEMA_ERROR", status=400, repeats_message=True):
    """The request does not fit the shape that the endpoint declares; `text` lists every defect, one per line (contract 00 §5)."""

    text: str

    @property
    def message(self) -> str:
        """The defects."""
        return self.text


class AllOverloadsFailed(KnownError, code="ALL_OVERLOADS_FAILED", status=400):
    """Several variants of an endpoint refused the request, each for a reason of its own."""

    overload_errors: Sequence[Mapping[str, Any]]
    message = "The request fits none of the forms that this endpoint takes. `overload_errors` says for each form why."
