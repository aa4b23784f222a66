"""What requests and answers of sign-in by code look like (contract 02 §3)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from hexclave_server.core.constraints import StrictEmail, Url
from hexclave_server.core.schema import Body, Wire


class SignInCodeRequest(Body):
    """Who wants to sign in, and the page that the link in the email leads to. Challenge fields are for projects that challenge bots."""

    email: StrictEmail
    callback_url: Url
    bot_challenge_token: str | UnsetType = UNSET
    bot_challenge_phase: Literal["invisible", "visible"] | UnsetType = UNSET
    bot_challenge_unavailable: Literal["true"] | UnsetType = UNSET


class Nonce(Wire):
    """The code without its first six characters, which are in the email."""

    nonce: str
