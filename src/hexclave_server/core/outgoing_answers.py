"""What comes back from outside: an answer with its status and body, or a failure that holds nothing of what was said."""

from __future__ import annotations

from typing import Any, Final

import msgspec

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERRORS: Final = 500


class OutgoingFailed(Exception):
    """No answer that could be used; `reason` is ours and holds nothing of what came back."""

    def __init__(self, reason: str, *, is_transient: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_transient = is_transient


class Answer(msgspec.Struct, frozen=True):
    """Status and body of what came back."""

    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 §15.3

    @property
    def is_transient_failure(self) -> bool:
        """Whether the same request may succeed later: 429 and 5xx."""
        return self.status == _TOO_MANY_REQUESTS or self.status >= _SERVER_ERRORS

    def json(self) -> Any:
        """The body as JSON. Raises OutgoingFailed for anything else."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise OutgoingFailed("not JSON", is_transient=False) from None
