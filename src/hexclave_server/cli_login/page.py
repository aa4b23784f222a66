"""What a person sees who is asked to let a command line in.

Written for the one who did not start it: a stranger may have, and sent the link. So the page says who asks, since when and from where, and
that to confirm is to hand over the account.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from hexclave_server.cli_login.queries import ShownLogin
from hexclave_server.core import clock
from hexclave_server.core.client_address import EndUser, address_prefix
from hexclave_server.core.context import Call
from hexclave_server.core.html import html_page
from hexclave_server.core.http import Response

_TITLE = "Sign in on a command line"
_SHOWN_CHARACTERS = 6
_MINUTE = 60_000


class Asking:
    """One login as its page shows it: the project's call, the login, and the codes that every form carries."""

    def __init__(self, call: Call, login: ShownLogin, login_code: str) -> None:
        self.call = call
        self.login = login
        self.login_code = login_code

    def password_form(
        self, *, email: str = "", problem: str | None = None, status: int = 200, retry_after_seconds: int | None = None
    ) -> Response:
        """The first step: who it is."""
        fields = f"""
<label>Email address <input type="email" name="email" value="{escape(email)}" required autocomplete="username" maxlength="256"></label>
<label>Password <input type="password" name="password" required autocomplete="current-password" maxlength="70"></label>
<button type="submit">Sign in, and let the command line in</button>"""
        return self._form(fields, problem, status, retry_after_seconds)

    def second_factor_form(
        self, attempt_code: str, *, problem: str | None = None, status: int = 200, retry_after_seconds: int | None = None
    ) -> Response:
        """The second step, for those who have a second factor."""
        fields = f"""
<input type="hidden" name="attempt_code" value="{escape(attempt_code)}">
<label>Code of your authenticator app, or a recovery code
<input type="text" name="second_factor" required autocomplete="one-time-code" maxlength="20"></label>
<button type="submit">Let the command line in</button>"""
        return self._form(fields, problem, status, retry_after_seconds)

    def done(self) -> Response:
        """It worked."""
        name = escape(self.call.project.display_name)
        text = f"<h1>Done</h1>\n<p>The command line is signed in to <strong>{name}</strong> as you. You can close this page.</p>"
        return html_page(_TITLE, text)

    def no_passwords(self) -> Response:
        """For a project whose users do not sign in with passwords."""
        text = "<h1>Not here</h1>\n<p>Nobody signs in to this application with a password. Use the application's own page.</p>"
        return html_page(_TITLE, text, 400)

    def _form(self, fields: str, problem: str | None, status: int, retry_after_seconds: int | None) -> Response:
        alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
        body = f"""
<h1>A command line asks to sign in as you</h1>
<p>Continue only if <strong>you started it yourself</strong>, just now. Whoever sent you this link instead gets into your account when you
continue: close the page then.</p>
{self._facts()}{alert}
<form method="post" action="/cli-login">
<input type="hidden" name="project_id" value="{escape(self.call.project.id)}">
<input type="hidden" name="login_code" value="{escape(self.login_code)}">{fields}
</form>"""
        return html_page(_TITLE, body, status, retry_after_seconds=retry_after_seconds)

    def _facts(self) -> str:
        started_from = self.login.started_from
        facts = [
            ("Application", self.call.project.display_name),
            ("Started", _moment(self.login.created_at, clock.now_millis())),
            ("Started from", "unknown" if started_from is None else _place(started_from, self.call.parts.locations.locate(started_from))),
            ("The link on your command line ends in", self.login_code[-_SHOWN_CHARACTERS:]),
        ]
        rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" for name, value in facts)
        return f"<dl>\n{rows}</dl>\n{self._warning()}"

    def _warning(self) -> str:
        started_from = self.login.started_from
        if started_from is None or address_prefix(started_from) == address_prefix(self.call.request.address):
            return ""
        own = escape(self.call.request.address)
        return f'<p role="alert">It runs at another address than yours ({own}). If you are not logged in to that machine, close this page.</p>\n'


def login_is_over() -> Response:
    """For a link whose login is not known, has expired, or was completed."""
    text = "<h1>This link does not work</h1>\n<p>It was used, or is too old. Start the login on the command line again.</p>"
    return html_page(_TITLE, text, 400)


def refused(sentence: str, status: int, *, retry_after_seconds: int | None = None) -> Response:
    """For what is not even looked at."""
    return html_page(_TITLE, f"<h1>Not accepted</h1>\n<p>{escape(sentence)}</p>", status, retry_after_seconds=retry_after_seconds)


def _moment(millis: int, now: int) -> str:
    minutes = max(0, now - millis) // _MINUTE
    ago = "just now" if minutes == 0 else f"{minutes} minute{'' if minutes == 1 else 's'} ago"
    return f"{datetime.fromtimestamp(millis / 1000, UTC):%Y-%m-%d %H:%M} UTC, {ago}"


def _place(address: str, located: EndUser | None) -> str:
    names = [] if located is None else [name for name in (located.city_name, located.country_code) if isinstance(name, str)]
    return f"{address} ({', '.join(names)})" if names else address
