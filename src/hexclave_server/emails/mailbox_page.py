"""The mailbox as pages for people. A message is shown in a frame without scripts, forms or an origin; the page itself has none either."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape

from hexclave_server.core.http import HTML, NO_STORE, Response
from hexclave_server.emails.mailbox import KeptMail

PATH = "/dev/mailbox"
# Styles of messages are inline and their only image is a project's logo: a frame with `srcdoc` is under the policy of its page.
_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src http: https:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem } h1 { line-height: 1.2 }
table { width: 100%; border-collapse: collapse } td, th { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #8884 }
td { overflow-wrap: anywhere } pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border: 1px solid #8884; border-radius: 8px }
iframe { width: 100%; height: 34rem; border: 1px solid #8884; border-radius: 8px } dt { font-weight: 600 } dd { margin: 0 0 .5rem }
"""
_URL = re.compile(r"https?://[^\s<>\"]+")


def inbox(mails: list[KeptMail]) -> Response:
    """All messages, newest first."""
    rows = "\n".join(
        f'<tr><td><a href="{PATH}/{escape(mail.id)}">{escape(mail.subject)}</a></td><td>{escape(", ".join(mail.to))}</td>'
        f"<td>{_time(mail.created_at_millis)}</td></tr>"
        for mail in mails
    )
    table = f"<table>\n<tr><th>Subject</th><th>To</th><th>Queued</th></tr>\n{rows}\n</table>" if mails else "<p>There is no mail yet.</p>"
    note = "<p>No mail server is configured, so emails are kept here. Only this machine can open this page.</p>"
    return _page("Mailbox", f"<h1>Mailbox</h1>\n{note}\n{table}")


def message(mail: KeptMail) -> Response:
    """One message, as HTML and as text."""
    facts = {"To": ", ".join(mail.to), "From": mail.sender, "Queued": _time(mail.created_at_millis), "Project": mail.project_id}
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    # Links open beside the mailbox; the frame has no scripts, no forms and no origin.
    framed = escape(mail.html.replace("<head>", '<head><base target="_blank">', 1))
    return _page(
        mail.subject,
        f'<p><a href="{PATH}">Mailbox</a></p>\n<h1>{escape(mail.subject)}</h1>\n<dl>{listed}</dl>\n'
        f'<iframe title="The message" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="{framed}"></iframe>\n'
        f"<h2>As text</h2>\n<pre>{_with_links(mail.text)}</pre>",
    )


def _with_links(text: str) -> str:
    pieces, end = [], 0
    for found in _URL.finditer(text):
        url = escape(found.group())
        pieces += [escape(text[end : found.start()]), f'<a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>']
        end = found.end()
    return "".join([*pieces, escape(text[end:])])


def _time(millis: int) -> str:
    return f"{datetime.fromtimestamp(millis / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _page(title: str, body: str) -> Response:
    document = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f'<meta name="robots" content="noindex">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>{body}\n</body>\n</html>\n'
    )
    headers = [HTML, NO_STORE, (b"content-security-policy", _POLICY), (b"referrer-policy", b"no-referrer"), (b"x-frame-options", b"DENY")]
    return Response(200, document.encode(), headers)
