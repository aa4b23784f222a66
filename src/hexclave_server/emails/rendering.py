"""What an email says: subject, HTML and plain text, from the template files beside this module (contract 08 §6).

Templates are ours; everything from outside (names, links, codes) is data to them: escaped in HTML, freed of line breaks in subjects, never
template code. The sandbox stands behind that: a template cannot reach anything but the texts it is given, and a missing one is an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, select_autoescape
from jinja2.sandbox import SandboxedEnvironment

from hexclave_server.emails.plain_text import to_plain_text
from hexclave_server.emails.service import Template
from hexclave_server.emails.themes import theme_of

LONGEST_LINE = 500
LONGEST_NAME = 200
_NOT_PRINTED = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_JOINERS = "\u200c\u200d"  # format characters that words and emoji need; the others can turn text around or hide
_LIKE_A_LINK = re.compile(r"://|www\.|@|\w\.\w{2}", re.IGNORECASE)

_environment = SandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
)


class RenderingFailed(Exception):
    """A template could not be rendered from what it was given; final (contract 08 §1.2)."""


class Content(msgspec.Struct, frozen=True):
    """A rendered message, encrypted where it is stored."""

    subject: str
    html: str
    text: str


class Logos(msgspec.Struct, frozen=True):
    """Addresses of a project's images: small and full, for light and for dark backgrounds."""

    small: str | None = None
    full: str | None = None
    small_dark: str | None = None
    full_dark: str | None = None

    def on(self, *, dark: bool) -> str | None:
        """The full logo for this background, else the small one for it (contract 08 §7.2)."""
        return (self.full_dark or self.small_dark) if dark else (self.full or self.small)


class Setting(msgspec.Struct, frozen=True):
    """What a message is rendered with besides the template's own variables; `queued_at` in epoch milliseconds."""

    project_name: str
    queued_at: int
    logos: Logos = Logos()
    theme_id: str | None = None
    user_name: str | None = None


def render(template: Template, variables: Mapping[str, Any], setting: Setting) -> Content:
    """The message of a template. Raises RenderingFailed."""
    theme = theme_of(setting.theme_id)
    given = {
        **variables,
        "project": {"displayName": one_line(setting.project_name)},
        "user": {"displayName": greetable(setting.user_name)},
        "theme": msgspec.to_builtins(theme),
        "logo": setting.logos.on(dark=theme.is_dark),
        "time": in_words(setting.queued_at),
        "unsubscribeLink": None,
    }
    try:
        subject = one_line(_environment.get_template(f"{template.value}.subject.txt").render(given))
        html = _environment.get_template(f"{template.value}.html").render(given, subject=subject)
    except TemplateError as error:
        raise RenderingFailed(f"{template.value}: {error}") from None
    return Content(subject, html, to_plain_text(html))


def one_line(text: str) -> str:
    """The text as it may stand in a header: no line breaks, control or invisible characters, white space collapsed, bounded in length."""
    if not (text.isascii() and text.isprintable()):
        printed = (char if char in _JOINERS or unicodedata.category(char) not in _NOT_PRINTED else " " for char in text[:LONGEST_LINE])
        text = "".join(printed)
    return " ".join(text.split())[:LONGEST_LINE]


def greetable(name: str | None) -> str | None:
    """The name to greet a user with; None for one that mail clients would turn into a link.

    Users choose their names, and can sign up with an address that is not theirs: a name must not carry somebody's advertisement there.
    """
    if name is None:
        return None
    clean = one_line(name)
    return clean if clean and len(clean) <= LONGEST_NAME and _LIKE_A_LINK.search(clean) is None else None


def in_words(millis: int) -> str:
    """A time for people: `28 November 2026, 11:35 UTC`."""
    moment = datetime.fromtimestamp(millis / 1000, UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
