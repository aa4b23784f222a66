"""The set-up page."""

from html import escape

from hexclave_server.core.html import html_page
from hexclave_server.core.http import Response


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
    return html_page("First administrator", body, status, retry_after_seconds=retry_after)


def setup_done(email: str) -> Response:
    """What an administrator reads when it worked."""
    text = (
        f"<h1>Welcome</h1>\n<p><strong>{escape(email)}</strong> is an administrator of this server now. This link does not work again.</p>"
    )
    return html_page("Welcome", text)


def link_is_over() -> Response:
    """For a code that was used, is older than an hour, or never was one."""
    text = (
        "<h1>This link does not work</h1>\n<p>It was used, or is older than an hour. <code>hexclave admin link</code> prints another.</p>"
    )
    return html_page("This link does not work", text, 400)


def refused(status: int, sentence: str) -> Response:
    """For a form that did not come from this page."""
    return html_page("Not accepted", f"<h1>Not accepted</h1>\n<p>{escape(sentence)}</p>", status)
