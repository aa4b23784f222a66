"""Teams as answers carry them, one shape per access type (contract 06 §2.1)."""

from __future__ import annotations

from msgspec import Raw

from hexclave_server.core.schema import Wire


class ClientTeamRead(Wire):
    """A team as clients see it."""

    id: str
    display_name: str
    profile_image_url: str | None
    client_metadata: Raw
    client_read_only_metadata: Raw


class ServerTeamRead(Wire):
    """A team as servers and admins see it."""

    created_at_millis: int
    id: str
    display_name: str
    profile_image_url: str | None
    client_metadata: Raw
    client_read_only_metadata: Raw
    server_metadata: Raw
