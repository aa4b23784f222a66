"""The endpoints that serve the documents, and the page that shows them. The page holds all it needs and loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from hexclave_server.core.context import Access
from hexclave_server.core.endpoint import PUBLIC, Endpoint, endpoint
from hexclave_server.core.http import HTML, JSON, Header, Response
from hexclave_server.core.limits import READ
from hexclave_server.core.openapi.document import document

_CACHED: Header = (b"cache-control", b"public, max-age=300")


def documents(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """`GET /openapi/{client,server,admin}.json` about these endpoints, and `GET /openapi`, the page to read them.

    A document is made when it is first asked for, and kept as bytes.
    """

    @cache
    def encoded(access: Access) -> bytes:
        return msgspec.json.encode(document(endpoints, access))

    return [_document_endpoint(access, encoded) for access in Access if access is not PUBLIC] + [_read_page]


def _document_endpoint(access: Access, encoded: Callable[[Access], bytes]) -> Endpoint:
    @endpoint(f"GET /openapi/{access.wire}.json", access=PUBLIC, limit=READ, shown=False)
    async def read_document() -> Response:
        """The OpenAPI document of an access type."""
        return Response(200, encoded(access), [JSON, _CACHED])

    return read_document


@endpoint("GET /openapi", access=PUBLIC, limit=READ, shown=False, media_type="text/html")
async def _read_page() -> Response:
    """The page that shows the documents."""
    body, policy = _page()
    return Response(200, body, [HTML, _CACHED, (b"content-security-policy", policy)])


@cache
def _page() -> tuple[bytes, bytes]:
    """The page and its content security policy, which allows its own style and script by their hashes and nothing else."""
    text = (files("hexclave_server.core.openapi") / "page.html").read_text(encoding="utf-8")
    style, script = (_hash_of(text, element) for element in ("style", "script"))
    policy = (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text.encode(), policy.encode()


def _hash_of(text: str, element: str) -> str:
    found = re.search(f"<{element}>(.*?)</{element}>", text, re.DOTALL)
    digest = hashlib.sha256((found[1] if found else "").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
