"""Pages for people: plain HTML without script, under a policy that allows nothing but its own style and its own form.

No other site can frame such a page, none learns its address, and a form that another site sends is recognised.
"""

import base64
import hashlib
from html import escape

from hexclave_server.core.http import HTML, NO_STORE, Request, Response

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: min(8vh, 4rem) auto; padding: 0 1rem; color: #1c1c1e; background: #fff }
h1 { line-height: 1.2 } label { display: block; margin-top: 1rem } input { width: 100%; box-sizing: border-box; padding: .5rem; font: inherit }
button { margin-top: 1.5rem; padding: .5rem 1rem; font: inherit } [role=alert] { color: #a40000 }
dt { font-weight: 600 } dd { margin: 0 0 .5rem; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #1c1c1e } [role=alert] { color: #ff8a80 } }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'").encode()
# Not `no-referrer`: from such a page browsers send `Origin: null`, and its own form could not be told from another site's.
_NO_REFERRER_ELSEWHERE = (b"referrer-policy", b"same-origin")
_NO_FRAME = (b"x-frame-options", b"DENY")


def html_page(title: str, body: str, status: int = 200, *, retry_after_seconds: int | None = None) -> Response:
    """A page of this HTML body; whatever comes from outside must be escaped in it."""
    document = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f'<meta name="robots" content="noindex">\n<title>{escape(title)} - Hexclave</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>{body}\n</body>\n</html>\n"
    )
    headers = [HTML, NO_STORE, (b"content-security-policy", _POLICY), _NO_REFERRER_ELSEWHERE, _NO_FRAME]
    if retry_after_seconds is not None:
        headers.append((b"retry-after", str(retry_after_seconds).encode()))
    return Response(status, document.encode(), headers)


def comes_from_this_page(request: Request, public_url: str) -> bool:
    """Whether a browser sent the form from a page of this origin (or something that is no browser sent it)."""
    site = request.header(b"sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.header(b"origin")
    host = request.header(b"host")
    return origin is None or origin == public_url or origin in (f"http://{host}", f"https://{host}")
