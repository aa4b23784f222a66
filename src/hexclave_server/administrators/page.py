"""The set-up page: plain HTML without script, under a policy that allows nothing but its own style and its own form."""

import base64
import hashlib
from html import escape

from hexclave_server.core.http import HTML, NO_STORE, Response

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 4rem auto; padding: 0 1rem; color: #1c1c1e; background: #fff }
label { display: block; margin-top: 1rem } input { width: 100%; box-sizing: border-box; padding: .5rem; font: inherit }
button { margin-top: 1.5rem; padding: .5rem 1rem; font: inherit } [role=alert] { color: #a40000 }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #1c1c1e } [role=alert] { color: #ff8a80 } }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'").encode()


def setup_form(code: str, *, email: str = "", problem: str | None = None, status: int = 200, retry_after: int | None = None) -> Response:
    """The form; a problem stands above it."""
    alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    body = f"""
<h1>First administrator</h1>
<p>Choose how you will sign in to administer this server. If this address has an account already, give its password.</p>
{alert}
<form method="post" action="/setup">
<input type="hidden" name="code" value="{escape(code)}">
<label>Email address <input type="email" name="email" value="{escape(email)}" required autocomplete="username" maxlength="255"></label>
<label>Password <input type="password" name="password" required autocomplete="new-password" minlength="8" maxlength="70"></label>
<button type="submit">Make me an administrator</button>
</form>"""
    response = _page("First administrator", body, status)
    if retry_after is not None:
        response.headers.append((b"retry-after", str(retry_after).encode()))
    return response


def setup_done(email: str) -> Response:
    """What an administrator reads when it worked."""
    text = (
        f"<h1>Welcome</h1>\n<p><strong>{escape(email)}</strong> is an administrator of this server now. This link does not work again.</p>"
    )
    return _page("Welcome", text, 200)


def link_is_over() -> Response:
    """For a code that was used, is older than an hour, or never was one."""
    text = (
        "<h1>This link does not work</h1>\n<p>It was used, or is older than an hour. <code>hexclave admin link</code> prints another.</p>"
    )
    return _page("This link does not work", text, 400)


def refused(status: int, sentence: str) -> Response:
    """For a form that did not come from this page."""
    return _page("Not accepted", f"<h1>Not accepted</h1>\n<p>{escape(sentence)}</p>", status)


def _page(title: str, body: str, status: int) -> Response:
    document = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f'<meta name="robots" content="noindex">\n<title>{escape(title)} - Hexclave</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>{body}\n</body>\n</html>\n"
    )
    return Response(status, document.encode(), [HTML, NO_STORE, (b"content-security-policy", _POLICY)])
