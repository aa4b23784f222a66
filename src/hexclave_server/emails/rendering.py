"""What an email says: subject, HTML and plain text of a built-in template (contract 08 §6)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import msgspec

from hexclave_server.emails.service import Template


class Content(msgspec.Struct, frozen=True):
    """A rendered message."""

    subject: str
    html: str
    text: str


def render(template: Template, variables: Mapping[str, Any], *, project_name: str) -> Content:
    """The message of a template."""
    subject = {
        Template.EMAIL_VERIFICATION: f"Verify your email at {project_name}",
        Template.PASSWORD_RESET: f"Reset your password at {project_name}",
        Template.MAGIC_LINK: f"Sign in to {project_name}: Your code is {str(variables.get('otp', '')).upper()}",
        Template.SECURITY_NOTICE: f"Your {str(variables.get('event', 'account')).replace('_', ' ')} at {project_name} was changed",
    }[template]
    link = next((str(value) for name, value in variables.items() if name.endswith("Link")), None)
    blocks = [subject] + ([str(variables["otp"]).upper()] if "otp" in variables else [])
    html = "".join(f"<p>{escape(block)}</p>" for block in blocks) + (f'<p><a href="{escape(link)}">Open</a></p>' if link else "")
    text = "\n\n".join([*blocks, f"Open {link}" if link else ""]) + "\n"
    return Content(subject, html, text)
