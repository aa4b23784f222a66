"""What requests that bring a one-time code look like, and the answer of those that only check it (contract 02 §1.4)."""

from __future__ import annotations

from typing import Annotated, Literal

from hexclave_server.core.constraints import exactly
from hexclave_server.core.randomness import TOKEN_LENGTH
from hexclave_server.core.schema import Body, Wire

OneTimeCode = Annotated[str, exactly(TOKEN_LENGTH)]


class CodeBody(Body):
    """A one-time code."""

    code: OneTimeCode


class CodeIsValid(Wire):
    """The code is good; it stays so."""

    is_code_valid: Literal[True] = True
