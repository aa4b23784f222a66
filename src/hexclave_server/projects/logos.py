"""Which logos are accepted (contract 04 §3). Uploading needs the object storage, which this server does not have yet."""

from __future__ import annotations

import ada_url

from hexclave_server.core.constraints import utf16_length
from hexclave_server.core.errors import PlainError

_MAX_LENGTH = 1_000_000


def accept_logo(url: str | None) -> str | None:
    """The URL to store: http and https addresses as they are, None to clear. Raises PlainError 400 for everything else."""
    if url is None:
        return None
    if utf16_length(url) > _MAX_LENGTH:
        raise PlainError(400, f"A logo must be at most {_MAX_LENGTH} characters long.")
    if url[:5].lower() == "data:":
        raise PlainError(400, "Uploading logos is not supported by this server yet. Give the http or https address of an image.")
    if not url.lower().startswith(("http://", "https://")) or " " in url or not ada_url.check_url(url):
        raise PlainError(400, "A logo must be an http or https address.")
    return url
