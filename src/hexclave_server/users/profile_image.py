"""Which profile images are accepted (contract 05 §1.4). Uploading needs the object storage, which this server does not have yet."""

from __future__ import annotations

import ada_url

from hexclave_server.core.context import Access
from hexclave_server.core.errors import PlainError


def accept_profile_image(url: str | None, access: Access) -> str | None:
    """The URL to store: web addresses of servers as they are, None to clear. Raises PlainError 400 for everything else."""
    if url is None:
        return None
    scheme = ada_url.URL(url).protocol
    if scheme == "data:":
        raise PlainError(400, "Uploading profile images is not supported by this server yet.")
    if access < Access.SERVER:
        raise PlainError(400, "A client can set a profile image only by uploading it as a data URL.")
    if scheme not in ("http:", "https:"):
        raise PlainError(400, "A profile image must be an http or https address.")
    return url
